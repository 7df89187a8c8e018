/** Where a step that starts runbooks is tried: the host finds one of one step, and each child of it comes to what the test says. */
import {
  plan,
  type ActivityCall,
  type AsJson,
  type FoundRunbook,
  type OutcomeResult,
  type Program,
} from '../../src/engine/index.ts';
import type { Document, Step } from '../../src/document/index.ts';
import type { JsonObject } from '../../src/json.ts';
import { plain, runbook, step } from './run-toy.ts';
import { gave, stepBed, type StepBed, type StepBedOptions } from './step-bed.ts';

export interface ChildBedOptions extends Omit<StepBedOptions, 'answer'> {
  /** Undefined: as the host of this bed answers. */
  readonly answer?: (call: ActivityCall) => OutcomeResult | undefined;
  /** Of the step that starts runbooks. */
  readonly inputs?: JsonObject;
  /** What the only step of a child comes to, by the parameter Name of that child; left out: it puts that name. */
  readonly ends?: (name: string) => OutcomeResult<'wait'>;
  /** Steps of the runbook that is found; left out: `Put` alone. */
  readonly steps?: readonly Step[];
  readonly outputs?: Document['outputs'];
}

export interface ChildBed extends StepBed {
  /** The children so far, in the order in which they were started: what each was given, and what its steps did. */
  readonly children: () => readonly StartedChild[];
  /** How often the host was asked for a kind of call. */
  readonly asked: (kind: ActivityCall['kind']) => readonly ActivityCall[];
}

interface StartedChild {
  readonly parameters: JsonObject;
  readonly location?: unknown;
  readonly rollbackWhen: string;
  readonly isCancelled: boolean;
}

export const put = step({ name: 'Put', action: 'toy:put', inputs: { Key: '{{ Name }}' } });

export function foundRunbook(
  steps: readonly Step[] = [put],
  outputs: Document['outputs'] = [],
): FoundRunbook {
  const document = runbook(steps, { outputs, parameters: { Name: { type: 'String', default: 'one' } } });
  const program: Program = plan(document, ({ action }) =>
    action === 'aws:pause'
      ? { ...plain, flow: 'pause' }
      : { ...plain, effect: 'repeatable', undo: { kind: 'restore' } },
  );
  // As the journal gives it back.
  const written = JSON.parse(JSON.stringify(program)) as AsJson<Program>;
  return { kind: 'runbook', runbook: 'child', file: '/books/child.yaml', program: written };
}

export function childBed(options: ChildBedOptions = {}): ChildBed {
  const { inputs = {}, ends = (name) => gave({ Value: name }), steps, outputs, answer } = options;
  const bed = stepBed({
    ...options,
    step: {
      action: 'aws:executeAutomation',
      inputs: { DocumentName: 'child.yaml', ...inputs },
      ...options.step,
    },
    descriptor: { flow: 'child', effect: 'begun', ...options.descriptor },
    answer: (call) => {
      const own = answer?.(call);
      if (own !== undefined) return own;
      switch (call.kind) {
        case 'findRunbook':
          return { status: 'ok', value: foundRunbook(steps, outputs) };
        case 'fitParameters':
          return { status: 'ok', value: { Name: 'one', ...call.input.given } };
        case 'wait': {
          const { Key: name } = call.input.inputs;
          return ends(typeof name === 'string' ? name : '');
        }
        default:
          return { status: 'ok', value: null };
      }
    },
  });
  const children = (): StartedChild[] =>
    [...bed.runtime.store.children.values()].map(({ store, input }) => ({
      parameters: input.parameters,
      rollbackWhen: input.rollbackWhen,
      isCancelled: store.isCancelled,
      ...(input.location === undefined ? {} : { location: input.location }),
    }));
  return { ...bed, children, asked: (kind) => bed.calls.filter((call) => call.kind === kind) };
}
