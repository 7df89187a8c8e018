/**
 * minio:lifecycle: whether every bucket has the rule by which its objects expire, and whether objects are older than
 * they should be. With `Put` the rule is added where it is missing, beside the rules that are there. What a bucket
 * cannot say now (short of drives, within seconds of a start) is UNDETERMINED, never "no rule" and never "gone".
 */
import { Type, type Static } from 'typebox';
import { lockDaysOf } from '../../transports/s3/object-lock.ts';
import { versioningOf } from '../../transports/s3/versions.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import type { Change } from '../../engine/events.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  type ActionContext,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { askAny } from './ask-any.ts';
import { isBackupFailure } from './backup-failure.ts';
import { keyedInputs, openCluster, type Cluster } from './cluster.ts';
import { countOlder, type OlderCounts } from './lifecycle-older.ts';
import { inTurns } from './in-turns.ts';
import { putBack, summaryOf } from './lifecycle-changes.ts';
import { earlierIn, gapsIn, rulesOf, withRule, type Wanted } from './lifecycle-rules.ts';
import { windowTrouble } from './healthy-window.ts';
import { seesEveryBucket } from './sees-every-bucket.ts';

const defaultRuleId = 'belay-expiry';
const namesShown = 20;
/** A hundred answers of each second, whatever the way to the cluster. */
const askedAtOnce = 8;

/** The rules of each bucket that lacks ours, as the server exported them; null: it has none. */
type Before = { readonly Rules: Readonly<Record<string, string | null>> };
type Outputs = {
  readonly Buckets: number;
  readonly Missing: string[];
  readonly Gaps: string[];
  readonly Versioned: number;
  readonly Older: number | null;
  readonly OlderByBucket: Readonly<Record<string, number>>;
  readonly OlderMarkers: number | null;
};

const inputs = strictObject({
  ...keyedInputs,
  Days: Type.Integer({ minimum: 1, description: 'After which objects must expire.' }),
  Buckets: Type.Optional(
    Type.Array(Type.String({ minLength: 3 }), { minItems: 1, description: 'Left out: every bucket.' }),
  ),
  Prefix: Type.Optional(Type.String({ default: '', description: 'Of the objects that must expire.' })),
  RuleId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,255}$', default: defaultRuleId })),
  Put: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Adds the rule where it is missing; left out, a missing rule is NON_COMPLIANT.',
    }),
  ),
  OlderThanDays: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: 'Counts objects that are older; expiry itself may take days.',
    }),
  ),
  OlderThanSeconds: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: 'In place of OlderThanDays, to try a runbook out.' }),
  ),
  OlderMax: Type.Optional(
    Type.Integer({ minimum: 0, default: 0, description: 'More of them are NON_COMPLIANT.' }),
  ),
});
type Inputs = Static<typeof inputs>;

export const lifecycle = defineAction({
  name: 'minio:lifecycle',
  summary:
    'Checks that every bucket has a rule by which objects expire, adds it where asked to, and counts objects that are older than they should be.',
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html',
  example: `
    - name: Retention
      action: minio:lifecycle
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'
        Days: 1825
        OlderThanDays: 1830`,
  inputs,
  outputs: strictObject({
    Buckets: Type.Integer({ description: 'How many were looked at.' }),
    Missing: Type.Array(Type.String(), {
      description: 'Buckets of which something does not expire in time, at the end; the first 20.',
    }),
    Gaps: Type.Array(Type.String(), {
      description: 'Each of them, and why: `docs (its old versions never expire)`.',
    }),
    Versioned: Type.Integer({ description: 'Buckets that keep versions, or did.' }),
    Older: Type.Union([Type.Integer(), Type.Null()], {
      description:
        'Objects, and versions of them below the latest or below a delete marker; null: not asked for.',
    }),
    OlderByBucket: Type.Record(Type.String(), Type.Integer(), {
      description: 'Where there are some; the first 20.',
    }),
    OlderMarkers: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Delete markers of that age. They hold a name and no data, and are not judged.',
    }),
  }),
  secretInputs: ['AccessKey', 'SecretKey'],
  timeoutSeconds: 24 * 3_600,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,
  check: ({ OlderThanDays, OlderThanSeconds }) =>
    OlderThanDays !== undefined && OlderThanSeconds !== undefined
      ? [
          {
            code: 'TWO_THRESHOLDS',
            path: ['OlderThanSeconds'],
            message: 'minio:lifecycle takes OlderThanDays or OlderThanSeconds, and is given both',
          },
        ]
      : [],

  observe: async (inputs: Inputs, context): Promise<Before> => {
    if (inputs.Put !== true) return { Rules: {} };
    using cluster = await openCluster(inputs, context);
    return determined(inputs, cluster, context, async (s3) => {
      const rules: Record<string, string | null> = {};
      await inTurns(await bucketsOf(inputs, s3), askedAtOnce, async (bucket) => {
        const xml = await s3.lifecycle(bucket);
        if (gapsOf(xml, await wantedOf(inputs, bucket, s3)).length > 0) rules[bucket] = xml ?? null;
      });
      return { Rules: rules };
    });
  },

  effect: ({ Put }) => {
    const look = async (inputs: Inputs, before: Before, context: ActionContext): Promise<Poll<Outputs>> => {
      using cluster = await openCluster(inputs, context);
      const changed: Changed = new Map();
      try {
        return await determined(inputs, cluster, context, (s3) =>
          carryOut(inputs, { before, changed }, s3, context),
        );
      } catch (error) {
        // Of several buckets some have the rule already, and they are named.
        if (changed.size === 0 || !isBackupFailure(error) || error.code === 'CANCELLED') throw error;
        const { code, message, retryable } = error;
        return failed(code, message, { retryable, changes: [...changed.values()] });
      }
    };
    return Put === true
      ? { kind: 'repeatable', execute: look }
      : { kind: 'read', poll: (inputs: Inputs, context) => look(inputs, { Rules: {} }, context) };
  },

  undo: ({ Put }) =>
    Put === true
      ? {
          kind: 'restore',
          effect: {
            kind: 'repeatable',
            execute: async (
              { inputs, before }: Pick<UndoInputs<Inputs, Before, null, Outputs>, 'inputs' | 'before'>,
              _,
              context,
            ) => {
              using cluster = await openCluster(inputs, context);
              const { Days: days, Prefix: prefix = '', RuleId: id = defaultRuleId } = inputs;
              const rule = { id, days, prefix };
              return determined(inputs, cluster, context, (s3) => putBack(rule, before.Rules, s3));
            },
          },
        }
      : { kind: 'notNeeded' },
});

const gapsOf = (xml: string | undefined, wanted: Wanted): string[] =>
  gapsIn(xml === undefined ? [] : rulesOf(xml), wanted);

async function wantedOf({ Days, Prefix = '' }: Inputs, bucket: string, s3: S3Client): Promise<Wanted> {
  const versioning = await versioningOf(s3, bucket);
  const lockDays = versioning === 'off' ? undefined : await lockDaysOf(s3, bucket);
  return { days: Days, prefix: Prefix, versioning, lockDays };
}

async function bucketsOf({ Buckets }: Inputs, s3: S3Client): Promise<readonly string[]> {
  const all = await s3.buckets();
  if (Buckets === undefined && !(await seesEveryBucket(s3))) {
    throw new ActionFailure({
      code: 'UNDETERMINED',
      message: `${s3.label} may have buckets that it does not list to this access key: its policy does not let it list every bucket. Allow s3:ListAllMyBuckets, and s3:ListBucket on every bucket, or name Buckets. Nothing was changed`,
    });
  }
  const unknown = Buckets?.find((bucket) => !all.includes(bucket));
  if (unknown !== undefined) {
    throw new ActionFailure({
      code: 'UNDETERMINED',
      message: `${s3.label} lists no bucket ${unknown}; nothing was changed`,
    });
  }
  return Buckets ?? all;
}

/** Asked of the first node that serves; an answer that says nothing about the objects is not a verdict. */
async function determined<T>(
  inputs: Inputs,
  cluster: Cluster,
  context: ActionContext,
  ask: (s3: S3Client) => Promise<T>,
): Promise<T> {
  try {
    const trouble = await windowTrouble(cluster, inputs, context);
    if (trouble === undefined) return await askAny(cluster, (node) => ask(cluster.s3(node, inputs)));
    throw new ActionFailure({
      code: 'UNDETERMINED',
      message: `no verdict while the cluster is not healthy: ${trouble}`,
      retryable: true,
    });
  } catch (error) {
    if (!(error instanceof S3Failure)) throw error;
    if (error.status === 403) throw undetermined(error, '', false);
    if (!error.isBusy && error.status !== 404) throw error;
    const why =
      '.\nWithin seconds of a start this says nothing about the objects; settle the cluster and ask again';
    throw undetermined(error, why, true);
  }
}

const undetermined = (cause: S3Failure, why: string, retryable: boolean): ActionFailure =>
  new ActionFailure({
    code: 'UNDETERMINED',
    message: `no verdict: ${cause.message}${why}`,
    retryable,
    effect: 'known',
    cause,
  });

/** By the bucket, what this try has put there, or may have. */
type Changed = Map<string, Change>;

async function carryOut(
  inputs: Inputs,
  { before, changed }: { readonly before: Before; readonly changed: Changed },
  s3: S3Client,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  const { Days, Prefix = '', RuleId = defaultRuleId, Put = false, OlderMax = 0 } = inputs;
  const buckets = await bucketsOf(inputs, s3);
  const gaps = new Map<string, string>();
  const versioned = new Set<string>();
  const earlier: string[] = [];
  const notTaken = new Set<string>();
  let asked = 0;
  await inTurns(buckets, askedAtOnce, async (bucket) => {
    const wanted = await wantedOf(inputs, bucket, s3);
    if (wanted.versioning !== 'off') versioned.add(bucket);
    let xml = await s3.lifecycle(bucket);
    const ruled = withRule(xml, { id: RuleId, days: Days, prefix: Prefix, versioning: wanted.versioning });
    // Beside a shorter rule, or a longer lock, ours would change nothing that it is for.
    if (Put && gapsOf(xml, wanted).length > 0 && gapsOf(ruled, wanted).length === 0) {
      await putRule(bucket, { was: xml, ruled }, s3, changed);
      xml = await s3.lifecycle(bucket);
      if (gapsOf(xml, wanted).length > 0) notTaken.add(bucket);
    }
    const why = gapsOf(xml, wanted);
    if (why.length > 0) gaps.set(bucket, why.join('; '));
    const parts = earlierIn(xml === undefined ? [] : rulesOf(xml), wanted);
    if (parts.length > 0) earlier.push(`${bucket} (${parts.join(', ')})`);
    if (bucket in before.Rules && (xml ?? null) !== before.Rules[bucket])
      changed.set(bucket, changeOf(bucket, before.Rules[bucket], summaryOf(xml)));
    else changed.delete(bucket);
    asked += 1;
    context.notice(`${asked} of ${buckets.length} buckets: rules read`);
  });
  const older = await olderIn(inputs, buckets, versioned, s3, context);
  const changes = buckets.flatMap((bucket) => changed.get(bucket) ?? []);
  const missing = buckets.filter((bucket) => gaps.has(bucket));
  const reasons = missing.map((bucket) => `${bucket} (${gaps.get(bucket)})`);
  const outputs: Outputs = {
    Buckets: buckets.length,
    Missing: missing.slice(0, namesShown),
    Gaps: reasons.slice(0, namesShown),
    Versioned: versioned.size,
    Older: older === undefined ? null : Object.values(older.byBucket).reduce((sum, count) => sum + count, 0),
    OlderByBucket: Object.fromEntries(Object.entries(older?.byBucket ?? {}).slice(0, namesShown)),
    OlderMarkers: older?.markers ?? null,
  };
  const shown = (names: readonly string[]) =>
    `${names.slice(0, namesShown).join(', ')}${names.length > namesShown ? ` and ${names.length - namesShown} more` : ''}`;
  if (missing.length > 0) {
    const left =
      Put && notTaken.size === 0 ? '. No rule was put there, because one more would not mend that' : '';
    const text = `${missing.length} of ${buckets.length} buckets do not expire all that they hold after ${Days} days: ${shown(reasons)}${left}`;
    return failed(notTaken.size > 0 ? 'RULE_NOT_TAKEN' : 'NON_COMPLIANT', text, { outputs, changes });
  }
  if (outputs.Older !== null && outputs.Older > OlderMax) {
    const where = Object.entries(older?.byBucket ?? {}).map(([bucket, count]) => `${bucket} ${count}`);
    return failed(
      'NON_COMPLIANT',
      `${outputs.Older} ${versioned.size > 0 ? 'objects and versions' : 'objects'} are older than ${thresholdText(inputs)}, at most ${OlderMax} may be: ${shown(where)}`,
      { outputs, changes },
    );
  }
  const count =
    outputs.Older === null ? '' : `; ${outputs.Older} objects older than ${thresholdText(inputs)}`;
  return done(outputs, {
    changes,
    note: `${buckets.length} buckets expire objects after ${Days} days${count}${earlier.length === 0 ? '' : `; some of their objects earlier: ${shown(earlier.toSorted())}`}`,
  });
}

const changeOf = (bucket: string, was: string | null | undefined, to: string): Change => ({
  target: bucket,
  subject: 'lifecycle',
  from: summaryOf(was),
  to,
});

async function putRule(
  bucket: string,
  { was, ruled }: { readonly was: string | undefined; readonly ruled: string },
  s3: S3Client,
  changed: Changed,
): Promise<void> {
  try {
    await s3.putLifecycle(bucket, ruled);
    changed.set(bucket, changeOf(bucket, was, summaryOf(ruled)));
  } catch (error) {
    if (isBackupFailure(error) && error.effect === 'unknown')
      changed.set(bucket, changeOf(bucket, was, `perhaps ${summaryOf(ruled)}`));
    throw error;
  }
}

/** Undefined: not asked for. The servers' clock is taken to be ours. */
async function olderIn(
  inputs: Inputs,
  buckets: readonly string[],
  versioned: ReadonlySet<string>,
  s3: S3Client,
  context: ActionContext,
): Promise<OlderCounts | undefined> {
  const seconds = inputs.OlderThanSeconds ?? (inputs.OlderThanDays ?? NaN) * 86_400;
  if (Number.isNaN(seconds)) return undefined;
  const limit = context.now() - seconds * 1_000;
  return countOlder({
    s3,
    prefix: inputs.Prefix ?? '',
    limit,
    buckets,
    versioned,
    notice: (text) => context.notice(text),
  });
}

const thresholdText = ({ OlderThanDays, OlderThanSeconds }: Inputs): string =>
  OlderThanSeconds === undefined ? `${OlderThanDays} days` : `${OlderThanSeconds} s`;
