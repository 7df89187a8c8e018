/** What a choice of targets means, asked of the sandbox's EC2: never more than was written. */
import { expect, test } from 'vitest';
import { findTargets } from '../../../src/runtime/activities/find-targets.ts';
import { memoryWorld, newWorld, sandboxAws, sandboxIds } from '../../../src/world/index.ts';
import { contextOf } from '../../support/action-context.ts';

const find = async (key: string, values: readonly string[]) => {
  const world = memoryWorld(newWorld(), { now: () => Date.UTC(2026, 0, 6), sleep: async () => undefined });
  await using context = await contextOf({ aws: sandboxAws(world), targets: () => [] });
  return await findTargets({ key, values }, context);
};

test('* of AWS::EC2::Instance is every instance of the account in the region', async () => {
  expect([...(await find('AWS::EC2::Instance', ['*']))].toSorted()).toEqual(
    [sandboxIds.db1, sandboxIds.web1].toSorted(),
  );
});

test.each([[[sandboxIds.web1]], [['*', sandboxIds.web1]], [[]]])(
  'AWS::EC2::Instance with %j is refused, and does not mean all of them',
  async (values) => {
    await expect(find('AWS::EC2::Instance', values)).rejects.toMatchObject({ code: 'UNKNOWN_TARGET' });
  },
);

test.each(['tag:Role', 'ResourceGroup', 'InstanceIds'])(
  '%s without a value is refused before anything is asked',
  async (key) => {
    await expect(find(key, [])).rejects.toMatchObject({
      code: 'UNKNOWN_TARGET',
      message: `Targets by ${key} name no value`,
    });
  },
);

test.each(['Role', 'tag:', 'instance-id'])('%s is not a key', async (key) => {
  await expect(find(key, ['x'])).rejects.toMatchObject({
    code: 'UNKNOWN_TARGET',
    message: expect.stringContaining(`${key} is not a key of Targets`),
  });
});

test('ids are taken as they are', async () => {
  expect(await find('InstanceIds', ['i-1', 'i-2', 'i-1'])).toEqual(['i-1', 'i-2']);
});
