/**
 * How long a program may take at most, forward and back, by the limits that are written in it. Where a limit is only a default, or a
 * person is waited for, nobody can say, and the answer names the steps. Pure: it runs nothing.
 */
import { errorBudgetOf, isExpression, parseDurationMs, sideBySideMax } from '../document/index.ts';
import type { Json, JsonObject } from '../json.ts';
import { backoffMs, conditionPassesMax, maxConcurrencyDefault, onCancelSeconds } from './limits.ts';
import type { Program, Step } from './types.ts';

export type WorstCaseTime =
  | { readonly kind: 'known'; readonly forwardMs: number; readonly rollbackMs: number }
  | { readonly kind: 'unknown'; readonly rollbackMs: number; readonly steps: readonly UnboundStep[] };

export interface UnboundStep {
  /** Its place in the document: `PatchNodes/Steps/Stop`. */
  readonly path: string;
  /** A clause: `has no timeoutSeconds of its own`. */
  readonly why: string;
}

export interface WorstCaseOptions {
  /** Values of the run; an expression that is one whole parameter is looked up in them. */
  readonly parameters: JsonObject;
  /** How many targets a rolling step has; undefined where nobody knows before it runs. */
  readonly targets: (step: Step, path: string) => number | undefined;
}

/** A document's own `timeoutSeconds` decides; without it, every step may be reached and each may take all of its tries. */
export function worstCaseTime(program: Program, options: WorstCaseOptions): WorstCaseTime {
  const { document } = program;
  // Stopping has its own time, before the rollback begins.
  const rollbackMs = (document.rollback.timeoutSeconds + onCancelSeconds) * 1000;
  if (document.timeoutSeconds !== undefined) {
    return { kind: 'known', forwardMs: document.timeoutSeconds * 1000, rollbackMs };
  }
  const sum = new Sum(program, options);
  const forwardMs = sum.ofList(document.mainSteps, '');
  return sum.unbound.length > 0
    ? { kind: 'unknown', rollbackMs, steps: sum.unbound }
    : { kind: 'known', forwardMs, rollbackMs };
}

class Sum {
  readonly unbound: UnboundStep[] = [];
  readonly #program: Program;
  readonly #options: WorstCaseOptions;

  constructor(program: Program, options: WorstCaseOptions) {
    this.#program = program;
    this.#options = options;
  }

  ofList(steps: readonly Step[], prefix: string): number {
    const place = new Map(steps.map(({ name }, index) => [name, index]));
    let ms = 0;
    for (const [index, step] of steps.entries()) {
      const path = prefix + step.name;
      const back = nextSteps(step).find((name) => (place.get(name) ?? Infinity) <= index);
      if (back !== undefined) this.#say(path, `may go back to ${back}, and nobody can say how often`);
      ms += this.#ofStep(step, path);
    }
    return ms;
  }

  #ofStep(step: Step, path: string): number {
    const flow = this.#program.descriptors[path]?.flow ?? null;
    switch (flow) {
      case 'branch':
      case 'updateVariable':
        return 0;
      case 'sleep':
        return this.#ofSleep(step, path);
      case 'pause':
      case 'approve':
        return this.#say(path, 'waits for a person');
      case 'rolling':
        return this.#ofRolling(step, path);
      case 'loop':
        return this.#ofLoop(step, path);
      case 'child':
        return this.#ofChild(step, path);
      case null:
        return this.#ofTries(step, path) * this.#waves(step, path);
      default:
        return flow satisfies never;
    }
  }

  #ofTries(step: Step, path: string): number {
    const seconds = this.#number(step.timeoutSeconds ?? null);
    if (seconds === undefined) return this.#say(path, 'has no timeoutSeconds of its own');
    let ms = seconds * 1000 * step.maxAttempts;
    for (let attempt = 1; attempt < step.maxAttempts; attempt += 1) ms += backoffMs(attempt);
    return ms;
  }

  /** How often a step over many hosts may have to wait for all that it may act on at once. */
  #waves(step: Step, path: string): number {
    if (this.#program.descriptors[path]?.overHosts !== true) return 1;
    const hosts = this.#options.targets(step, path);
    if (hosts === undefined) return this.#say(path, 'has hosts that are only known when it runs');
    const { MaxConcurrency: most = maxConcurrencyDefault, MaxErrors: errors = 0 } = step.inputs;
    return Math.ceil(hosts / this.#atOnce(most, errors, hosts));
  }

  /** Those in flight count as failed. */
  #atOnce(most: Json, errors: Json, total: number): number {
    const budget = errorBudgetOf(
      { name: 'MaxConcurrency', value: this.#value(most) },
      { name: 'MaxErrors', value: this.#value(errors) },
      total,
    );
    return typeof budget === 'string' ? 1 : sideBySideMax(budget);
  }

  #ofChild(step: Step, path: string): number {
    if (step.timeoutSeconds !== undefined) return this.#ofTries(step, path);
    return this.#say(path, 'runs another runbook and has no timeoutSeconds of its own');
  }

  #ofSleep(step: Step, path: string): number {
    const duration = this.#value(step.inputs['Duration'] ?? null);
    const ms = typeof duration === 'string' ? parseDurationMs(duration) : undefined;
    return ms ?? this.#say(path, 'sleeps until an instant, or for a time that is only known when it runs');
  }

  #ofRolling(step: Step, path: string): number {
    const targets = this.#options.targets(step, path);
    if (targets === undefined) return this.#say(path, 'has targets that are only known when it runs');
    const gate = this.ofList(step.nested?.['Gate'] ?? [], `${path}/Gate/`);
    const turn = this.ofList(step.nested?.['Steps'] ?? [], `${path}/Steps/`);
    const bakeMs = (this.#number(step.inputs['BakeSeconds'] ?? 0) ?? 0) * 1000;
    const { MaxUnavailable: most = 1, MaxErrors: errors = 0 } = step.inputs;
    // The gate is asked before and after each turn.
    return Math.ceil(targets / this.#atOnce(most, errors, targets)) * (turn + 2 * gate + bakeMs);
  }

  #ofLoop(step: Step, path: string): number {
    const own = this.#number(step.timeoutSeconds ?? null);
    if (own !== undefined) return own * 1000;
    const items = this.#value(step.inputs['Iterators'] ?? null);
    const condition = step.inputs['LoopCondition'] === undefined ? undefined : conditionPassesMax;
    const most = this.#number(step.inputs['MaxIterations'] ?? null) ?? condition;
    const passes = Array.isArray(items) && !items.some(isExpression) ? items.length : most;
    if (passes === undefined) return this.#say(path, 'goes over a list that is only known when it runs');
    return Math.min(passes, most ?? passes) * this.ofList(step.nested?.['Steps'] ?? [], `${path}/Steps/`);
  }

  #say(path: string, why: string): 0 {
    if (!this.unbound.some((known) => known.path === path)) this.unbound.push({ path, why });
    return 0;
  }

  #number(value: Json): number | undefined {
    const known = this.#value(value);
    const number = typeof known === 'string' && known.trim() !== '' ? Number(known) : known;
    return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
  }

  #value(value: Json): Json {
    if (typeof value !== 'string') return value;
    const name = /^\s*\{\{\s*([A-Za-z0-9_]+)\s*\}\}\s*$/.exec(value)?.[1];
    if (name === undefined) return value;
    const { parameters } = this.#options;
    return Object.hasOwn(parameters, name) ? (parameters[name] ?? null) : null;
  }
}

/** Where flow may go behind a step other than to the next one. */
function nextSteps(step: Step): readonly string[] {
  const routes = [step.onFailure, step.onCancel].flatMap((route) =>
    route.kind === 'step' ? [route.step] : [],
  );
  const choices = Array.isArray(step.inputs['Choices']) ? step.inputs['Choices'] : [];
  const jumps = [...choices, step.inputs['Default'] ?? null].flatMap((choice) => {
    if (typeof choice === 'string') return [choice];
    const next =
      choice !== null && typeof choice === 'object' && !Array.isArray(choice) ? choice['NextStep'] : null;
    return typeof next === 'string' ? [next] : [];
  });
  return [...routes, ...jumps, ...(step.nextStep === undefined ? [] : [step.nextStep])];
}
