import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { renderDiagnostics, summarizeDiagnostics } from '../../src/document/index.ts';
import { inventoryCodes, parseInventory, type Inventory } from '../../src/inventory/index.ts';

function read(text: string): Inventory {
  const { inventory, diagnostics } = parseInventory(
    { file: 'belay.yaml', text },
    { resolvePath: (path) => `/etc/belay/${path}` },
  );
  if (inventory === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return inventory;
}

describe('an inventory', () => {
  test('may be empty', () => {
    for (const text of ['', 'hosts:\n', 'hosts: {}\n']) expect(read(text).names).toEqual([]);
  });

  test('gives a host as it is written, with what it leaves out', () => {
    const inventory = read(`
hosts:
  db1:
    address: 10.77.1.20
    port: 2222
    user: ops
    identityFile: keys/db
    knownHostsFile: known_hosts
    become: sudo
    tags: { role: db }
  here: { transport: local }
  plain:
`);
    expect(inventory.names).toEqual(['db1', 'here', 'plain']);
    expect(inventory.address('db1')).toEqual({
      name: 'db1',
      transport: 'ssh',
      address: '10.77.1.20',
      port: 2222,
      user: 'ops',
      identityFile: '/etc/belay/keys/db',
      knownHostsFile: '/etc/belay/known_hosts',
      become: 'sudo',
      tags: { role: 'db' },
    });
    expect(inventory.address('here')).toEqual({ name: 'here', transport: 'local', become: 'none', tags: {} });
    expect(inventory.address('plain')).toEqual({ name: 'plain', transport: 'ssh', become: 'none', tags: {} });
    expect(inventory.address('nobody')).toBeUndefined();
  });

  test('knows a host by its name and by its instance id, which are one target', () => {
    const inventory = read(`
hosts:
  web: { instanceId: i-0123456789abcdef0 }
  db: { instanceId: mi-0123456789abcdef1, address: 10.0.0.5 }
  both: { transport: ssm, instanceId: i-0123456789abcdef2 }
`);
    expect(inventory.names).toEqual(['web', 'db', 'both']);
    expect(inventory.address('i-0123456789abcdef0')).toBe(inventory.address('web'));
    expect(inventory.address('web')).toMatchObject({ name: 'web', transport: 'ssm' });
    expect(inventory.address('mi-0123456789abcdef1')).toMatchObject({ name: 'db', transport: 'ssh' });
    expect(inventory.address('both')?.transport).toBe('ssm');
  });

  test('gives every hop on the way, the first one first, and none of them twice', () => {
    const inventory = read(`
hosts:
  outer: { address: 10.0.0.1, user: jump }
  inner: { via: outer }
  db: { via: [outer, inner] }
  deep: { via: inner }
`);
    const hops = (name: string) => inventory.address(name)?.via?.map((hop) => hop.name);
    expect(hops('outer')).toBeUndefined();
    expect(hops('inner')).toEqual(['outer']);
    expect(hops('db')).toEqual(['outer', 'inner']);
    expect(hops('deep')).toEqual(['outer', 'inner']);
    expect(inventory.address('deep')?.via?.[0]).toMatchObject({ address: '10.0.0.1', user: 'jump' });
    expect(inventory.address('deep')?.via?.[1]?.via).toBeUndefined();
  });

  test('of ten thousand hosts behind one bastion is read in seconds', () => {
    const hosts = Array.from({ length: 10_000 }, (_, index) => `  h${index}: { via: b }`).join('\n');
    const started = process.cpuUsage();
    expect(read(`hosts:\n  b:\n${hosts}\n`).names).toHaveLength(10_001);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(5000);
  });
});

describe('a wrong inventory', () => {
  const wrong = join(import.meta.dirname, 'wrong');
  const cases = readdirSync(wrong).filter((file) => file.endsWith('.yaml'));

  test.each(cases)('%s is told what is wrong, where and what to do', (file) => {
    const source = { file, text: readFileSync(join(wrong, file), 'utf8') };
    const { inventory, diagnostics } = parseInventory(source);
    const rendered = `${renderDiagnostics(diagnostics, [source], { color: false })}${summarizeDiagnostics(diagnostics)}\n`;
    const golden = join(wrong, file.replace('.yaml', '.golden.txt'));
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, rendered);
    expect(rendered).toBe(readFileSync(golden, 'utf8'));
    expect(inventory).toBeUndefined();
  });

  test('each code of the room has a case', () => {
    const codes = new Set(
      cases.flatMap((file) =>
        parseInventory({ file, text: readFileSync(join(wrong, file), 'utf8') }).diagnostics.map(
          ({ code }) => code,
        ),
      ),
    );
    expect(Object.keys(inventoryCodes).filter((code) => !codes.has(code))).toEqual([]);
  });
});
