/** The search after all tests finds a secret in every form, however the file is cut, and fails a run whose tests all passed. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { watchMissing } from '../../support/exec-watch/exec-watch.ts';
import { searchRun } from '../../support/secret-search/search.ts';
import { password } from './canary.ts';

describe('in one folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'belay-search-'));
    mkdirSync(join(folder, 'kept-1'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const planted = password({ isPlanted: true });
  const key = 'x'.repeat(20) + randomBytes(33).toString('base64').replace(/^.{4}/, 'a+/b');
  const coded = (value: string): Record<string, string> => ({
    plain: value,
    json: JSON.stringify({ deep: JSON.stringify({ value }) }),
    url: encodeURIComponent(value),
    'url, lower case': encodeURIComponent(value).replaceAll(/%../g, (escape) => escape.toLowerCase()),
    hex: Buffer.from(value).toString('hex'),
    'hex, upper case': Buffer.from(value).toString('hex').toUpperCase(),
    base64: Buffer.from(value).toString('base64'),
    'base64 behind one byte': Buffer.from(`x${value}`).toString('base64'),
    'base64 behind two bytes': Buffer.from(`xy${value}`).toString('base64url'),
    'base64 in lines': Buffer.from(value)
      .toString('base64')
      .replaceAll(/(.{10})/g, '$1\n'),
    'base64 in lines, in json': JSON.stringify(
      Buffer.from(value)
        .toString('base64')
        .replaceAll(/(.{10})/g, '$1\n'),
    ),
    backwards: Array.from(value).toReversed().join(''),
  });
  const forms = {
    ...coded(planted.value),
    ...Object.fromEntries(Object.entries(coded(key)).map(([name, text]) => [`key, ${name}`, text])),
  };

  function register(): void {
    const secrets = [
      { name: 'planted', cores: planted.cores },
      { name: 'key', cores: [key.slice(20)] },
    ];
    writeFileSync(join(folder, 'secrets.jsonl'), secrets.map((one) => `${JSON.stringify(one)}\n`).join(''));
  }

  test.for(Object.entries(forms))('is found: %s', async ([, text]) => {
    register();
    writeFileSync(join(folder, 'kept-1', 'log'), `some text ${text} more`);
    expect((await searchRun(folder)).found.join('\n')).toMatch(/(planted|key) in \w+, in kept-1\/log/);
  });

  test('is found wherever it stands in a long file, at what a read and a piece cut too', async () => {
    register();
    const places = [0, 1, 262_136, 262_140, 262_144, 524_280, 524_290, 700_000 - planted.value.length];
    for (const place of places) {
      const bytes = Buffer.alloc(700_000, 'abcdefg');
      bytes.write(planted.value, place);
      writeFileSync(join(folder, 'kept-1', `at-${place}`), bytes);
    }
    const { found } = await searchRun(folder);
    for (const place of places) expect(found).toContain(`planted in plain, in kept-1/at-${place}`);
  });

  test('costs little, and finds nothing where nothing is', async () => {
    const secrets = Array.from({ length: 300 }, () => password({ isPlanted: true }));
    writeFileSync(
      join(folder, 'secrets.jsonl'),
      secrets.map(({ cores }) => `${JSON.stringify({ name: 'one', cores })}\n`).join(''),
    );
    for (let index = 0; index < 10; index += 1)
      writeFileSync(join(folder, 'kept-1', `log-${index}`), randomBytes(1_500_000).toString('base64'));
    const began = performance.now();
    const { found, bytes } = await searchRun(folder);
    const seconds = (performance.now() - began) / 1000;
    expect(found).toEqual([]);
    expect(bytes).toBe(20_000_000);
    console.log(`300 secrets in 20 MB: ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(30);
  }, 60_000);
});

describe('around a run of tests', () => {
  const runPlanted = (places: string) =>
    execa(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/evidence/secrets/planted/vitest.config.ts'],
      {
        env: { PLANT: places, BELAY_TEST_RUN: undefined, BELAY_TEST_EXECS: undefined, NO_COLOR: '1' },
        all: true,
        reject: false,
      },
    );
  const runFolders = (): string[] =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('belay-test-run-'));

  test('fails it with where each secret was found, never the secret, and leaves nothing', async () => {
    const before = runFolders();
    const { exitCode, all } = await runPlanted('state journal argument');
    expect(all).toContain('1 passed');
    expect(all).toMatch(
      /a secret of the tests can be read: a password in base64, in kept-\w+\/state\/executions\/loud\.log/,
    );
    expect(all).toMatch(/a private key in plain, in kept-\w+\/endpoint\.journal\.jsonl/);
    if (watchMissing() === undefined)
      expect(all).toContain('a password in plain, in the arguments of: /bin/true --password ***');
    expect(exitCode).toBe(1);
    expect(all).not.toContain('p"ä/');
    expect(runFolders().filter((name) => !before.includes(name))).toEqual([]);
  }, 60_000);

  test('lets it pass when nothing was leaked', async () => {
    const { exitCode, all } = await runPlanted('');
    expect(all).toMatch(/secrets: 2 made by tests, searched for in [23] files/);
    expect({ exitCode, all }).toEqual({ exitCode: 0, all });
  }, 60_000);
});
