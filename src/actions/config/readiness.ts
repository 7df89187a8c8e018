/**
 * Whether a Config rule can be judged at all: a recorder that is on and records what the rule judges, and a rule that
 * exists and is active. Without them Config goes on showing its last answers, which is how the unknown gets taken for compliant.
 */
import { own, type JsonObject } from '../../json.ts';
import { AwsFailure } from '../../transports/aws.ts';
import { objectIn, objectsIn, textIn, textsIn } from '../aws/reply.ts';
import type { ActionContext } from '../define-action.ts';
import { callAws } from '../../transports/aws-calls.ts';

/** Why a rule is undetermined. */
export interface Trouble {
  readonly cause: string;
  readonly reason: string;
}

/**
 * What managed rules judge where their scope does not say it, by the rule's source identifier
 * (Config guide, "List of AWS Config Managed Rules").
 */
const judgedTypes: Readonly<Record<string, readonly string[]>> = {
  ENCRYPTED_VOLUMES: ['AWS::EC2::Volume'],
  S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED: ['AWS::S3::Bucket'],
  RDS_STORAGE_ENCRYPTED: ['AWS::RDS::DBInstance'],
};

type Asking = Pick<ActionContext, 'aws' | 'signal'>;

/** The reason why the rule cannot be judged now; null when it can. Rejects with AwsFailure when Config cannot be asked. */
export async function troubleWith(
  rule: string,
  recorders: Recorders,
  asking: Asking,
): Promise<Trouble | null> {
  const described = await describeRule(rule, asking);
  if (described === null) return ruleMissing(rule);
  const state = textIn(described, 'ConfigRuleState');
  if (state !== 'ACTIVE')
    return {
      cause: 'RULE_NOT_ACTIVE',
      reason: `the Config rule is in state ${state || '(none)'}, not ACTIVE: wait until it is, or put it again`,
    };
  const types = textsIn(objectIn(described, 'Scope'), 'ComplianceResourceTypes');
  const judged =
    types.length > 0
      ? types
      : (own(judgedTypes, textIn(objectIn(described, 'Source'), 'SourceIdentifier')) ?? []);
  return recorders.troubleWith(judged);
}

export function ruleMissing(rule: string): Trouble {
  return {
    cause: 'RULE_MISSING',
    reason: `there is no Config rule of the name "${rule}" in this account and region: it was deleted, or never made`,
  };
}

/** Whether Config answers that the rule does not exist. */
export function isRuleMissing(error: unknown): boolean {
  return error instanceof AwsFailure && error.code === 'NoSuchConfigRuleException';
}

async function describeRule(rule: string, { aws, signal }: Asking): Promise<JsonObject | null> {
  try {
    const params = { ConfigRuleNames: [rule] };
    const reply = await callAws(aws, { service: 'config', operation: 'DescribeConfigRules', params, signal });
    return objectsIn(reply, 'ConfigRules')[0] ?? null;
  } catch (error) {
    if (isRuleMissing(error)) return null;
    throw error;
  }
}

export interface Recorders {
  /** What keeps these types from being recorded; null when some recorder has them. No types: some recorder must be on. */
  troubleWith(types: readonly string[]): Trouble | null;
}

/** Reads the recorders once, for all rules. Rejects with AwsFailure. */
export async function readRecorders({ aws, signal }: Asking): Promise<Recorders> {
  const ask = (operation: string): Promise<JsonObject> =>
    callAws(aws, { service: 'config', operation, params: {}, signal });
  const recorders = objectsIn(await ask('DescribeConfigurationRecorders'), 'ConfigurationRecorders');
  const statuses = objectsIn(
    await ask('DescribeConfigurationRecorderStatus'),
    'ConfigurationRecordersStatus',
  );
  const statusOf = (recorder: JsonObject): JsonObject =>
    statuses.find((status) => textIn(status, 'name') === textIn(recorder, 'name')) ?? {};
  const on = recorders.filter((recorder) => statusOf(recorder)['recording'] === true);
  const failing = on.map(statusOf).filter((status) => /^failure$/i.test(textIn(status, 'lastStatus')));
  return {
    troubleWith: (types) => {
      if (recorders.length === 0)
        return {
          cause: 'NO_RECORDER',
          reason:
            'there is no Config recorder in this account and region, so nothing is known of its resources',
        };
      if (on.length === 0)
        return {
          cause: 'RECORDER_OFF',
          reason:
            `the Config recorder ${textIn(recorders[0] ?? {}, 'name')} is switched off, so Config knows only what was: ` +
            'switch it on with StartConfigurationRecorder',
        };
      if (failing.length === on.length)
        return {
          cause: 'RECORDER_FAILING',
          reason:
            `the Config recorder ${textIn(failing[0] ?? {}, 'name')} fails to record: ` +
            `${textIn(failing[0] ?? {}, 'lastErrorCode')} ${textIn(failing[0] ?? {}, 'lastErrorMessage')}`.trim(),
        };
      const missing = types.filter((type) => !on.some((recorder) => records(recorder, type)));
      return missing.length === 0
        ? null
        : {
            cause: 'TYPE_NOT_RECORDED',
            reason: `the Config recorder does not record ${missing.join(', ')}, which the rule judges: add it to the recording group`,
          };
    },
  };
}

/** The recording group's three ways of naming types (API reference, RecordingGroup). */
function records(recorder: JsonObject, type: string): boolean {
  const group = objectIn(recorder, 'recordingGroup');
  const excluded = textsIn(objectIn(group, 'exclusionByResourceTypes'), 'resourceTypes');
  if (excluded.includes(type)) return false;
  return group['allSupported'] === true || excluded.length > 0
    ? true
    : textsIn(group, 'resourceTypes').includes(type);
}
