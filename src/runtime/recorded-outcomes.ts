/** Reads what a journal has of an activity's outcome: the engine trusts what it gets, so nothing else may pass. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { Type, type Static, type TSchema } from 'typebox';
import type {
  ActivityKind,
  AnswerOf,
  AsJson,
  ChildOutcome,
  Outcome,
  Program,
  SignalResult,
} from '../engine/index.ts';
import type { Json, JsonObject } from '../json.ts';

const json = Type.Unsafe<Json>({});
const object = Type.Unsafe<JsonObject>({ type: 'object' });
const text = Type.String();
const nullableText = Type.Union([text, Type.Null()]);

const change = Type.Object({
  target: text,
  subject: text,
  from: nullableText,
  to: nullableText,
  isForGood: Type.Optional(Type.Literal(true)),
});
const outdated = Type.Array(
  Type.Object({ target: text, pid: Type.Number(), began: text, name: text, unit: text, path: text }),
);
const effectResult = Type.Object({
  outputs: object,
  changes: Type.Array(change),
  restorePoints: Type.Array(Type.Object({ id: text, of: text })),
  targets: Type.Array(text),
  note: text,
  outdated: Type.Optional(outdated),
});
const times = { startedAt: Type.Number(), endedAt: Type.Number(), absentMs: Type.Optional(Type.Number()) };
const failure = { code: text, message: text, retryable: Type.Boolean() };

const answers = {
  identity: Type.Object({ account: text, arn: text, region: text, partition: text }),
  prepare: Type.Object({ observed: json, captures: object }),
  observe: json,
  begin: json,
  adopt: Type.Union([
    Type.Object({ found: Type.Literal('absent') }),
    Type.Object({ found: Type.Literal('running'), handle: json }),
    Type.Object({ found: Type.Literal('done'), result: effectResult }),
    Type.Object({
      found: Type.Literal('failed'),
      failure: Type.Object(failure),
      result: Type.Union([effectResult, Type.Null()]),
    }),
    Type.Object({ found: Type.Literal('unknown'), why: text }),
  ]),
  wait: effectResult,
  stop: Type.Literal('stopped'),
  stillRuns: outdated,
  notify: effectResult,
  lock: Type.Union([
    Type.Object({ kind: Type.Literal('taken'), unheard: Type.Array(text) }),
    Type.Object({
      kind: Type.Literal('held'),
      lock: text,
      holder: text,
      since: Type.Number(),
      message: text,
    }),
  ]),
  unlock: Type.Object({ kept: Type.Array(Type.Object({ lock: text, why: text })) }),
  decision: Type.Union([
    Type.Object({ kind: Type.Literal('counts'), person: text, key: text }),
    Type.Object({ kind: Type.Literal('refused'), why: text }),
  ]),
  findRunbook: Type.Union([
    Type.Object({
      kind: Type.Literal('runbook'),
      runbook: text,
      file: nullableText,
      program: Type.Unsafe<AsJson<Program>>({
        type: 'object',
        properties: { document: { type: 'object' }, descriptors: { type: 'object' } },
        required: ['interpreter', 'document', 'descriptors'],
      }),
    }),
    Type.Object({ kind: Type.Literal('service') }),
  ]),
  findTargets: Type.Array(text),
  fitParameters: object,
} satisfies { readonly [K in ActivityKind]: TSchema };

/** Does not compile where a schema lets through what its answer's type does not. */
type Answers = { readonly [K in ActivityKind]: Static<(typeof answers)[K]> };
type Fits<Narrow extends Wide, Wide> = Narrow;
export type ReadAnswers = Fits<Answers, AnswerOf>;

function outcomeOf(value: TSchema): TSchema {
  return Type.Union([
    Type.Object({ ...times, status: Type.Literal('ok'), value }),
    Type.Object({
      ...times,
      status: Type.Literal('failed'),
      ...failure,
      effect: Type.Union([Type.Literal('none'), Type.Literal('unknown'), Type.Literal('known')]),
      value: Type.Optional(effectResult),
    }),
    Type.Object({ ...times, status: Type.Literal('timeout'), seen: Type.Optional(text) }),
    Type.Object({ ...times, status: Type.Enum(['cancelled', 'lost']) }),
  ]);
}

const checks: { readonly [K in ActivityKind]: () => ValidateFunction<Outcome<K>> } = {
  identity: once('identity'),
  prepare: once('prepare'),
  observe: once('observe'),
  begin: once('begin'),
  adopt: once('adopt'),
  wait: once('wait'),
  stop: once('stop'),
  stillRuns: once('stillRuns'),
  notify: once('notify'),
  lock: once('lock'),
  unlock: once('unlock'),
  decision: once('decision'),
  findRunbook: once('findRunbook'),
  findTargets: once('findTargets'),
  fitParameters: once('fitParameters'),
};

/** Compiled when it is first needed. */
function once<K extends ActivityKind>(kind: K): () => ValidateFunction<Outcome<K>> {
  let check: ValidateFunction<Outcome<K>> | undefined;
  return () => (check ??= compile<Outcome<K>>(outcomeOf(answers[kind])));
}

/** Undefined: no call of this kind can have come to that. */
export function readOutcome<K extends ActivityKind>(kind: K, recorded: Json): Outcome<K> | undefined {
  const check = checks[kind]();
  return check(recorded) ? recorded : undefined;
}

const signalResult = Type.Union([
  Type.Object({ status: Type.Literal('signal'), value: json, at: Type.Number() }),
  Type.Object({ status: Type.Literal('timeout'), at: Type.Number() }),
  Type.Object({ status: Type.Literal('cancelled'), at: Type.Number() }),
]);

const ran = Type.Object({
  step: text,
  targets: Type.Array(text),
  isUnsure: Type.Optional(Type.Literal(true)),
});

const childOutcome = Type.Union([
  Type.Object({ ...times, status: Type.Literal('cancelled') }),
  Type.Object({
    ...times,
    status: Type.Literal('ended'),
    executionId: text,
    isTimedOut: Type.Boolean(),
    result: Type.Object({
      status: Type.Enum(['Success', 'Failed', 'TimedOut', 'Cancelled']),
      rollbackStatus: Type.Enum(['notRequested', 'running', 'waiting', 'clean', 'partial', 'failed']),
      outputs: object,
      failedStep: nullableText,
      failure: Type.Union([Type.Object(failure), Type.Null()]),
      owed: Type.Number(),
      changes: Type.Optional(Type.Array(change)),
      acted: Type.Optional(Type.Enum(['no', 'yes', 'unknown'])),
      byWord: Type.Optional(Type.Array(ran)),
      locks: Type.Array(text),
    }),
  }),
]);
export type ReadChild = Fits<Static<typeof childOutcome>, ChildOutcome>;

let childCheck: ValidateFunction<ChildOutcome> | undefined;

/** Undefined: no child can have come to that. */
export function readChild(recorded: Json): ChildOutcome | undefined {
  childCheck ??= compile<ChildOutcome>(childOutcome);
  return childCheck(recorded) ? recorded : undefined;
}

/** What an embedded runtime has on record of its own calls, none of which can fail. */
export const readSlept = ownValue(ofType<'elapsed' | 'cancelled'>(Type.Enum(['elapsed', 'cancelled'])));
export const readYes = ownValue(ofType<true>(Type.Literal(true)));
export const readInstant = ownValue(ofType<number>(Type.Number()));
export const readSignal = ownValue(ofType<SignalResult>(signalResult));

type Check<T> = () => ValidateFunction<{ readonly value: T }>;

function ofType<T>(schema: TSchema): Check<T> {
  let check: ReturnType<Check<T>> | undefined;
  return () => (check ??= compile(Type.Object({ status: Type.Literal('ok'), value: schema })));
}

function ownValue<T>(check: Check<T>): (recorded: Json) => T | undefined {
  return (recorded) => {
    const fits = check();
    return fits(recorded) ? recorded.value : undefined;
  };
}

function compile<T>(schema: TSchema): ValidateFunction<T> {
  return new Ajv2020({
    strict: false,
    meta: false,
    validateSchema: false,
    // Making it shorter costs more than it saves: it looks at few values.
    code: { optimize: false },
  }).compile<T>(schema);
}
