import { expect, test } from 'vitest';
import { logFileOf, logHead, orderLogFiles } from '../../../src/cli/view/log-files.ts';
import { logFileName } from '../../../src/runtime/logs.ts';

const file = (step: string, target: string, stream: 'stdout' | 'stderr') => {
  const found = logFileOf(logFileName(step, target, stream));
  if (found === undefined) throw new Error(`${step} ${target} ${stream} is not understood`);
  return found;
};

test('a name that the runtime makes is read back', () => {
  expect(file('SnapshotData/undo/Restore', 'db1#2', 'stderr')).toMatchObject({
    stem: 'SnapshotData.undo.Restore',
    target: 'db1',
    attempt: 2,
    stream: 'stderr',
  });
  expect(file('Check', 'https://a.example/x?y=1', 'stdout')).toMatchObject({
    target: 'https://a.example/x?y=1',
    attempt: 1,
  });
  expect(logFileOf('notes.txt')).toBeUndefined();
});

test('files come by target, then attempt, stdout before stderr', () => {
  const files = [
    file('Patch', 'h10', 'stdout'),
    file('Patch', 'h2#10', 'stdout'),
    file('Patch', 'h2#2', 'stderr'),
    file('Patch', 'h2#2', 'stdout'),
    file('Patch', 'h2', 'stderr'),
  ];
  expect(orderLogFiles(files.toReversed()).map((found) => logHead(found, 'Patch'))).toEqual([
    '== Patch  h2  stderr',
    '== Patch  h2  try 2  stdout',
    '== Patch  h2  try 2  stderr',
    '== Patch  h2  try 10  stdout',
    '== Patch  h10  stdout',
  ]);
});
