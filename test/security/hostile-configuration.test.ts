/**
 * Whatever stands in a belay.yaml, a window file or a compliance file: it is told what is wrong with it, or it is read; it ends in no bug
 * of Belay's and it holds nobody up.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createCheckCatalog } from '../../src/actions/index.ts';
import { parseRules } from '../../src/compliance/index.ts';
import type { Diagnostic } from '../../src/document/index.ts';
import { parseInventory } from '../../src/inventory/index.ts';
import { parseWindow } from '../../src/windows/index.ts';
import { isThorough } from '../evidence/sample.ts';
import { Desk } from '../support/command-line.ts';

const catalog = createCheckCatalog();
const root = join(import.meta.dirname, '..', '..');
const textsOf = (...folders: readonly string[]): string[] =>
  folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => /^[^.].*\.yaml$/.test(file))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );

/** Every key that belay.yaml has, with values that it takes. */
const whole = stringify({
  keep: '90d',
  runbooks: ['./runbooks'],
  windows: './windows',
  hosts: {
    'db{1..3}': {
      address: '10.0.0.{1..3}',
      user: 'ops',
      via: 'bastion',
      become: 'sudo',
      tags: { Role: 'db' },
    },
    bastion: { address: 'bastion.example.com', port: 2222, identityFile: '~/.ssh/id' },
    i1: { instanceId: 'i-0123456789abcdef0', transport: 'ssm' },
    here: { transport: 'local' },
  },
  groups: { all: ['db{1..3}', 'bastion'], more: ['all'] },
  approvers: {
    alice: {
      keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
      user: ['a', 'b'],
    },
    carol: { arns: ['arn:aws:iam::111122223333:role/x/Dba'] },
    dba: { members: ['alice', 'carol'] },
  },
  approvals: {
    separate: true,
    inbox: true,
    allowedSigners: './signers',
    stsEndpoint: 'https://sts.example.com/',
  },
  notify: {
    ops: { webhook: { url: 'env:OPS_HOOK', format: 'slack', signWith: 'file:~/key' } },
    dba: {
      email: { server: 'smtp.example.com', from: 'b@example.com', to: ['d@example.com'] },
      events: ['rolledBack'],
    },
    topic: { sns: 'arn:aws:sns:eu-west-1:123456789012:alarms.fifo' },
    pager: { command: ['/usr/local/bin/page', '--team'], onlyNamed: true },
  },
});

interface Kind {
  readonly texts: readonly string[];
  read(text: string): { readonly isRead: boolean; readonly diagnostics: readonly Diagnostic[] };
}
const kinds: Readonly<Record<string, Kind>> = {
  'belay.yaml': {
    texts: [whole, ...textsOf('test/inventory/wrong')],
    read: (text) => {
      const { inventory, diagnostics } = parseInventory({ file: 'f', text }, { resolvePath: (path) => path });
      for (const name of inventory?.names ?? []) inventory?.address(name);
      return { isRead: inventory !== undefined, diagnostics };
    },
  },
  'a window file': {
    texts: textsOf('runbooks/windows', 'test/windows/wrong'),
    read: (text) => {
      const { window, diagnostics } = parseWindow({ file: 'f', text });
      return { isRead: window !== undefined, diagnostics };
    },
  },
  'a compliance file': {
    texts: textsOf('runbooks/compliance/rules'),
    read: (text) => {
      const { ruleSet, diagnostics } = parseRules({ file: 'f', text }, catalog);
      return { isRead: ruleSet !== undefined, diagnostics };
    },
  },
};

function survives(kind: Kind, text: string): void {
  const { isRead, diagnostics } = kind.read(text);
  expect(isRead).toBe(!diagnostics.some(({ severity }) => severity === 'error'));
  for (const { start, message } of diagnostics) {
    expect(start.line).toBeGreaterThan(0);
    expect(message).not.toBe('');
  }
}

const strange = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    '__proto__',
    '\u001B[2J',
    '{1..999999999}',
    'a{1..2}{3..4}',
    '9'.repeat(400),
    [],
    {},
    [[]],
    [{}],
    -1,
    1e308,
    true,
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Each value in it may be left out, exchanged or put under another key. */
function damaged(value: unknown, choose: (below: number) => number, put: unknown): unknown {
  const copy = structuredClone(value);
  const places: { readonly of: object; readonly key: string | number }[] = [];
  const walk = (of: unknown): void => {
    if (typeof of !== 'object' || of === null) return;
    for (const [key, member] of Object.entries(of) as [string, unknown][]) {
      places.push({ of, key: Array.isArray(of) ? Number(key) : key });
      walk(member);
    }
  };
  walk(copy);
  const place = places[choose(places.length)];
  if (place === undefined) return put;
  if (choose(3) === 0 && !Array.isArray(place.of)) {
    const kept: unknown = Reflect.get(place.of, place.key);
    Reflect.deleteProperty(place.of, place.key);
    Reflect.set(place.of, ['constructor', 'toString', 'a b', ''][choose(4)] ?? '', kept);
  } else Reflect.set(place.of, place.key, put);
  return copy;
}

const runs = { numRuns: isThorough ? 10_000 : 60 };

describe.for(Object.entries(kinds))('%s', { timeout: 120_000 }, ([, kind]) => {
  const values = kind.texts.flatMap((text): unknown[] => {
    try {
      return [parse(text)];
    } catch {
      return [];
    }
  });

  test('with any value in any of its places is read, or is told what is wrong', () => {
    expect(values.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(
        fc.constantFrom(...values),
        fc.infiniteStream(fc.nat()),
        fc.array(strange, { minLength: 1, maxLength: 3 }),
        (value, chances, puts) => {
          const choose = (below: number): number => (chances.next().value ?? 0) % Math.max(1, below);
          survives(kind, stringify(puts.reduce((sofar, put) => damaged(sofar, choose, put), value)));
        },
      ),
      runs,
    );
  });

  test('cut, doubled and mixed with other bytes is read, or is told what is wrong', () => {
    const piece = fc.record({
      at: fc.nat(),
      length: fc.nat(60),
      put: fc.oneof(
        fc.constantFrom(
          '',
          ': ',
          '- ',
          '\n',
          '\t',
          '&a ',
          '*a',
          '<<: *a\n',
          '!!binary ',
          '!Sub ',
          '|\n',
          '{',
          '[',
          '"',
          '\0',
          '\uFEFF',
          '? ',
          '---\n',
          '%YAML 1.1\n',
        ),
        fc.string({ maxLength: 8 }),
      ),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...kind.texts),
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        (text, pieces) => {
          const made = pieces.reduce((sofar, { at, length, put }) => {
            const from = sofar.length === 0 ? 0 : at % sofar.length;
            return `${sofar.slice(0, from)}${put}${sofar.slice(from + length)}`;
          }, text);
          survives(kind, made);
        },
      ),
      runs,
    );
  });
});

test('a belay.yaml that is made to grow without end ends in a sentence', async () => {
  using desk = new Desk();
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghij'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(',')}]`),
  ].join('\n');
  const deep = `hosts: ${'['.repeat(50_000)}`;
  for (const [name, text] of [
    ['aliases', bomb],
    ['nesting', deep],
    ['a range', 'hosts: { "h{1..99999999}": { transport: local } }'],
    [
      'groups of groups',
      stringify({
        hosts: { h: { transport: 'local' } },
        groups: Object.fromEntries(
          Array.from({ length: 60 }, (_, index) => [
            `g${index}`,
            index === 0 ? ['h'] : [`g${index - 1}`, `g${index - 1}`],
          ]),
        ),
      }),
    ],
    ['a ring', 'hosts: { a: { address: a, via: b }, b: { address: b, via: a } }\ngroups: { g: [h], h: [g] }'],
  ] as const) {
    desk.write('belay.yaml', text);
    const said = await desk.belay(['locks', '--hosts']);
    expect({ name, code: said.code, stderr: said.stderr.slice(0, 300) }).toMatchObject({
      code: name === 'groups of groups' ? 0 : 2,
    });
    expect(said.stderr).not.toContain('A bug in Belay');
  }
}, 120_000);
