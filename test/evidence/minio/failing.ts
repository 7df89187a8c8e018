/** Copies of the shipped rolling-patch in which one step fails, made from the parsed text: it is the shipped text that is tested. */
import type { Json } from '../../../src/json.ts';
import type { MinioNode } from '../../lab/minio/configuration.ts';
import { shipped, type ShippedStep } from './stage.ts';

/** The steps of a turn after which it can fail, in their order. */
export const turnSteps = [
  'Stage',
  'Drain',
  'MayStop',
  'Stop',
  'Patch',
  'Reboot',
  'Start',
  'Settle',
  'Heal',
  'Undrain',
] as const;
export type TurnStep = (typeof turnSteps)[number];

const accident = (node: MinioNode): ShippedStep => ({
  name: 'Accident',
  action: 'host:command',
  inputs: {
    Host: '{{ PatchNodes.Target }}',
    Env: { HERE: '{{ PatchNodes.Target }}', AT: node },
    Script: '[ "$HERE" != "$AT" ] || { echo "the accident that the test is about" >&2; exit 1; }',
  },
  undo: { none: 'it is the accident that the test is about' },
});

/** Fails in the turn of `node`, right after `step` of it. */
export function failingAfter(step: TurnStep, node: MinioNode): object {
  const document = shipped('rolling-patch');
  const rolling = document.mainSteps.find(({ name }) => name === 'PatchNodes');
  const steps = rolling?.inputs['Steps'] as readonly Json[] as unknown as ShippedStep[] | undefined;
  const index = steps?.findIndex(({ name }) => name === step) ?? -1;
  const found = steps?.[index];
  if (rolling === undefined || steps === undefined || found === undefined)
    throw new Error(`rolling-patch has no step ${step} any more`);
  const { isEnd, ...rest } = found;
  const after = { ...accident(node), ...(isEnd === true ? { isEnd: true } : {}) };
  const changed = [...steps.slice(0, index), rest, after, ...steps.slice(index + 1)];
  rolling.inputs = { ...rolling.inputs, Steps: changed };
  return document;
}
