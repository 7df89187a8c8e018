import { describe, expect, test } from 'vitest';

import { parseInventory, resolveTargets, type Inventory } from '../../src/inventory/index.ts';

function read(text: string): Inventory {
  const { inventory, diagnostics } = parseInventory({ file: 'belay.yaml', text });
  if (inventory === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return inventory;
}

const cluster = read(`
hosts:
  lb: { tags: { role: proxy } }
  minio{01..04}:
    address: '10.0.0.{11..14}'
    port: '220{1..4}'
    via: lb
    tags: { role: storage, rack: 'r{1..4}' }
  db{9..10}: { instanceId: 'i-0123456789abcde{09..10}' }
groups:
  all: [front, minio, db9]
  front: [lb]
  minio: ['minio{02..03}', minio01, 'minio{01..04}']
  by-id: [i-0123456789abcde10]
`);

describe('a range in the name of a host', () => {
  test('is one host per number, padded with zeros as written', () => {
    expect(cluster.names).toEqual(['lb', 'minio01', 'minio02', 'minio03', 'minio04', 'db9', 'db10']);
  });

  test('gives each host its number of every range below it', () => {
    expect(cluster.address('minio03')).toMatchObject({
      name: 'minio03',
      address: '10.0.0.13',
      port: 2203,
      tags: { role: 'storage', rack: 'r3' },
    });
    expect(cluster.address('minio03')?.via?.map(({ name }) => name)).toEqual(['lb']);
    expect(cluster.address('db10')?.instanceId).toBe('i-0123456789abcde10');
    expect(cluster.address('i-0123456789abcde09')?.name).toBe('db9');
  });

  test.each([
    ['h{1..3}', ['h1', 'h2', 'h3']],
    ['h{8..11}', ['h8', 'h9', 'h10', 'h11']],
    ['h{008..010}', ['h008', 'h009', 'h010']],
    ['h{0..2}', ['h0', 'h1', 'h2']],
    ['h{5..5}.example', ['h5.example']],
    ['{1..2}', ['1', '2']],
  ])('%s', (written, names) => {
    expect(read(`hosts: { '${written}': {} }`).names).toEqual(names);
  });
});

describe('a group', () => {
  test('is its hosts, ranges and groups written out, each host once, in the order written', () => {
    expect(cluster.groups.get('minio')).toEqual(['minio02', 'minio03', 'minio01', 'minio04']);
    expect(cluster.groups.get('all')).toEqual(['lb', 'minio02', 'minio03', 'minio01', 'minio04', 'db9']);
  });

  test('may name a host by its instance id', () => {
    expect(cluster.groups.get('by-id')).toEqual(['db10']);
  });

  test('may be written before the groups that it holds, and share them with others', () => {
    const { groups } = read('hosts: { a: , b: }\ngroups: { x: [z, y], y: [z, b], z: [a] }');
    expect([...groups]).toEqual([
      ['z', ['a']],
      ['y', ['a', 'b']],
      ['x', ['a', 'b']],
    ]);
  });
});

describe('selectors', () => {
  const hosts = (...selectors: string[]) => {
    const resolved = resolveTargets(cluster, selectors);
    return resolved.kind === 'hosts' ? resolved.hosts : resolved.message;
  };

  test('give hosts in the order written, each once', () => {
    expect(hosts('db10', 'minio{03..04}', 'tag:role=storage', 'group:front', 'db10')).toEqual([
      'db10',
      'minio03',
      'minio04',
      'minio01',
      'minio02',
      'lb',
    ]);
  });

  test('by instance id give the name of the host, or the id where no host has it', () => {
    expect(hosts('i-0123456789abcde09', 'db9', 'i-0fedcba9876543210')).toEqual([
      'db9',
      'i-0fedcba9876543210',
    ]);
  });

  test.each([
    [['minoi01'], 'no host is called minoi01. Did you mean minio01?'],
    [['minio{03..06}'], 'no host is called minio05 of minio{03..06}. Did you mean minio01?'],
    [['minio{04..01}'], '{04..01} counts down; write {01..04}'],
    [['minio'], 'minio is a group, no host; write group:minio'],
    [['group:lb'], 'lb is a host, no group; write lb'],
    [['group:mino'], 'no group is called mino. Did you mean minio?'],
    [['tag:role=storag'], 'no host has the tag role with the value storag. Did you mean storage?'],
    [['tag:rol=storage'], 'no host has a tag rol. Did you mean role?'],
    [['tag:constructor=x'], 'no host has a tag constructor. Known are role, rack.'],
    [['tag:role'], 'tag:role is not a selector by tag; write tag:KEY=VALUE'],
    [['db9', 'nobody'], /^no host is called nobody/],
    [[''], /^no host is called /],
    [[], 'there are no targets: the list is empty'],
  ])('%j match nothing, which is told with what was meant', (selectors, message) => {
    expect(hosts(...selectors)).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
  });

  test('where there is no inventory say so, and still take instance ids', () => {
    expect(resolveTargets(null, ['db1'])).toEqual({
      kind: 'problem',
      message: 'no host is called db1; there is no belay.yaml here that names hosts',
    });
    expect(resolveTargets(null, ['i-0123456789abcdef0'])).toEqual({
      kind: 'hosts',
      hosts: ['i-0123456789abcdef0'],
    });
  });
});
