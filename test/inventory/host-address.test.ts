/** How addresses, users and paths of belay.yaml are read: brought to one form, or refused at their place with what to write instead. */
import { expect, test } from 'vitest';
import { renderDiagnostics } from '../../src/document/index.ts';
import { parseInventory } from '../../src/inventory/index.ts';

function read(key: string, value: string) {
  const source = { file: 'belay.yaml', text: `hosts:\n  db1:\n    ${key}: ${JSON.stringify(value)}\n` };
  const { inventory, diagnostics } = parseInventory(source);
  return { address: inventory?.address('db1'), diagnostics, source };
}

test.each([
  ['db1.example', 'db1.example'],
  ['10.77.1.20', '10.77.1.20'],
  ['::1', '::1'],
  ['[::1]', '::1'],
  ['2001:db8::5', '2001:db8::5'],
  ['[2001:db8::5]', '2001:db8::5'],
  ['::ffff:10.0.0.5', '::ffff:10.0.0.5'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['[fe80::1%eth0.100]', 'fe80::1%eth0.100'],
])('the address %s is %s', (written, meant) => {
  expect(read('address', written).address?.address).toBe(meant);
});

test.each([
  ['10.0.0.5:2222', 'write address: 10.0.0.5 and port: 2222'],
  ['[::1]:2222', "write address: '::1' and port: 2222"],
  ['ops@db1', 'write address: db1 and user: ops'],
  ['ssh://ops@db1:22', 'a key of its own'],
  ['[db1]', 'only an IPv6 address is written in brackets'],
  ['2001:db8:::5', 'not a whole IPv6 address'],
  ['::1%', 'a host name or IP address'],
  ['fe80::1%eth0%1', 'a host name or IP address'],
  ['10.0.0.256', 'at most 255'],
  ['-oProxyCommand=id', 'a host name or IP address'],
  ['db 1', 'a host name or IP address'],
  ['', 'a host name or IP address'],
  ['b\u00fccher', 'a host name or IP address'],
])('the address %j is refused where it stands', (written, says) => {
  const { diagnostics, source } = read('address', written);
  expect(diagnostics).toHaveLength(1);
  expect(diagnostics[0]?.start).toMatchObject({ line: 3, column: 14 });
  expect(renderDiagnostics(diagnostics, [source], { color: false })).toContain(says);
});

test.each(['CORP\\jdoe', 'jdoe@corp.example', 'svc-backup', 'a.b+c', '_apt', 'svc$', '1000'])(
  'the user %s is taken as it is',
  (user) => {
    expect(read('user', user).address?.user).toBe(user);
  },
);

test.each(['', '-l', 'CORP\\', 'two words', 'jdoe;id', 'j\ndoe', "o'neil", '%r'])(
  'the user %j is refused where it stands',
  (user) => {
    expect(read('user', user).diagnostics[0]?.start).toMatchObject({ line: 3, column: 11 });
  },
);

test.each(['identityFile', 'knownHostsFile'])('%s is any path that a file can have', (key) => {
  for (const path of ['/a b/"c"\\d', '/%h/${HOME}', '/\u{1f511}', 'x\ny']) {
    expect(read(key, path).address).toMatchObject({ [key]: path });
  }
  for (const path of ['', 'a\0b', '\ud83d']) {
    expect(read(key, path).diagnostics).toHaveLength(1);
  }
});
