/** Which machine answers under a name, from its first word in an execution to the last runner of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteJournal, type Journal } from '../../src/journal/index.ts';
import { KnownMachines } from '../../src/runtime/known-machines.ts';
import { HostFailure, type HostAddress, type HostIdentity } from '../../src/transports/host.ts';

const digits = (digit: string) => digit.repeat(32);
const boot = (digit: string) => `${digit.repeat(8)}-1111-2222-3333-444444444444`;
const [one, two] = ['i-0123456789abcdef0', 'i-0fedcba9876543210'];
const address = (more: Partial<HostAddress> = {}): HostAddress => ({
  name: 'db1',
  transport: 'ssh',
  become: 'none',
  tags: {},
  ...more,
});
const identity = (more: Partial<HostIdentity> = {}): HostIdentity => ({
  machineId: digits('a'),
  bootId: boot('1'),
  space: 'pid:[4026531836]',
  instanceId: null,
  ...more,
});

let dir: string;
let journal: Journal;
let told: string[];
let clock: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'belay-machines-'));
  journal = openSqliteJournal(dir);
  told = [];
  clock = 1000;
  await journal.create({
    id: 'X1',
    runbook: 'patch',
    file: 'patch.yaml',
    program: {
      interpreter: 1,
      document: {
        schemaVersion: '0.3',
        parameters: {},
        mainSteps: [],
        outputs: [],
        rollback: { when: 'never', timeoutSeconds: 1 },
        additions: [],
      },
      descriptors: {},
    },
    sha256: 'abc',
    input: { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null },
    settings: { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'ops', usesAws: false },
    createdAt: 1,
  });
});
afterEach(() => {
  journal.close();
  rmSync(dir, { recursive: true, force: true });
});

/** As each runner of the execution has it. */
function machines(): KnownMachines {
  const now = () => (clock += 1);
  return new KnownMachines({ executionId: 'X1', journal, tell: (text) => told.push(text), now });
}

const named = (name: string, more: Partial<HostAddress> = {}): HostAddress => address({ name, ...more });

/** A step over many hosts begins on one of them, which answers when it is connected to. */
async function begin(
  known: KnownMachines,
  step: string,
  host: HostAddress,
  as: HostIdentity,
): Promise<string> {
  try {
    return await known.ofSteps.acting(step, host, async () => {
      await known.verify(host, as);
      return 'acted';
    });
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error;
    expect(error).toMatchObject({ code: 'SAME_MACHINE', retryable: false, effect: 'none' });
    return error.message;
  }
}

async function refusal(act: () => Promise<void>): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof HostFailure) {
      expect(error).toMatchObject({ code: 'WRONG_HOST', retryable: false, effect: 'none' });
      return error.message;
    }
    throw error;
  }
  throw new Error('nothing was refused');
}

test('two machines that answer at the same time under one name are compared as if one had come first', async () => {
  const known = machines();
  const first = known.verify(address(), identity());
  const second = refusal(() => known.verify(address(), identity({ machineId: digits('b') })));
  await first;
  expect(await second).toMatch(/another machine/);
  await known.verify(address(), identity());
});

test('the same machine is welcome however often it answers, and to each runner', async () => {
  await machines().verify(address(), identity());
  await machines().verify(address(), identity());
  expect(told).toEqual([]);
});

test('another machine under the same name is refused by name, also by a later runner, and what would make it right is said', async () => {
  await machines().verify(address(), identity());
  const other = identity({ machineId: digits('b'), bootId: boot('2') });
  const message = await refusal(() => machines().verify(address(), other));
  expect(message).toContain('db1: another machine answers under this name');
  expect(message).toContain(
    `machine-id ${digits('a')} answered before, and machine-id ${digits('b')} answers now`,
  );
  expect(message).toContain(`db1: { machineId: ${digits('b')} }`);
  expect(message).toContain('Nothing was done on the machine that answered.');
  // What was refused is not what is remembered.
  await machines().verify(address(), identity());
  await refusal(() => machines().verify(address(), other));
});

test('each name has a machine of its own', async () => {
  await machines().verify(address(), identity());
  await machines().verify(address({ name: 'db2' }), identity({ machineId: digits('b') }));
  await machines().verify(address({ name: 'db2' }), identity({ machineId: digits('b') }));
});

test('a machine-id that belay.yaml names is believed, and any other is refused', async () => {
  await machines().verify(address(), identity());
  const rebuilt = identity({ machineId: digits('b') });
  await machines().verify(address({ machineId: digits('b') }), rebuilt);
  await machines().verify(address(), rebuilt);
  const message = await refusal(() => machines().verify(address({ machineId: digits('c') }), rebuilt));
  expect(message).toContain(`belay.yaml says that db1 has machine-id ${digits('c')}`);
  expect(
    await refusal(() =>
      machines().verify(address({ machineId: digits('b') }), identity({ machineId: null })),
    ),
  ).toContain('a machine that shows no machine-id answers');
});

test('a reboot is told once and refused never', async () => {
  await machines().verify(address(), identity());
  await machines().verify(address(), identity({ bootId: boot('2') }));
  await machines().verify(address(), identity({ bootId: boot('2') }));
  expect(told).toEqual([expect.stringContaining('db1 was rebooted')]);
});

test('an instance id that belay.yaml names must be the one that answers, where it can be read', async () => {
  await machines().verify(address({ instanceId: one }), identity());
  await machines().verify(address({ instanceId: one }), identity({ instanceId: one }));
  const message = await refusal(() =>
    machines().verify(address({ instanceId: one }), identity({ instanceId: two })),
  );
  expect(message).toContain(`belay.yaml says that db1 is ${one}, and instance ${two} answers`);
});

test('an instance id that changes is refused although the machine-id is a clone’s', async () => {
  await machines().verify(address(), identity({ instanceId: one }));
  await machines().verify(address(), identity());
  expect(await refusal(() => machines().verify(address(), identity({ instanceId: two })))).toContain(
    `instance ${one} answered before, and instance ${two} answers now`,
  );
});

test('a host without a machine-id is taken as it is; one that shows none any more is not', async () => {
  const bare = { machineId: null, bootId: null, space: null, instanceId: null };
  await machines().verify(address({ name: 'appliance' }), bare);
  await machines().verify(address({ name: 'appliance' }), bare);
  await machines().verify(address({ name: 'appliance' }), identity());
  expect(await refusal(() => machines().verify(address({ name: 'appliance' }), bare))).toContain(
    'shows no machine-id',
  );
});

test('after a step that gives an instance another root, another machine-id is told and taken once', async () => {
  const place = address({ instanceId: one });
  await machines().verify(place, identity());
  await machines().mayBecomeOthers([one]);
  await machines().verify(place, identity());
  await machines().verify(place, identity({ machineId: digits('b') }));
  expect(told).toEqual([expect.stringContaining('db1 is another machine than before, as it may be')]);
  await refusal(() => machines().verify(place, identity({ machineId: digits('c') })));
  // The root of one instance is nothing to another host.
  await machines().verify(address({ name: 'db2', instanceId: two }), identity());
  await machines().mayBecomeOthers([one]);
  await refusal(() =>
    machines().verify(address({ name: 'db2', instanceId: two }), identity({ machineId: digits('b') })),
  );
});

test('a step over many hosts acts on one machine under one name alone, also when another runner goes on with it', async () => {
  const known = machines();
  const both = await Promise.all(
    ['web1', 'www'].map((name) => begin(known, 'Patch', named(name), identity())),
  );
  expect(both.filter((said) => said === 'acted')).toHaveLength(1);
  expect(both.find((said) => said !== 'acted')).toMatch(
    /^(\w+): \1 is the same machine as \w+, on which Patch has acted already under that name\.\nName it once in Hosts; .*\nNothing was done under the name \1\.$/,
  );
  expect(await begin(machines(), 'Patch', named('alias'), identity())).toContain('is the same machine as');
  const first = both[0] === 'acted' ? 'web1' : 'www';
  expect(await begin(machines(), 'Patch', named(first), identity())).toBe('acted');
  expect(await begin(known, 'Another', named('alias'), identity())).toBe('acted');
});

test('a machine that was met before the step is known to it as well', async () => {
  const known = machines();
  await known.verify(named('web1'), identity());
  await known.verify(named('www'), identity());
  const act = (name: string) => known.ofSteps.acting('Patch', named(name), async () => 'acted');
  expect(await act('web1')).toBe('acted');
  await expect(act('www')).rejects.toMatchObject({ code: 'SAME_MACHINE' });
});

test('an instance is one machine, over SSM and over ssh', async () => {
  const known = machines();
  const overSsm = named(one, { transport: 'ssm', instanceId: one });
  expect(await known.ofSteps.acting('Patch', overSsm, async () => 'acted')).toBe('acted');
  expect(await begin(known, 'Patch', named('db1'), identity({ instanceId: one }))).toContain('same machine');
});

test('clones and containers are machines of their own, and nobody is refused for what cannot be read', async () => {
  const known = machines();
  const others: Partial<HostIdentity>[] = [
    {},
    { bootId: boot('2') },
    { space: 'pid:[4026532000]' },
    { machineId: digits('b') },
    { machineId: null },
    { machineId: null },
  ];
  for (const [index, more] of others.entries())
    expect(await begin(known, 'Patch', named(`h${index}`), identity(more))).toBe('acted');
});

test('local names are meant to be one machine: it is told once', async () => {
  const known = machines();
  for (const name of ['t1', 't2', 't3'])
    expect(await begin(known, 'Mark', named(name, { transport: 'local' }), identity())).toBe('acted');
  expect(told).toEqual([
    't2 is the same machine as t1, this one: Mark acts on it once for each local name in its Hosts',
  ]);
  expect(await begin(known, 'Mark', named('ssh'), identity())).toContain('is the same machine as t1');
});
