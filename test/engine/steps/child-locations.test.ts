import { expect, test } from 'vitest';
import { child } from '../../../src/engine/steps/child.ts';
import { turnScope } from '../../../src/engine/steps/turn.ts';
import { childBed, foundRunbook, type ChildBedOptions } from '../../support/child-bed.ts';
import { failedWith, gave } from '../../support/step-bed.ts';
import type { ActivityCall, OutcomeResult } from '../../../src/engine/index.ts';
import type { Json, JsonObject } from '../../../src/json.ts';

const one = '111122223333';
const two = '444455556666';
const caller = {
  account: one,
  arn: `arn:aws:iam::${one}:user/ann`,
  region: 'eu-central-1',
  partition: 'aws',
};
const roleDefault = 'AWS-SystemsManager-AutomationExecutionRole';
const roleOf = (account: string, role = roleDefault) => `arn:aws:iam::${account}:role/${role}`;

function bedWith(locations: Json, options: ChildBedOptions & { readonly also?: JsonObject } = {}) {
  const own = (call: ActivityCall): OutcomeResult | undefined =>
    call.kind === 'identity' ? { status: 'ok', value: caller } : undefined;
  return childBed({
    ...options,
    inputs: { TargetLocations: locations, ...options.also },
    answer: (call) => options.answer?.(call) ?? own(call),
  });
}

async function run(locations: Json, options: Parameters<typeof bedWith>[1] = {}) {
  const bed = bedWith(locations, options);
  return { ...bed, ending: await child(bed.run) };
}

test('each account and region is a child that acts there with the role of that account', async () => {
  const { ending, children } = await run([
    {
      Accounts: [one, two],
      Regions: ['eu-west-1', 'us-east-1'],
      ExecutionRoleName: 'Ops',
      TargetLocationMaxConcurrency: 1,
    },
  ]);
  expect(children().map(({ location }) => location)).toEqual([
    { roles: [roleOf(one, 'Ops')], region: 'eu-west-1' },
    { roles: [roleOf(one, 'Ops')], region: 'us-east-1' },
    { roles: [roleOf(two, 'Ops')], region: 'eu-west-1' },
    { roles: [roleOf(two, 'Ops')], region: 'us-east-1' },
  ]);
  expect(ending).toMatchObject({
    status: 'Success',
    result: {
      outputs: {
        Targets: [`${one}_eu-west-1`, `${one}_us-east-1`, `${two}_eu-west-1`, `${two}_us-east-1`],
        Failed: [],
        NotStarted: [],
      },
    },
  });
});

test('where nothing is said it is the account and region of the caller, with the role that the service takes', async () => {
  const { children } = await run([{}]);
  expect(children()).toMatchObject([{ location: { roles: [roleOf(one)], region: 'eu-central-1' } }]);
});

test('accounts that are excluded are left out', async () => {
  const { children } = await run([{ Accounts: [one, two], ExcludeAccounts: [one] }]);
  expect(children()).toMatchObject([{ location: { roles: [roleOf(two)] } }]);
});

test('roles on the way to the execution come before the one there', async () => {
  const location = { roles: [roleOf(one, 'Hub')], region: 'eu-west-1' };
  const { children } = await run([{ Accounts: [two] }], { input: { location } });
  expect(children()).toMatchObject([{ location: { roles: [roleOf(one, 'Hub'), roleOf(two)] } }]);
});

test('entries are gone through in their order, and none is begun after one in which more failed than may', async () => {
  const locations = [{ Accounts: [one] }, { Accounts: [two] }];
  const { ending, children } = await run(locations, { ends: () => failedWith('BROKEN', 'known') });
  expect(children()).toHaveLength(1);
  expect(ending).toMatchObject({
    status: 'Failed',
    result: { outputs: { Failed: [`${one}_eu-central-1`], NotStarted: [`${two}_eu-central-1`] } },
  });
});

test('each entry has an error budget of its own', async () => {
  const entry = (account: string) => ({ Accounts: [account], TargetLocationMaxErrors: 1 });
  const { ending, children } = await run([entry(one), entry(two)], {
    ends: () => failedWith('BROKEN', 'known'),
  });
  expect(children()).toHaveLength(2);
  expect(ending).toMatchObject({ status: 'Success', result: { outputs: { Failed: expect.any(Array) } } });
});

test('targets of an entry are gone over there, by a runbook that the host makes for them', async () => {
  const Targets = [{ Key: 'tag:Role', Values: ['db'] }];
  const { asked, children } = await run([{ Accounts: [two], Targets, TargetsMaxErrors: '2' }], {
    also: { TargetParameterName: 'Name' },
    answer: (call) =>
      call.kind === 'findRunbook' && call.input.over !== undefined
        ? { status: 'ok', value: { ...foundRunbook(), runbook: 'over' } as never }
        : undefined,
  });
  expect(asked('findRunbook')).toMatchObject([
    { id: 'A:runbook' },
    {
      id: 'A:over1',
      input: {
        name: '/books/child.yaml',
        over: { Targets, TargetParameterName: 'Name', MaxErrors: '2', Given: [] },
      },
    },
  ]);
  expect(children()).toHaveLength(1);
});

test.each<[string, Json, string, RegExp]>([
  [
    'an organizational unit',
    [{ Accounts: ['ou-1234'] }],
    'NOT_LOCAL',
    /ou-1234 is not an account of 12 digits/,
  ],
  ['an alarm of the entry', [{ TargetLocationAlarmConfiguration: { Alarms: [] } }], 'NOT_LOCAL', /--alarm/],
  ['an entry that is not a map', ['eu-west-1'], 'INVALID_INPUT', /must be a map/],
  ['an entry whose accounts are all excluded', [{ ExcludeAccounts: [one] }], 'NO_TARGETS', /no targets/],
  [
    'a concurrency that is not a number',
    [{ TargetLocationMaxConcurrency: 'many' }],
    'INVALID_INPUT',
    /TargetLocationMaxConcurrency/,
  ],
])('%s starts nothing', async (_what, locations, code, message) => {
  const { ending, children } = await run(locations);
  expect(ending).toMatchObject({
    status: 'Failed',
    failure: { code, message: expect.stringMatching(message) },
  });
  expect(children()).toEqual([]);
});

test('where AWS does not say who is calling nothing is started', async () => {
  const { ending, children } = await run([{}], {
    answer: ({ kind }) => (kind === 'identity' ? failedWith('EXPIRED_TOKEN') : undefined),
  });
  expect(ending).toMatchObject({ status: 'Failed', failure: { code: 'EXPIRED_TOKEN' } });
  expect(children()).toEqual([]);
});

test('a cancel begins no further place', async () => {
  const bed = bedWith([{ Accounts: [one] }, { Accounts: [two] }], {
    ends: () => {
      bed.runtime.store.isCancelled = true;
      return gave({});
    },
  });
  expect(await child(bed.run)).toMatchObject({ status: 'Cancelled' });
  expect(bed.children()).toHaveLength(1);
});

test('within a turn of a rolling there are no locations of its own', async () => {
  const { run: outer, record, frame, children } = bedWith([{}]);
  const scope = turnScope(frame, { ...record, path: 'Roll' }, 'db1', ['db1']);
  const ending = await child({ ...outer, record: { ...record, scope } });
  expect(ending).toMatchObject({ status: 'Failed', failure: { code: 'NESTING' } });
  expect(children()).toEqual([]);
});
