/** Small runbooks at random, over every action that is built: mostly sound, with something odd in many of them. */
import fc from 'fast-check';
import { parse } from 'yaml';
import { actions } from '../../../src/actions/index.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import { sandboxIds } from '../../../src/world/index.ts';

export interface RandomRunbook {
  readonly document: JsonObject;
  readonly values: JsonObject;
}

const stepNames = ['A', 'B', 'C', 'D'] as const;

/** Texts that tools and engines stumble over. */
const oddTexts = [
  '',
  ' ',
  '{{ Text }}',
  '{{ Host }}',
  '{{ Number }}',
  '{{ List }}',
  '{{ Flag }}',
  '{{ A.Nothing }}',
  '{{ global:DATE }}',
  '{{ automation:EXECUTION_ID }}',
  '{{{{ Text }}}}',
  '{{',
  '}}',
  "it's",
  '"',
  '$(touch /tmp/belay-was-here)',
  '; exit 1',
  '-n',
  '../../etc/passwd',
  'ä\u{1F600}',
  'a\nb',
  'true',
  '1e3',
  'x'.repeat(3_000),
  '__proto__',
  'constructor',
];

const oddValue: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: -5, max: 70_000 }) },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...oddTexts), { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom('Key', 'Value', 'X'), fc.constantFrom(...oddTexts), {
      maxKeys: 2,
    }),
  },
);

const host = fc.constantFrom('db1', 'web1', '{{ Host }}', sandboxIds.db1, 'nobody');
const pick = fc.constantFrom;

/** Inputs that are right, or nearly, by action. */
const soundInputs: Readonly<Record<string, fc.Arbitrary<Record<string, Json>>>> = {
  'aws:approve': fc.record({
    Approvers: pick<Json>(['ops'], '{{ List }}'),
    Message: pick('ok?', '{{ Text }}'),
  }),
  'aws:assertAwsResourceProperty': fc.record({
    Service: fc.constant('ec2'),
    Api: fc.constant('DescribeVolumes'),
    VolumeIds: pick<Json>([sandboxIds.db1Data], ['vol-0123456789abcdef0']),
    PropertySelector: pick('$.Volumes[0].State', '$.Volumes[7].State', '$..State'),
    DesiredValues: pick<Json>(['in-use'], ['gone'], '{{ List }}'),
  }),
  'aws:branch': fc.constant({}),
  'aws:changeInstanceState': fc.record({
    InstanceIds: pick<Json>([sandboxIds.web1], ['i-0123456789abcdef0']),
    DesiredState: pick('stopped', 'running'),
    CheckStateOnly: fc.boolean(),
  }),
  'aws:createSnapshot': fc.record({
    VolumeId: pick(sandboxIds.db1Data, 'vol-0123456789abcdef0', '{{ Text }}'),
  }),
  'aws:createTags': fc.record({
    ResourceIds: pick<Json>([sandboxIds.web1], [sandboxIds.db1Data], '{{ List }}'),
    Tags: pick<Json>([{ Key: 'K', Value: '{{ Text }}' }], [{ Key: '{{ Text }}', Value: 'v' }]),
  }),
  'aws:executeAwsApi': pick<Record<string, Json>>(
    { Service: 'ec2', Api: 'DescribeInstances' },
    { Service: 'ec2', Api: 'DescribeVolumes', VolumeIds: ['{{ Text }}'] },
    {
      Service: 'ec2',
      Api: 'CreateTags',
      Resources: [sandboxIds.web1],
      Tags: [{ Key: 'X', Value: '{{ Text }}' }],
    },
    { Service: 'ssm', Api: 'PutParameter', Name: '/x', Value: '{{ Text }}', Type: 'String', Overwrite: true },
    { Service: 's3', Api: 'ListBuckets' },
  ),
  'aws:pause': fc.constant({}),
  'aws:runCommand': fc.record({
    DocumentName: fc.constant('AWS-RunShellScript'),
    InstanceIds: pick<Json>(['web1'], [sandboxIds.web1], ['{{ Host }}']),
    Parameters: pick<Json>({ commands: ['true'] }, { commands: ['{{ Text }}'] }),
  }),
  'aws:sleep': fc.record({ Duration: pick('PT0S', 'PT0.1S', 'PT1S') }),
  'aws:waitForAwsResourceProperty': fc.record({
    Service: fc.constant('ec2'),
    Api: fc.constant('DescribeVolumes'),
    VolumeIds: fc.constant([sandboxIds.db1Data]),
    PropertySelector: fc.constant('$.Volumes[0].State'),
    DesiredValues: pick<Json>(['in-use'], ['gone']),
  }),
  'ebs:deleteSnapshots': fc.record({
    SnapshotIds: pick<Json>(['snap-0123456789abcdef0'], '{{ List }}'),
  }),
  'ebs:restore': fc.record({
    Host: host,
    SnapshotIds: pick<Json>(['snap-0123456789abcdef0'], '{{ List }}'),
  }),
  'ebs:snapshot': fc.record({ Host: host, Mounts: pick<Json>(['/var/lib/postgresql'], ['/nowhere']) }),
  'host:command': fc.record({
    Host: host,
    Script: pick('true', 'exit 3', 'echo hi'),
    Env: pick<Json>({}, { X: '{{ Text }}' }),
  }),
  'host:file': fc.record({
    Host: host,
    Path: pick('/etc/motd', '/etc/new.conf', '/etc', '/no/such/folder/x'),
    Content: pick('x', '{{ Text }}'),
  }),
  'host:package': fc.record({
    Host: host,
    Names: pick<Json>(['postgresql-15', 'postgresql-client-15', 'libpq5'], ['no-such-package'], '{{ List }}'),
    Version: pick('latest', '15.20*', '{{ Text }}'),
  }),
  'host:service': fc.record({
    Host: host,
    Name: pick('postgresql@15-main', 'nginx', 'no-such-unit', '{{ Text }}'),
    State: pick('started', 'stopped', 'restarted'),
  }),
  'http:check': fc.record({
    Url: pick('http://127.0.0.1/', 'http://127.0.0.1:9/{{ Text }}'),
    Host: host,
    WaitSeconds: pick(0, 1),
  }),
  'postgresql:check': fc.record({
    Host: host,
    WaitSeconds: fc.constant(0),
    Expect: pick<Json>({}, { ServerVersion: '{{ Text }}' }),
  }),
  'sns:publish': fc.record({
    TopicArn: pick('arn:aws:sns:eu-central-1:123456789012:alarms', '{{ Text }}'),
    Message: pick('x', '{{ Text }}'),
  }),
};

/** Actions without inputs of their own above are drawn with those of their example. */
const actionDrawn = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...Object.keys(soundInputs)) },
  { weight: 1, arbitrary: fc.constantFrom(...[...actions.keys()].filter((name) => !(name in soundInputs))) },
);

/** What the example reads of other steps and parameters is not there. */
function exampleInputs(name: string): Record<string, Json> {
  const [step] = parse(actions.get(name)?.example ?? '[]') as JsonObject[];
  const given = JSON.stringify(step?.['inputs'] ?? {}).replaceAll(/\{\{.*?\}\}/g, '{{ Text }}');
  return JSON.parse(given) as Record<string, Json>;
}

/** A rolling over hosts of the sandbox, with a file on each. */
const rolling = (name: string): fc.Arbitrary<Record<string, Json>> =>
  fc.record({
    Targets: pick<Json>(['web1', 'db1'], ['db1'], ['nobody'], ['group:none']),
    MaxErrors: pick(0, 1),
    MaxUnavailable: pick(1, 2),
    Steps: fc.constant([
      {
        name: `${name}File`,
        action: 'host:file',
        inputs: { Host: `{{ ${name}.Target }}`, Path: '/etc/motd', Content: '{{ Text }}' },
      },
    ]),
  });

const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight = 6): fc.Arbitrary<T | null> =>
  fc.oneof({ weight, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

/** Now and then one input is exchanged for something odd, taken away, or added. */
const inputs = (action: string): fc.Arbitrary<JsonObject> =>
  fc
    .tuple(
      soundInputs[action] ?? fc.constant(exampleInputs(action)),
      rarely(oddValue, 3),
      fc.nat(7),
      fc.nat(15),
    )
    .map(([sound, odd, place, kind]) => {
      const given = { ...sound };
      if (odd === null) return given;
      const names = Object.keys(given);
      const name = kind === 0 ? 'Unknown' : (names[place % Math.max(1, names.length)] ?? 'Unknown');
      if (kind !== 1) return { ...given, [name]: odd };
      return Object.fromEntries(Object.entries(given).filter(([key]) => key !== name));
    });

const undo: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('auto') },
  { weight: 2, arbitrary: fc.constant({ none: 'it was a try' }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('host:service', 'host:file', 'host:command', 'aws:sleep', 'ebs:deleteSnapshots')
      .chain((action) => inputs(action).map((given) => [{ name: 'Back', action, inputs: given }])),
  },
  {
    weight: 1,
    arbitrary: fc.constant([
      { name: 'Back', action: 'aws:sleep', inputs: { Duration: '{{ before.Nothing }}' } },
    ]),
  },
);

/** `later`: the steps behind it, to which it may jump. */
const step = (name: string, later: readonly string[]): fc.Arbitrary<JsonObject> =>
  actionDrawn.chain((action) => {
    const jump =
      later.length === 0 ? fc.constant('Abort') : fc.constantFrom(...later.map((next) => `step:${next}`));
    const isOnHost = action.startsWith('host:');
    const isCommand = action === 'host:command';
    return fc
      .record({
        inputs:
          action === 'aws:branch'
            ? branch(later)
            : action === 'belay:rolling'
              ? rolling(name)
              : inputs(action),
        timeoutSeconds: pick<Json>(1, 2, 2),
        maxAttempts: rarely(pick<Json>(1, 2)),
        onFailure: rarely(fc.oneof(pick('Abort', 'Continue'), jump), 2),
        onCancel: rarely(jump),
        nextStep: later.length === 0 ? fc.constant(null) : rarely(fc.constantFrom(...later), 8),
        isEnd: rarely(fc.boolean(), 8),
        isCritical: rarely(fc.boolean()),
        undo: rarely(undo, 2),
        capture: isOnHost
          ? rarely(pick<Json>({ Seen: 'cat /etc/motd' }, { Seen: 'exit 1' }))
          : fc.constant(null),
        outputs: isCommand
          ? rarely(
              pick<Json>(
                [{ Name: 'Said', Selector: '$.Stdout', Type: 'String' }],
                [{ Name: 'Nothing', Selector: '$..x', Type: 'StringList' }],
              ),
            )
          : fc.constant(null),
      })
      .map((more) => ({
        name,
        action,
        ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== null)),
      }));
  });

function branch(later: readonly string[]): fc.Arbitrary<JsonObject> {
  const [first = 'Nowhere', ...others] = later;
  return fc
    .tuple(
      pick('{{ Text }}', '{{ Number }}', '{{ Flag }}', '{{ List }}'),
      pick<JsonObject>(
        { StringEquals: 'x' },
        { StringEquals: '{{ Text }}' },
        { NumericGreater: 1 },
        { BooleanEquals: true },
        { Contains: '{{ Text }}' },
      ),
    )
    .map(([Variable, condition]) => ({
      Choices: [{ NextStep: first, Variable, ...condition }],
      ...(others.length === 0 ? {} : { Default: others.at(-1) ?? first }),
    }));
}

/** Takes up what an earlier step gives, where it has a use for it. */
function linked(each: JsonObject, earlier: readonly JsonObject[]): JsonObject {
  const from = (action: string): Json =>
    earlier.findLast((other) => other['action'] === action)?.['name'] ?? null;
  const [said, snapshots] = [from('host:command'), from('ebs:snapshot')];
  const given = each['inputs'] as JsonObject;
  const taken: Record<string, Json> = {
    ...(typeof said === 'string' && each['action'] === 'host:file'
      ? { Content: `{{ ${said}.Stdout }}` }
      : {}),
    ...(typeof said === 'string' && each['action'] === 'http:check'
      ? { ExpectStatus: `{{ ${said}.ExitCode }}` }
      : {}),
    ...(typeof snapshots === 'string' && 'SnapshotIds' in given
      ? { SnapshotIds: `{{ ${snapshots}.SnapshotIds }}` }
      : {}),
  };
  return { ...each, inputs: { ...given, ...taken } };
}

export const randomRunbook: fc.Arbitrary<RandomRunbook> = fc
  .record({
    steps: fc
      .integer({ min: 1, max: 4 })
      .chain((count) =>
        fc.tuple(
          ...stepNames.slice(0, count).map((name, index) => step(name, stepNames.slice(index + 1, count))),
        ),
      ),
    when: pick('onFailure', 'never', 'ask'),
    text: fc.constantFrom('x', ...oddTexts.filter((text) => !text.includes('{{'))),
    list: fc.array(fc.constantFrom('a', '', sandboxIds.web1, 'postgresql-15'), { maxLength: 3 }),
    number: fc.constantFrom(0, 1, 2),
  })
  .map(({ steps, when, text, list, number }) => ({
    document: {
      schemaVersion: '0.3',
      rollback: { when, timeoutSeconds: 10 },
      parameters: {
        Host: { type: 'String', default: 'web1' },
        Text: { type: 'String' },
        List: { type: 'StringList' },
        Number: { type: 'Integer' },
        Flag: { type: 'Boolean', default: false },
      },
      mainSteps: steps.map((each, index) => linked(each, steps.slice(0, index))),
    },
    values: { Text: text, List: list, Number: number },
  }));
