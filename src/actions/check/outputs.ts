/** What every check: action puts out, and how it ends: alike as a step, as a gate and as a rule. */
import { Type } from 'typebox';
import type { Judged, Look } from '../../compliance/types.ts';
import { verdictOf, type Verdict } from '../../compliance/verdict.ts';
import type { JsonObject } from '../../json.ts';
import { done, failed, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';

export const onNonCompliant = Type.Optional(
  Type.Union([Type.Literal('fail'), Type.Literal('report')], {
    default: 'fail',
    description:
      'fail: the step fails with NON_COMPLIANT or UNDETERMINED. report: it succeeds and says so in Verdict, for steps behind it.',
  }),
);

export const hostsInput = Type.Array(Type.String({ minLength: 1 }), {
  minItems: 1,
  description:
    'Hosts, instance ids, ranges (`minio{01..04}`), `group:NAME` or `tag:KEY=VALUE` of belay.yaml.',
});

const entry = { Target: Type.String(), Subject: Type.String() };

export const checkOutputs = strictObject({
  Verdict: Type.Union(
    [Type.Literal('COMPLIANT'), Type.Literal('NON_COMPLIANT'), Type.Literal('UNDETERMINED')],
    {
      description: 'UNDETERMINED: nobody knows; never to be read as compliant.',
    },
  ),
  Summary: Type.String(),
  Violations: Type.Array(strictObject({ ...entry, Wanted: Type.String(), Found: Type.String() }), {
    description: 'The first ones; ViolationCount is all of them.',
  }),
  ViolationCount: Type.Integer(),
  Unknown: Type.Array(strictObject({ ...entry, Code: Type.String(), Reason: Type.String() }), {
    description: 'What could not be judged, and why.',
  }),
  UnknownCount: Type.Integer(),
  KeptCount: Type.Integer({ description: 'What was looked at and is as it must be.' }),
});

type Outputs = {
  readonly Verdict: Verdict;
  readonly Summary: string;
  readonly Violations: readonly JsonObject[];
  readonly ViolationCount: number;
  readonly Unknown: readonly JsonObject[];
  readonly UnknownCount: number;
  readonly KeptCount: number;
};

/** Entries in a step's outputs, which have 64 KiB. */
const listedMax = 50;
const namedMax = 3;
const textMax = 200;

export function concluded(looks: readonly Pick<Look, 'target' | 'judged'>[], report: boolean): Poll<Outputs> {
  const all = looks.flatMap(({ target, judged }) => judged.map((each) => ({ target, ...each })));
  const broken = all.filter((each) => each.kind === 'broken');
  const unknown = all.filter((each) => each.kind === 'unknown');
  const verdict = verdictOf(all);
  const outputs: Outputs = {
    Verdict: verdict,
    Summary: summaryOf(verdict, all),
    Violations: broken.slice(0, listedMax).map(({ target, subject, wanted, found }) => ({
      Target: target,
      Subject: clip(subject),
      Wanted: clip(wanted),
      Found: clip(found),
    })),
    ViolationCount: broken.length,
    Unknown: unknown.slice(0, listedMax).map(({ target, subject, code, reason }) => ({
      Target: target,
      Subject: clip(subject),
      Code: code,
      Reason: clip(reason),
    })),
    UnknownCount: unknown.length,
    KeptCount: all.length - broken.length - unknown.length,
  };
  if (verdict === 'COMPLIANT' || report) return done(outputs, { note: outputs.Summary });
  return failed(verdict, outputs.Summary, { outputs });
}

/** `web1: sshd is inactive, wanted is active; web2: … and 3 more`. */
function summaryOf(verdict: Verdict, all: readonly (Judged & { readonly target: string })[]): string {
  if (all.length === 0) return 'nothing was judged, so nobody knows';
  const wanted = verdict === 'COMPLIANT' ? 'kept' : verdict === 'NON_COMPLIANT' ? 'broken' : 'unknown';
  const those = all.filter(({ kind }) => kind === wanted);
  if (verdict === 'COMPLIANT' && those.length > 1) return `all ${those.length} are as they must be`;
  const named = those.slice(0, namedMax).map((each) => `${each.target}: ${sentenceOf(each)}`);
  const more = those.length - named.length;
  return `${named.join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `sshd is inactive, wanted is active`. */
export function sentenceOf(judged: Judged): string {
  const about = judged.subject === '' ? '' : `${judged.subject} `;
  switch (judged.kind) {
    case 'kept':
      return clip(`${about}is ${judged.found}`);
    case 'broken':
      return clip(`${about}is ${judged.found}, wanted is ${judged.wanted}`);
    case 'unknown':
      return clip(`${about === '' ? '' : `${about}is unknown: `}${judged.reason} (${judged.code})`);
    default:
      return judged satisfies never;
  }
}

function clip(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax - 1)}…`;
}
