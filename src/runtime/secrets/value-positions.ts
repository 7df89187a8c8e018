/**
 * Where values of the world stand in outcomes and events. Everything else is the words by which engine and journal speak
 * with each other, and is never touched: a secret may be one of them.
 */
import type {
  ActivityKind,
  AdoptAnswer,
  AnswerOf,
  Change,
  EffectResult,
  EngineEvent,
  ExecutionResult,
  Failure,
  Outcome,
  Waiting,
} from '../../engine/index.ts';
import type { Json, JsonObject } from '../../json.ts';

/** Gives text for text, and may give text for a number. */
export type MapValue = (value: Json) => Json;

export function mapOutcome<K extends ActivityKind>(kind: K, outcome: Outcome<K>, map: MapValue): Outcome<K> {
  switch (outcome.status) {
    case 'ok':
      return { ...outcome, value: answers[kind](outcome.value, map) };
    case 'failed': {
      const { value, message } = outcome;
      return {
        ...outcome,
        message: mapText(message, map),
        ...(value === undefined ? {} : { value: mapEffect(value, map) }),
      };
    }
    case 'timeout':
    case 'cancelled':
    case 'lost':
      return outcome;
    default:
      return outcome satisfies never;
  }
}

const answers: { readonly [K in ActivityKind]: (answer: AnswerOf[K], map: MapValue) => AnswerOf[K] } = {
  identity: (answer) => answer,
  prepare: ({ observed, captures }, map) => ({
    observed: map(observed),
    captures: map(captures) as JsonObject,
  }),
  observe: (answer, map) => map(answer),
  begin: (answer, map) => map(answer),
  adopt: mapAdoption,
  wait: mapEffect,
  stop: (answer) => answer,
  // Names of the host that are looked for again.
  stillRuns: (answer) => answer,
  notify: mapEffect,
  lock: (answer) => answer,
  unlock: (answer) => answer,
  decision: (answer) => answer,
  // What is in a program stood in a file, as the program of the root did.
  findRunbook: (answer) => answer,
  // Names that are compared and looked for.
  findTargets: (answer) => answer,
  fitParameters: (answer, map) => map(answer) as JsonObject,
};

function mapAdoption(answer: AdoptAnswer, map: MapValue): AdoptAnswer {
  switch (answer.found) {
    case 'absent':
      return answer;
    case 'running':
      return { ...answer, handle: map(answer.handle) };
    case 'done':
      return { ...answer, result: mapEffect(answer.result, map) };
    case 'failed': {
      const { failure, result } = answer;
      return {
        ...answer,
        failure: mapFailure(failure, map),
        result: result === null ? null : mapEffect(result, map),
      };
    }
    case 'unknown':
      return { ...answer, why: mapText(answer.why, map) };
    default:
      return answer satisfies never;
  }
}

/** Targets and restore points are names that are compared and looked for, without the secret at hand. */
function mapEffect<T extends Pick<EffectResult, 'changes' | 'note'> & { readonly outputs?: JsonObject }>(
  effect: T,
  map: MapValue,
): T {
  const { outputs, changes, note } = effect;
  return {
    ...effect,
    ...(outputs === undefined ? {} : { outputs: map(outputs) }),
    changes: changes.map((change) => mapChange(change, map)),
    note: mapText(note, map),
  };
}

export function mapEvent(event: EngineEvent, map: MapValue): EngineEvent {
  switch (event.type) {
    case 'StepStarted':
      return { ...event, inputs: map(event.inputs) as JsonObject };
    case 'AttemptFailed':
    case 'NotifyFailed':
    case 'LocksRefused':
      return { ...event, failure: mapFailure(event.failure, map) };
    case 'StepWaiting':
      return { ...event, waiting: mapWaiting(event.waiting, map) };
    case 'StepEnded':
      return { ...mapEffect(event, map), failure: mapFailureOrNone(event.failure, map) };
    case 'PassStarted':
      return event.value === undefined ? event : { ...event, value: map(event.value) };
    case 'TurnEnded':
      return { ...event, failure: mapFailureOrNone(event.failure, map) };
    case 'UndoEnded':
      return {
        ...mapEffect(event, map),
        reason: mapText(event.reason, map),
        failure: mapFailureOrNone(event.failure, map),
      };
    case 'RollbackRefused':
      return {
        ...event,
        drift: event.drift.map(({ step, left, found }) => ({ step, left: map(left), found: map(found) })),
      };
    case 'LocksReleased':
      return { ...event, kept: event.kept.map(({ lock, why }) => ({ lock, why: mapText(why, map) })) };
    case 'ExecutionEnded':
      return { ...event, outputs: map(event.outputs) as JsonObject };
    case 'ExecutionStarted':
    case 'EffectAdopted':
    case 'StateLooked':
    case 'RollbackRepeated':
    case 'OutdatedLookedFor':
    case 'TurnStarted':
    case 'ForwardEnded':
    case 'RollbackStarted':
    case 'UndoStarted':
    case 'RollbackEnded':
    case 'LocksTaken':
      return event;
    default:
      return event satisfies never;
  }
}

export function mapResult(result: ExecutionResult, map: MapValue): ExecutionResult {
  const { outputs, failure, changes } = result;
  return {
    ...result,
    ...(changes === undefined ? {} : { changes: changes.map((change) => mapChange(change, map)) }),
    outputs: map(outputs) as JsonObject,
    failure: mapFailureOrNone(failure, map),
  };
}

function mapWaiting(waiting: Waiting, map: MapValue): Waiting {
  switch (waiting.kind) {
    case 'approval':
    case 'unknownOutcome':
      return { ...waiting, message: mapText(waiting.message, map) };
    case 'pause':
      return waiting.message === undefined ? waiting : { ...waiting, message: mapText(waiting.message, map) };
    case 'sleep':
    case 'lock':
    case 'nextStep':
    case 'rollbackDecision':
      return waiting;
    default:
      return waiting satisfies never;
  }
}

function mapChange(change: Change, map: MapValue): Change {
  const { subject, from, to } = change;
  return {
    ...change,
    subject: mapText(subject, map),
    from: from === null ? null : mapText(from, map),
    to: to === null ? null : mapText(to, map),
  };
}

function mapFailure(failure: Failure, map: MapValue): Failure {
  return { ...failure, message: mapText(failure.message, map) };
}

function mapFailureOrNone(failure: Failure | null, map: MapValue): Failure | null {
  return failure === null ? null : mapFailure(failure, map);
}

function mapText(text: string, map: MapValue): string {
  const mapped = map(text);
  return typeof mapped === 'string' ? mapped : JSON.stringify(mapped);
}
