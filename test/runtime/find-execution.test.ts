import { expect, test } from 'vitest';
import { findExecution } from '../../src/runtime/find-execution.ts';

const journal = (ids: readonly string[]) => ({
  executionIds: () => Promise.resolve([...ids]),
  idsBelow: () => Promise.resolve([]),
});

test('the beginning of an id that fits several names five of them, and says how to tell them apart', async () => {
  const ids = Array.from({ length: 7 }, (_, index) => `1SK8${index}`);
  const found = findExecution(journal(ids), '/state', '1sk8');
  await expect(found).rejects.toMatchObject({
    code: 'AMBIGUOUS_EXECUTION',
    message: '1sk8 fits 7 executions: 1SK80, 1SK81, 1SK82, 1SK83, 1SK84 and others',
    hint: 'give more of the id; belay list shows what each of them is',
  });
  expect(await findExecution(journal(ids), '/state', '1sk83')).toBe('1SK83');
});
