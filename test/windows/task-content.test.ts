import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyChange, changeOf, type TaskContents } from '../../src/windows/index.ts';

const then: TaskContents = {
  patch: { says: 'a1', files: { '/ops/patch.yaml': 'b1', '/ops/child.yaml': 'c1' } },
  look: { says: 'a2', files: { '/ops/look.yaml': 'd1' } },
};
const changed = (patch: Partial<TaskContents['patch']>): TaskContents => ({
  ...then,
  patch: { says: 'a1', files: then['patch']?.files ?? {}, ...patch },
});

test('what is as it was then has not changed', () => {
  expect(anyChange(then, structuredClone(then))).toBe(null);
  expect(changeOf('look', then, changed({ says: 'other' }))).toBe(null);
});

test.each([
  [
    changed({ files: { '/ops/patch.yaml': 'b1', '/ops/child.yaml': 'c2' } }),
    '/ops/child.yaml is not as it was then',
  ],
  [changed({ files: { '/ops/patch.yaml': 'b1' } }), '/ops/child.yaml is not run any more'],
  [
    changed({ files: { ...then['patch']?.files, '/ops/new.yaml': 'e1' } }),
    '/ops/new.yaml is not as it was then',
  ],
  [changed({ says: 'a9' }), 'the window file says otherwise of task patch now'],
  [{ patch: changed({})['patch'] ?? { says: '', files: {} } }, 'task look is gone'],
  [{ ...then, more: { says: '', files: {} } }, 'task more was not there then'],
])('what is otherwise is named: %#', (now, says) => {
  expect(anyChange(then, now)).toBe(says);
});

test('a file that cannot be read is not a file that somebody said yes to', () => {
  const unread = changed({ files: { '/ops/patch.yaml': '', '/ops/child.yaml': 'c1' } });
  expect(anyChange(unread, unread)).toBe('/ops/patch.yaml is not as it was then');
});

test('two contents are the same exactly when nothing of them differs', () => {
  const hash = fc.constantFrom('1', '2', '3');
  const names = fc.constantFrom('patch', 'look', 'toString', 'constructor');
  const content = fc.record({ says: hash, files: fc.dictionary(names, hash, { noNullPrototype: true }) });
  const contents = fc.dictionary(names, content, { maxKeys: 3, noNullPrototype: true });
  const inOrder = <T>(record: Readonly<Record<string, T>>): [string, T][] =>
    Object.entries(record).toSorted(([a], [b]) => a.localeCompare(b));
  const sorted = (value: TaskContents): string =>
    JSON.stringify(inOrder(value).map(([name, { says, files }]) => [name, says, inOrder(files)]));
  fc.assert(
    fc.property(contents, contents, (one, other) => {
      expect(anyChange(one, other) === null).toBe(sorted(one) === sorted(other));
    }),
  );
});
