/** src/actions/config/alert-rules.ts and require-compliance.ts: what is told, once, and what ends the run. */
import { expect, test } from 'vitest';
import { alertRules } from '../../../src/actions/config/alert-rules.ts';
import { requireCompliance } from '../../../src/actions/config/require-compliance.ts';
import { textIn } from '../../../src/actions/aws/reply.ts';
import type { JsonObject } from '../../../src/json.ts';
import { run } from '../../support/action-bed.ts';
import { fakeStage, refused, type Answers } from './fake-stage.ts';

const TopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';

/** The topic's owner: messages that came, parameters that were written. */
class Owner {
  readonly messages: JsonObject[] = [];
  readonly parameters = new Map<string, string>();
  readonly answers: Answers = {
    'sns:GetTopicAttributes': () => ({ Attributes: { SubscriptionsConfirmed: '1' } }),
    'sns:Publish': (params) => {
      this.messages.push(params);
      return { MessageId: `m-${this.messages.length}` };
    },
    'ssm:GetParameter': (params) => {
      const Value = this.parameters.get(textIn(params, 'Name'));
      if (Value === undefined) throw refused('ParameterNotFound');
      return { Parameter: { Value } };
    },
    'ssm:PutParameter': (params) => {
      const value = textIn(params, 'Value');
      if (value.length > 4_096) throw refused('ValidationException');
      this.parameters.set(textIn(params, 'Name'), value);
      return {};
    },
  };

  /** Every telling is a step of its own. */
  async tell(rule: JsonObject, more: Answers = {}): Promise<JsonObject> {
    const stage = fakeStage({ ...this.answers, ...more });
    const token = `b-${this.messages.length}-${this.parameters.size}-${JSON.stringify(rule).length}`;
    return { ...(await run(alertRules, { TopicArn, Rules: [rule] }, stage, { token })).ending };
  }

  subjects(): unknown[] {
    return this.messages.map(({ Subject }) => Subject);
  }
}

const standing = (more: JsonObject): JsonObject => ({
  Name: 'r',
  Status: 'COMPLIANT',
  Cause: '',
  Reason: '',
  Compliant: 1,
  NonCompliant: 0,
  NotApplicable: 0,
  Findings: [],
  ResourceIds: [],
  IsComplete: true,
  SetHash: 'none',
  EvaluatedAt: '2026-01-01T00:00:00.000Z',
  ...more,
});
const broken = (...ids: string[]): JsonObject =>
  standing({
    Status: 'NON_COMPLIANT',
    NonCompliant: ids.length,
    ResourceIds: ids.map((id) => `T ${id}`),
    SetHash: `${ids.length} from ${ids[0]}`,
  });
const unknown = standing({
  Status: 'UNDETERMINED',
  Cause: 'RECORDER_OFF',
  Reason: 'the recorder is off',
  IsComplete: false,
  SetHash: 'off',
});

test('a rule that is compliant and never was in alarm is not told', async () => {
  const owner = new Owner();
  expect(await owner.tell(standing({}))).toMatchObject({
    kind: 'done',
    outputs: { Sent: [], AlreadyTold: ['r'] },
  });
  expect(owner.parameters.size).toBe(0);
});

test('what was known before a time of not knowing is compared with afterwards', async () => {
  const owner = new Owner();
  await owner.tell(broken('a', 'b'));
  await owner.tell(unknown);
  await owner.tell(broken('b', 'c'));
  expect(owner.subjects()).toEqual([
    'NON_COMPLIANT r: 2 resources',
    'UNDETERMINED r: RECORDER_OFF',
    'NON_COMPLIANT r: 2 resources, 1 new, 1 fixed',
  ]);
  expect(owner.messages[1]?.['Message']).toContain('When it was last known, 2 resources non-compliant.');
  expect(owner.messages[2]?.['Message']).toMatch(
    /New \(1\):\n {2}T c\n\nStill \(1\):\n {2}T b\n\nFixed \(1\):\n {2}T a/,
  );
});

test('a set that is too large for a parameter is remembered by its hash, and the message says that it cannot compare', async () => {
  const owner = new Owner();
  const many = Array.from({ length: 400 }, (_, index) => `vol-${String(index).padStart(17, '0')}`);
  expect(await owner.tell(broken(...many))).toMatchObject({ kind: 'done' });
  await owner.tell(broken(...many));
  expect(owner.messages).toHaveLength(1);
  await owner.tell(broken(...many.slice(1)));
  expect(owner.messages[1]?.['Message']).toContain(
    'Too many to say which are new: 399 now, 400 in the last message.',
  );
});

test('a memory that cannot be read has the rule told anew', async () => {
  const owner = new Owner();
  owner.parameters.set('/belay/config-alerts/alarms/r', 'not what Belay writes');
  await owner.tell(broken('a'));
  expect(owner.messages).toHaveLength(1);
});

test('a message that cannot be remembered fails the step and says that it will come again', async () => {
  const owner = new Owner();
  const denied = {
    'ssm:PutParameter': () => {
      throw refused('AccessDeniedException');
    },
  };
  await expect(owner.tell(broken('a'), denied)).resolves.toMatchObject({
    kind: 'failed',
    code: 'AccessDeniedException',
    message: expect.stringContaining('the next run sends it again') as string,
  });
});

test('a name that Parameter Store does not take gets one that it takes', async () => {
  const owner = new Owner();
  await owner.tell({ ...broken('a'), Name: 'volumes (all)' });
  expect([...owner.parameters.keys()]).toEqual(['/belay/config-alerts/alarms/volumes__all_']);
});

test.each<[string, JsonObject[], JsonObject]>([
  ['goes on where every rule is compliant', [standing({})], { kind: 'done' }],
  [
    'ends UNDETERMINED where one is not known',
    [standing({}), unknown],
    { kind: 'failed', code: 'UNDETERMINED' },
  ],
  [
    'ends NON_COMPLIANT where one is broken',
    [unknown, broken('a')],
    { kind: 'failed', code: 'NON_COMPLIANT' },
  ],
])('the run %s', async (_what, Rules, ending) => {
  expect((await run(requireCompliance, { Rules }, fakeStage({}))).ending).toMatchObject(ending);
});
