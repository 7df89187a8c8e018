/** What belay doctor finds, where the surroundings are not as they should be. */
import { expect, test } from 'vitest';
import { findingLines } from '../../src/cli/view/finding-lines.ts';
import { checkAws } from '../../src/runtime/checkup/aws.ts';
import { checkHosts } from '../../src/runtime/checkup/hosts.ts';
import { checkState } from '../../src/runtime/checkup/state.ts';
import { checkNode } from '../../src/runtime/checkup/tools.ts';
import { AwsFailure, type Aws } from '../../src/transports/aws.ts';
import { HostFailure, type Host } from '../../src/transports/host.ts';
import { cancelled } from '../../src/transports/hosts/failure.ts';
import { BelayFolder } from './belay-process.ts';
import { plain } from './story.ts';

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

test('a host that answers is good; command folders on it are worth a note', async () => {
  const found = await checkHosts(['db1'], () =>
    host(() => Promise.resolve({ exitCode: 0, stdout: 'Linux 6.1, as root\n2\n', stderr: '' })),
  );
  expect(found.map(({ area, verdict }) => [area, verdict])).toEqual([
    ['hosts', 'good'],
    ['leftovers', 'note'],
  ]);
  expect(found[1]?.says).toMatch(/^2 command folders/);
});

test('a host that does not answer is bad, in the words of its transport', async () => {
  const failure = new HostFailure({
    code: 'HOST_KEY_CHANGED',
    message: 'db1 (10.77.1.20 via bastion1): the host key changed',
    retryable: false,
    effect: 'none',
  });
  const [found] = await checkHosts(['db1'], () => host(() => Promise.reject(failure)));
  expect(found).toMatchObject({ verdict: 'bad', says: `HOST_KEY_CHANGED: ${failure.message}` });
});

test('a host that is merely slow is told as such, with what it did last', async () => {
  const slow = host(
    (_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(cancelled('db1', signal.reason, 'it had not greeted')));
      }),
  );
  const [found] = await checkHosts(['db1'], () => slow, 50);
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
          return Promise.resolve({ Snapshots: [{ SnapshotId: 'snap-0a17' }] });
        const Volumes =
          tag === 'belay:token'
            ? [volume('vol-0live', 'in-use'), volume('vol-0made', 'available')]
            : [volume('vol-0old', 'available'), volume('vol-0back', 'in-use')];
        return Promise.resolve({ Volumes });
      },
    }),
    false,
  );
  expect(asked).toEqual([
    'DescribeSnapshots belay:token',
    'DescribeVolumes belay:token',
    'DescribeVolumes belay:replaced-by',
  ]);
  expect(found.map(({ what, verdict }) => [what, verdict])).toEqual([
    ['identity', 'good'],
    ['snapshots', 'note'],
    ['volumes', 'note'],
    ['replaced volumes', 'note'],
  ]);
  expect(found[1]?.says).toContain('snap-0a17');
  expect(found[2]?.says).toMatch(/^vol-0made were made/);
  expect(found[3]?.says).toMatch(/^vol-0old held the data/);
});

test('without AWS nothing is wrong, unless a host is reached over SSM', async () => {
  const none = new AwsFailure({
    code: 'NO_CREDENTIALS',
    message: 'none are configured',
    retryable: false,
    effect: 'none',
  });
  const nobody = aws({ identity: () => Promise.reject(none) });
  expect((await checkAws(nobody, false)).map(({ verdict }) => verdict)).toEqual(['note']);
  expect((await checkAws(nobody, true)).map(({ verdict }) => verdict)).toEqual(['bad']);
});

test('a state folder that is not there is not made', () => {
  const folder = new BelayFolder();
  try {
    expect(checkState(folder.state, unused)).toEqual([
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
