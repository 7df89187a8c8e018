/** The shapes of events, by their types. */
import { Type, type Static, type TSchema } from 'typebox';
import type {
  EngineEvent,
  ExecutionEnding,
  Looked,
  Reach,
  RollbackStatus,
  StepEnding,
  UndoResult,
  Waiting,
} from '../engine/index.ts';
import type { Json, JsonObject } from '../json.ts';
import { instant, oneOf, shape, type Fits, type Shape, type Unknown } from './shape.ts';

const text = Type.String();
const json = Type.Unsafe<Json>({});
const object = Type.Unsafe<JsonObject>({ type: 'object' });
const nullableText = Type.Union([text, Type.Null()]);
const texts = Type.Array(text);
const count = Type.Number();

export const failure = Type.Object({ code: text, message: text, retryable: Type.Boolean() });
export const noFailure = Type.Union([failure, Type.Null()]);
const changes = Type.Array(
  Type.Object({ target: text, subject: text, from: nullableText, to: nullableText }),
);
const looked = oneOf<Looked>({ asBefore: true, different: true, unread: true });
const ending = oneOf<ExecutionEnding>({ Success: true, Failed: true, TimedOut: true, Cancelled: true });
export const rollbackStatus = oneOf<RollbackStatus>({
  notRequested: true,
  running: true,
  waiting: true,
  clean: true,
  partial: true,
  failed: true,
});

/** By its kind. */
const waits = {
  approval: Type.Object({
    kind: Type.Literal('approval'),
    message: text,
    approvers: texts,
    wanted: count,
    given: count,
    timeoutSeconds: count,
    wait: Type.Optional(text),
    signed: Type.Optional(Type.Literal(true)),
    separate: Type.Optional(Type.Literal(true)),
    refused: Type.Optional(text),
  }),
  pause: Type.Object({ kind: Type.Literal('pause'), message: Type.Optional(text), timeoutSeconds: count }),
  sleep: Type.Object({ kind: Type.Literal('sleep'), seconds: count }),
  unknownOutcome: Type.Object({ kind: Type.Literal('unknownOutcome'), message: text }),
  lock: Type.Object({
    kind: Type.Literal('lock'),
    lock: text,
    holder: text,
    since: instant,
    timeoutSeconds: count,
  }),
  nextStep: Type.Object({ kind: Type.Literal('nextStep'), steps: texts, number: count }),
  rollbackDecision: Type.Object({ kind: Type.Literal('rollbackDecision'), steps: texts }),
} satisfies { readonly [K in Waiting['kind']]: TSchema };
export const waiting = Type.Union(Object.values(waits));

const reaches = {
  nothing: Type.Object({ kind: Type.Literal('nothing') }),
  undone: Type.Object({ kind: Type.Literal('undone'), by: Type.Enum(['action', 'list']) }),
  harmless: Type.Object({ kind: Type.Literal('harmless'), reason: text }),
  stays: Type.Object({ kind: Type.Literal('stays'), reason: text }),
} satisfies { readonly [K in Reach['kind']]: TSchema };
const reach = Type.Union(Object.values(reaches));

const turn = { step: text, target: text, number: count, of: count };

/** By the event's type. */
const events = {
  ExecutionStarted: Type.Object({ steps: Type.Array(Type.Object({ name: text, action: text })) }),
  StepStarted: Type.Object({
    step: text,
    action: text,
    inputs: object,
    reach: Type.Optional(reach),
    absent: Type.Optional(texts),
  }),
  AttemptFailed: Type.Object({ step: text, attempt: count, of: count, failure }),
  EffectAdopted: Type.Object({ step: text, found: Type.Enum(['absent', 'running', 'done']) }),
  StepWaiting: Type.Object({ step: text, waiting }),
  StepEnded: Type.Object({
    step: text,
    status: oneOf<StepEnding>({ Success: true, Failed: true, TimedOut: true, Cancelled: true, Exited: true }),
    attempts: count,
    outputs: object,
    changes,
    restorePoints: Type.Array(Type.Object({ id: text, of: text })),
    targets: texts,
    note: text,
    failure: noFailure,
    critical: Type.Boolean(),
    acted: Type.Optional(Type.Enum(['no', 'yes', 'unknown'])),
    untold: Type.Optional(text),
    noUndo: Type.Optional(text),
    byWord: Type.Optional(
      Type.Array(Type.Object({ step: text, targets: texts, isUnsure: Type.Optional(Type.Literal(true)) })),
    ),
  }),
  TurnStarted: Type.Object(turn),
  TurnEnded: Type.Object({ ...turn, status: ending, failure: noFailure }),
  PassStarted: Type.Object({
    step: text,
    iteration: count,
    of: Type.Union([count, Type.Null()]),
    value: Type.Optional(json),
  }),
  StateLooked: Type.Object({ steps: Type.Array(Type.Object({ step: text, found: looked })) }),
  ForwardEnded: Type.Object({
    status: ending,
    failedStep: nullableText,
    completed: Type.Optional(Type.Literal(true)),
  }),
  RollbackStarted: Type.Object({ pass: count, steps: texts, budgetSeconds: count }),
  UndoStarted: Type.Object({ step: text, action: text }),
  UndoEnded: Type.Object({
    step: text,
    result: oneOf<UndoResult>({
      undone: true,
      nothingToDo: true,
      kept: true,
      leftOver: true,
      changedSince: true,
      failed: true,
    }),
    reason: text,
    changes,
    targets: texts,
    note: text,
    failure: noFailure,
    looked: Type.Optional(looked),
    standsOn: Type.Optional(texts),
  }),
  RollbackRefused: Type.Object({
    pass: count,
    drift: Type.Array(Type.Object({ step: text, left: json, found: json })),
  }),
  RollbackRepeated: Type.Object({
    pass: count,
    steps: Type.Array(Type.Object({ step: text, found: looked, difference: text })),
  }),
  OutdatedLookedFor: Type.Object({
    processes: Type.Array(
      Type.Object({ target: text, pid: count, began: text, name: text, unit: text, path: text }),
    ),
  }),
  RollbackEnded: Type.Object({ pass: count, status: rollbackStatus }),
  NotifyFailed: Type.Object({ failure }),
  LocksTaken: Type.Object({ locks: texts, unheard: texts }),
  LocksRefused: Type.Object({ failure }),
  LocksReleased: Type.Object({ kept: Type.Array(Type.Object({ lock: text, why: text })) }),
  ExecutionEnded: Type.Object({ status: ending, rollbackStatus, outputs: object }),
} satisfies { readonly [K in EngineEvent['type']]: TSchema };

type OfType<K> = Omit<Extract<EngineEvent, { readonly type: K }>, 'type'>;
type Events = { readonly [K in keyof typeof events]: Static<(typeof events)[K]> };
export type ReadEvents = Fits<Events, { readonly [K in EngineEvent['type']]: OfType<K> }>;
export type NoneForgotten = [
  Fits<{ [K in EngineEvent['type']]: Unknown<OfType<K>, Events[K]> }[EngineEvent['type']], never>,
  Fits<
    {
      [K in Waiting['kind']]: Unknown<Extract<Waiting, { readonly kind: K }>, Static<(typeof waits)[K]>>;
    }[Waiting['kind']],
    never
  >,
];

const eventShapes = new Map(Object.entries(events).map(([type, schema]) => [type, shape<object>(schema)]));

export const readEvent: Shape<EngineEvent> = (value) => {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  const known = typeof type === 'string' ? eventShapes.get(type) : undefined;
  if (known === undefined) return { wrong: 'it is not an event that this version knows' };
  const read = known(value);
  return 'wrong' in read ? read : { value: read.value as EngineEvent };
};
