/** What belay doctor finds, where the surroundings are not as they should be. */
import { expect, test } from 'vitest';
import { findingLines } from '../../src/cli/view/finding-lines.ts';
import { checkAws } from '../../src/runtime/checkup/aws.ts';
import { checkHosts } from '../../src/runtime/checkup/hosts.ts';
import type { ListedExecution } from '../../src/runtime/execution-view.ts';
import { checkDrained } from '../../src/runtime/checkup/drained.ts';
import { keptFindings } from '../../src/runtime/checkup/kept.ts';
import { checkState } from '../../src/runtime/checkup/state.ts';
import { checkNode } from '../../src/runtime/checkup/tools.ts';
import { AwsFailure, type Aws } from '../../src/transports/aws.ts';
import { HostFailure, type Host } from '../../src/transports/host.ts';
import { cancelled } from '../../src/transports/hosts/failure.ts';
import { BelayFolder } from './belay-process.ts';
import { begin, change, ended, plain, started, startedAt, viewAfter } from './story.ts';

const unused = (): never => {
  throw new Error('the doctor only reads');
};

function host(read: Host['read']): Host {
  return {
    name: 'db1',
    label: 'db1',
    transport: 'ssh',
    carriesSecrets: true,
    read,
    start: unused,
    poll: unused,
    stop: unused,
    forget: unused,
    dial: unused,
    proveKey: unused,
    close: () => Promise.resolve(),
  };
}

test.each([
  ['24.14.9', 'bad'],
  ['24.15.0', 'good'],
  ['26.0.0', 'good'],
  ['22.20.0', 'bad'],
] as const)('Node %s is %s', (version, verdict) => {
  expect(checkNode(version).verdict).toBe(verdict);
});

const none = { hasOpen: false } as const;

test('a host that answers is good; command folders on it are worth a note', async () => {
  const found = await checkHosts(
    ['db1'],
    () =>
      host(() =>
        Promise.resolve({
          exitCode: 0,
          stdout: `Linux 6.1, as root\n2\n180000\n 12:/srv/data 12:/x;reboot\n`,
          stderr: '',
        }),
      ),
    none,
  );
  expect(found.map(({ area, verdict }) => [area, verdict])).toEqual([
    ['hosts', 'good'],
    ['leftovers', 'note'],
    ['leftovers', 'note'],
  ]);
  expect(found[1]?.says).toMatch(/^2 command folders .*, the oldest 2 days old: /);
  expect(found[2]?.says).toBe('/srv/data was frozen 12 s ago by a command that has not ended');
  expect(found[2]?.hint).toMatch(/, on db1: {2}fsfreeze -u \/srv\/data$/);
});

test('command folders of what has ended are named with the command that removes them, and no other path', async () => {
  const own = '/var/lib/belay/b-0123456789abcdef';
  const stdout = `Linux 6.1, as root\n2\n60\n\n ${own} /etc/b-12;reboot /var/lib/belay/b-00ff\n`;
  const answer = () => host(() => Promise.resolve({ exitCode: 0, stdout, stderr: '' }));
  const found = await checkHosts(['db1'], answer, none);
  expect(found[1]?.hint).toMatch(
    /What has ended and is of no other state folder, on db1: {2}rm -r \/var\/lib\/belay\/b-0123456789abcdef \/var\/lib\/belay\/b-00ff$/,
  );
  // One that is not over may go on from a command that has ended.
  const [, whileOpen] = await checkHosts(['db1'], answer, { hasOpen: true });
  expect(whileOpen?.hint).not.toContain('rm -r');
});

test('what a host keeps for undos is named by whose it is, how long, and what removes it', () => {
  const hour = 3_600_000;
  const of = (executionId: string, more: Partial<ListedExecution>) =>
    ({ executionId, createdAt: 0, endedAt: null, isLive: false, closing: null, ...more }) as ListedExecution;
  const owners = new Map(
    [
      of('1SH66PGHTM3G', { endedAt: 2 * hour }),
      of('1SH66PGHTM3H', {}),
      of('1SH66PGHTM3J', { isLive: true }),
    ].map((each) => [each.executionId.toLowerCase(), each]),
  );
  const found = keptFindings('db1', [...owners.keys(), '1sgstrange000'], owners, 100 * hour);
  expect(found.map(({ says }) => says)).toEqual([
    'keeps what undos need of 1SH66PGHTM3G (ended 4 days ago), 1SH66PGHTM3H (not over, begun 4 days ago)',
    'keeps what undos need of 1sgstrange000, which this state folder does not know',
  ]);
  expect(found[1]?.hint).toContain('belay prune --forget 1sgstrange000 --host db1');
  expect(found[0]?.hint).toContain('belay discard 1SH66PGHTM3G --why TEXT');
});

test('what is kept for an execution that a person has closed goes with the next prune, and is not to be closed again', () => {
  const closing = { kind: 'closed', at: 0, by: 'ops', why: 'mended by hand' } as const;
  const view = viewAfter([begin('Stop')], { closing, endedAt: startedAt });
  const [found] = keptFindings('db1', ['x'], new Map([['x', view]]), startedAt);
  expect(found?.hint).toMatch(/given up already: {2}belay prune -y$/);
});

test('a host that does not answer is bad, in the words of its transport', async () => {
  const failure = new HostFailure({
    code: 'HOST_KEY_CHANGED',
    message: 'db1 (10.77.1.20 via bastion1): the host key changed',
    retryable: false,
    effect: 'none',
  });
  const [found] = await checkHosts(['db1'], () => host(() => Promise.reject(failure)), none);
  expect(found).toMatchObject({ verdict: 'bad', says: `HOST_KEY_CHANGED: ${failure.message}` });
});

test('a host that is merely slow is told as such, with what it did last', async () => {
  const slow = host(
    (_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(cancelled('db1', signal.reason, 'it had not greeted')));
      }),
  );
  const [found] = await checkHosts(['db1'], () => slow, { hasOpen: false, timeoutMs: 50 });
  expect(found).toMatchObject({ verdict: 'bad' });
  expect(found?.says).toMatch(/^NO_REPLY: no answer within 0\.05 s\. .*it had not greeted\.$/);
});

const identity = {
  account: '123456789012',
  arn: 'arn:aws:iam::123456789012:user/ops',
  region: 'eu-central-1',
  partition: 'aws',
};

function aws(answers: Partial<Aws>): Aws {
  return { call: unused, identity: () => Promise.resolve(identity), assume: unused, ...answers };
}

test('what executions left is named as what it is, volumes in use never, and only reading calls are made', async () => {
  const asked: string[] = [];
  const volume = (VolumeId: string, State: string) => ({
    VolumeId,
    State,
    Attachments: State === 'in-use' ? [{ InstanceId: 'i-0a1b' }] : [],
  });
  const found = await checkAws(
    aws({
      call: ({ operation, params }) => {
        const [tag] = (params['Filters'] as { Values: string[] }[]).flatMap(({ Values }) => Values);
        asked.push(`${operation} ${tag}`);
        if (operation === 'DescribeSnapshots')
          return Promise.resolve({
            Snapshots: [
              {
                SnapshotId: 'snap-0a17',
                StartTime: '2026-10-20T00:00:00Z',
                Tags: [{ Key: 'belay:execution', Value: '1SH66PGHTM3G' }],
              },
            ],
          });
        if (operation === 'DescribeInstances') {
          const instance = (InstanceId: string, Name: string) => ({
            InstanceId,
            LaunchTime: '2026-11-29T21:00:00Z',
            State: { Name },
          });
          const Instances = [instance('i-0helper', 'running'), instance('i-0gone', 'terminated')];
          return Promise.resolve({ Reservations: [{ Instances }] });
        }
        const Volumes =
          tag === 'belay:token'
            ? [volume('vol-0live', 'in-use'), volume('vol-0made', 'available')]
            : [volume('vol-0old', 'available'), volume('vol-0back', 'in-use')];
        return Promise.resolve({ Volumes });
      },
    }),
    false,
    Date.parse('2026-11-30T00:00:00Z'),
  );
  expect(asked).toEqual([
    'DescribeSnapshots belay:token',
    'DescribeVolumes belay:token',
    'DescribeVolumes belay:replaced-by',
    'DescribeInstances belay:token',
  ]);
  expect(found.map(({ what, verdict }) => [what, verdict])).toEqual([
    ['identity', 'good'],
    ['snapshots', 'note'],
    ['volumes', 'note'],
    ['replaced volumes', 'note'],
    ['instances', 'note'],
  ]);
  expect(found[1]?.says).toMatch(/^snap-0a17 \(41 days, of 1SH66PGHTM3G\) was made/);
  expect(found[1]?.hint).toMatch(/: {2}aws ec2 delete-snapshot --snapshot-id snap-0a17$/);
  expect(found[4]?.says).toMatch(/^i-0helper \(3 h\) was launched/);
  expect(found[4]?.hint).toMatch(/: {2}aws ec2 terminate-instances --instance-ids i-0helper$/);
  expect(found[2]?.says).toMatch(/^vol-0made was made/);
  expect(found[3]?.says).toMatch(/^vol-0old held the data/);
});

test('a server that an execution drained and nobody put back is named, with the command that does', async () => {
  const drained = viewAfter(
    [
      begin('Drain', 'Patch'),
      started(0, 'Drain', { action: 'nginx:drain' }),
      ended(1, 'Drain', {
        targets: ['lb1'],
        changes: [change('10.0.0.5:9000', 'serving', 'drained', 'lb1')],
      }),
      ended(2, 'Patch', { status: 'Failed' }),
      [3, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Patch' }],
      [3, { type: 'ExecutionEnded', status: 'Failed', rollbackStatus: 'notRequested', outputs: {} }],
    ],
    { sandbox: false },
  );
  const found = await checkDrained([drained], () => Promise.resolve(drained), startedAt + 5 * 3_600_000);
  expect(found.map(({ what, says, hint }) => [what, says, hint])).toEqual([
    [
      'lb1',
      `10.0.0.5:9000 is drained since 4 h by ${drained.executionId}, which nobody runs`,
      `belay rollback ${drained.executionId} puts it back`,
    ],
  ]);
  // Its runner was killed before the step had told anything.
  const inputs = { Host: 'lb1', Server: '10.0.0.5:9000' };
  const reach = { kind: 'undone', by: 'action' } as const;
  const cut = viewAfter([begin('Drain'), started(0, 'Drain', { action: 'nginx:drain', inputs, reach })]);
  const [maybe] = await checkDrained([cut], () => Promise.resolve(cut), startedAt + 60_000);
  expect(maybe).toMatchObject({
    what: 'lb1',
    says: expect.stringMatching(/^10\.0\.0\.5:9000 may be drained since less than an hour/),
    hint: `belay cancel ${cut.executionId} puts it back`,
  });
  expect(await checkDrained([{ ...drained, isLive: true }], () => Promise.resolve(drained), 0)).toEqual([]);
});

test('without AWS nothing is wrong, unless a host is reached over SSM', async () => {
  const none = new AwsFailure({
    code: 'NO_CREDENTIALS',
    message: 'none are configured',
    retryable: false,
    effect: 'none',
  });
  const nobody = aws({ identity: () => Promise.reject(none) });
  expect((await checkAws(nobody, false, Date.now())).map(({ verdict }) => verdict)).toEqual(['note']);
  expect((await checkAws(nobody, true, Date.now())).map(({ verdict }) => verdict)).toEqual(['bad']);
});

test('a state folder that is not there is not made', async () => {
  const folder = new BelayFolder();
  try {
    expect(await checkState(folder.state, unused, startedAt)).toEqual([
      expect.objectContaining({ verdict: 'note', says: 'does not exist yet; the first run makes it' }),
    ]);
  } finally {
    folder.clear();
  }
});

test('a finding is one line, and what to do below it', () => {
  const lines = findingLines(
    { area: 'tools', what: 'ssh', verdict: 'bad', says: 'is not here', hint: 'install it' },
    plain,
  );
  expect(lines).toEqual(['✖ tools          ssh  is not here', '    install it']);
});
