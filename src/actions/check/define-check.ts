/**
 * The contract of a check: one file, one object, which is an action that only reads and a kind of rule at once. `belay check`
 * puts the probes of many host checks into one script; a step runs the same probe by itself.
 */
import { randomBytes } from 'node:crypto';
import type { Static, TProperties } from 'typebox';
import type { CheckProblem } from '../../compliance/checks.ts';
import type { Judged, Look } from '../../compliance/types.ts';
import { accountTarget } from '../../compliance/types.ts';
import type { Json, JsonObject } from '../../json.ts';
import { AwsFailure, type AwsModels } from '../../transports/aws.ts';
import { HostFailure } from '../../transports/host.ts';
import {
  ActionFailure,
  defineAction,
  type ActionContext,
  type AnyAction,
  type Pending,
} from '../define-action.ts';
import type { Fields } from '../scripts/fields.ts';
import { strictObject } from '../strict-object.ts';
import {
  composeProbes,
  probesMax,
  probeTimeoutMs,
  readProbes,
  type Probe,
  type ProbeAnswer,
} from './compose.ts';
import { checkOutputs, concluded, hostsInput, onNonCompliant } from './outputs.ts';

/** When the host was asked and when its answer was there, in ms by this machine's clock. */
export interface Asked {
  readonly from: number;
  readonly until: number;
}

export interface HostCheck {
  readonly scope: 'hosts';
  readonly action: AnyAction;
  /** JSON Schema of what a rule gives. */
  readonly inputs: JsonObject;
  probe(inputs: JsonObject): Probe;
  judge(answer: ProbeAnswer, inputs: JsonObject, asked: Asked): readonly Judged[];
  /** `models`: of AWS, where calls can be held against them. */
  problems(inputs: JsonObject, models?: AwsModels): readonly CheckProblem[];
  /** What the inputs mean by names of belay.yaml. Throws ActionFailure. */
  expand(inputs: JsonObject, context: Meaning): JsonObject;
  readonly secretInputs: readonly string[];
}

/** Who is meant by selectors, and where they are. */
export type Meaning = Pick<ActionContext, 'host' | 'targets'>;

export interface AccountCheck {
  readonly scope: 'account';
  readonly action: AnyAction;
  readonly inputs: JsonObject;
  /** Pending: to be asked again, with the same inputs. */
  look(inputs: JsonObject, context: ActionContext): Promise<Seen | Pending>;
  /** `models`: of AWS, where calls can be held against them. */
  problems(inputs: JsonObject, models?: AwsModels): readonly CheckProblem[];
  readonly secretInputs: readonly string[];
}

export type Seen = Pick<Look, 'judged' | 'isWhole'>;

export type AnyCheck = HostCheck | AccountCheck;

interface Described<P extends TProperties> {
  readonly name: `check:${string}`;
  readonly summary: string;
  readonly source: string;
  readonly example: string;
  readonly inputs: P;
  /** What the schema cannot say. Nothing is known yet of the values: they may not fit the schema, or be expressions. */
  readonly problems?: (inputs: Unproven<P>, models: AwsModels | undefined) => readonly CheckProblem[];
}

type Unproven<P extends TProperties> = { readonly [Name in keyof P]?: Json };

type Given<P extends TProperties> = Static<ReturnType<typeof strictObject<P>>>;

/** How many hosts a step asks at the same time. */
const hostsAtOnceMax = 16;
const timeoutSeconds = 600;

export function defineHostCheck<P extends TProperties>(
  check: Described<P> & {
    /** The shell body of the probe; see compose.ts. */
    readonly body: string;
    readonly args: (inputs: Given<P>) => readonly string[];
    readonly judge: (fields: Fields, inputs: Given<P>, asked: Asked) => readonly Judged[];
    /** Inputs with what they mean by names of belay.yaml; left out, they mean none. Throws ActionFailure. */
    readonly expand?: (inputs: Given<P>, context: Meaning) => Given<P>;
  },
): HostCheck {
  const kind = check.name.slice('check:'.length).replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const inputs = strictObject(check.inputs);
  const probe = (given: JsonObject): Probe => ({
    kind,
    body: check.body,
    args: check.args(given as Given<P>),
  });
  const judge: HostCheck['judge'] = (answer, given, asked) =>
    answer.kind === 'trouble'
      ? [{ kind: 'unknown', subject: '', code: answer.code, reason: answer.reason }]
      : check.judge(answer.fields, given as Given<P>, asked);
  const expand: HostCheck['expand'] = (given, context) =>
    (check.expand?.(given as Given<P>, context) as JsonObject | undefined) ?? given;
  const action = defineAction({
    name: check.name,
    summary: check.summary,
    source: check.source,
    example: check.example,
    inputs: strictObject({ Hosts: hostsInput, ...check.inputs, OnNonCompliant: onNonCompliant }),
    outputs: checkOutputs,
    timeoutSeconds,
    permissions: () => [],
    targets: (given) => (given as unknown as { readonly Hosts: readonly string[] }).Hosts,
    hasHostTargets: true,
    check: (given, { models }) => asCatalogProblems(check, given, models),
    effect: {
      kind: 'read',
      poll: async (given, context) => {
        const { Hosts, OnNonCompliant, ...own } = given as unknown as JsonObject & {
          Hosts: readonly string[];
        };
        const hosts = context.targets(Hosts);
        const looks: Pick<Look, 'target' | 'judged'>[] = [];
        for (let from = 0; from < hosts.length; from += hostsAtOnceMax) {
          const some = hosts.slice(from, from + hostsAtOnceMax);
          const judged = await Promise.all(
            some.map(async (host) => {
              const [seen = []] = await askHost(
                host,
                [{ check: { judge, probe, expand }, inputs: own }],
                context,
              );
              return { target: host, judged: seen };
            }),
          );
          looks.push(...judged);
        }
        return concluded(looks, OnNonCompliant === 'report');
      },
    },
    undo: { kind: 'notNeeded' },
  });
  return {
    scope: 'hosts',
    action,
    inputs: plain(inputs),
    probe,
    judge,
    expand,
    problems: (given, models) => check.problems?.(given as Unproven<P>, models) ?? [],
    secretInputs: [],
  };
}

export interface Question {
  readonly check: Pick<HostCheck, 'probe' | 'judge' | 'expand'>;
  readonly inputs: JsonObject;
}

/**
 * All questions to one host in one round trip; what each saw, in their order. A host that cannot be asked is unknown, with its
 * reason; only a cancel is thrown.
 */
export async function askHost(
  name: string,
  questions: readonly Question[],
  context: Pick<ActionContext, 'host' | 'signal' | 'now' | 'targets'>,
): Promise<(readonly Judged[])[]> {
  const probes = new Map<string, Probe>();
  const meant = questions.map(({ check, inputs }): Meant => {
    try {
      const expanded = check.expand(inputs, context);
      const probe = check.probe(expanded);
      const key = JSON.stringify([probe.kind, probe.args]);
      probes.set(key, probe);
      return { inputs: expanded, key };
    } catch (error) {
      if (!(error instanceof ActionFailure)) throw error;
      return { inputs, trouble: { kind: 'trouble', code: error.code, reason: error.message } };
    }
  });
  const from = context.now();
  const answers = new Map<string, Heard>();
  const all = [...probes];
  for (let at = 0; at < all.length; at += probesMax)
    for (const [key, heard] of await askTogether(name, all.slice(at, at + probesMax), context))
      answers.set(key, heard);
  const missing: ProbeAnswer = {
    kind: 'trouble',
    code: 'HALF_ANSWER',
    reason: 'the host did not answer this',
  };
  return questions.map(({ check }, index) => {
    const { inputs = {}, key = '', trouble = missing } = meant[index] ?? {};
    const { answer, ...asked } = answers.get(key) ?? { answer: trouble, from, until: from };
    return judgedSafely(() => check.judge(answer, inputs, asked));
  });
}

/** A question, its inputs as they are meant now, and by which key its answer comes; or why it cannot be asked. */
interface Meant {
  readonly inputs: JsonObject;
  readonly key?: string;
  readonly trouble?: ProbeAnswer;
}

type Heard = Asked & { readonly answer: ProbeAnswer };
type Named = readonly (readonly [string, Probe])[];

async function askTogether(
  name: string,
  probes: Named,
  context: Pick<ActionContext, 'host' | 'signal' | 'now'>,
): Promise<(readonly [string, Heard])[]> {
  const nonce = randomBytes(16).toString('hex');
  const asked = probes.map(([, probe]) => probe);
  const from = context.now();
  try {
    const result = await context
      .host(name)
      .read(composeProbes(asked, nonce), { signal: context.signal, timeoutMs: probeTimeoutMs(asked) });
    const until = context.now();
    const answers = readProbes(result, nonce, asked.length);
    return probes.flatMap(([key], index) => {
      const answer = answers[index];
      return answer === undefined ? [] : [[key, { answer, from, until }] as const];
    });
  } catch (error) {
    const { code, reason } = troubleOf(error, context.signal);
    // One that prints too much must not take the answers of the others away.
    if (code === 'OUTPUT_TOO_LARGE' && probes.length > 1) {
      const alone: (readonly [string, Heard])[] = [];
      for (const one of probes) alone.push(...(await askTogether(name, [one], context)));
      return alone;
    }
    const answer: ProbeAnswer = { kind: 'trouble', code, reason };
    return probes.map(([key]) => [key, { answer, from, until: context.now() }] as const);
  }
}

/** Throws what is no expected failure, and a cancel. */
export function troubleOf(
  error: unknown,
  signal: AbortSignal,
): { readonly code: string; readonly reason: string } {
  const isExpected =
    error instanceof HostFailure ||
    error instanceof AwsFailure ||
    error instanceof ActionFailure ||
    // What an HTTP or S3 server says is told by its code, too; those classes are loaded only when they are needed.
    (error instanceof Error && /^(S3|Http)Failure$/.test(error.name)) ||
    // An answer that should have been JSON.
    error instanceof SyntaxError;
  if (!isExpected || signal.aborted) throw error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'BAD_REPLY';
  return { code, reason: error.message.replaceAll(/\s*\n\s*/g, '. ') };
}

/** A judge that is given nonsense says that nobody knows. */
function judgedSafely(judge: () => readonly Judged[]): readonly Judged[] {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    return [{ kind: 'unknown', subject: '', code: error.code, reason: error.message }];
  }
}

export function defineAccountCheck<P extends TProperties>(
  check: Described<P> & {
    readonly permissions: (inputs: Given<P>) => readonly string[];
    readonly look: (inputs: Given<P>, context: ActionContext) => Promise<Seen | Pending>;
    /** Hosts that the inputs name. */
    readonly hosts?: (inputs: Given<P>) => readonly string[];
    readonly secretInputs?: readonly string[];
    readonly timeoutSeconds?: number;
  },
): AccountCheck {
  const look: AccountCheck['look'] = async (given, context) => {
    try {
      return await check.look(given as Given<P>, context);
    } catch (error) {
      const { code, reason } = troubleOf(error, context.signal);
      return { judged: [{ kind: 'unknown', subject: '', code, reason }], isWhole: false };
    }
  };
  const action = defineAction({
    name: check.name,
    summary: check.summary,
    source: check.source,
    example: check.example,
    inputs: strictObject({ ...check.inputs, OnNonCompliant: onNonCompliant }),
    outputs: checkOutputs,
    timeoutSeconds: check.timeoutSeconds ?? timeoutSeconds,
    permissions: (given) => check.permissions(given as Given<P>),
    targets: (given) => check.hosts?.(given as Given<P>) ?? [],
    hasHostTargets: check.hosts !== undefined,
    check: (given, { models }) => asCatalogProblems(check, given, models),
    ...(check.secretInputs === undefined ? {} : { secretInputs: check.secretInputs }),
    effect: {
      kind: 'read',
      poll: async (given, context) => {
        const seen = await look(withoutEnding(given as unknown as JsonObject), context);
        if ('kind' in seen) return seen;
        const isReport = (given as unknown as JsonObject)['OnNonCompliant'] === 'report';
        return concluded([{ target: accountTarget, judged: seen.judged }], isReport);
      },
    },
    undo: { kind: 'notNeeded' },
  });
  return {
    scope: 'account',
    action,
    inputs: plain(strictObject(check.inputs)),
    look,
    problems: (given, models) => check.problems?.(given as Unproven<P>, models) ?? [],
    secretInputs: check.secretInputs ?? [],
  };
}

function withoutEnding(given: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'OnNonCompliant'));
}

function asCatalogProblems<P extends TProperties>(check: Described<P>, given: JsonObject, models: AwsModels) {
  const problems = check.problems?.(given as Unproven<P>, models) ?? [];
  return problems.map((problem) => ({ code: 'WRONG_CHECK_INPUT', ...problem }));
}

function plain(schema: object): JsonObject {
  return JSON.parse(JSON.stringify(schema)) as JsonObject;
}
