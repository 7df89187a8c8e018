/** Copies of the shipped rolling-patch in which one step of a turn fails. */
import type { MinioNode } from '../../lab/minio/configuration.ts';
import { accidentOn, failingAfter as failingStep } from '../failing-step.ts';

/** The steps of a turn after which it can fail, in their order. */
export const turnSteps = [
  'Stage',
  'Drain',
  'Canary',
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

/** Fails in the turn of `node`, right after `step` of it. */
export const failingAfter = (step: TurnStep, node: MinioNode): object =>
  failingStep('minio/rolling-patch', `PatchNodes/${step}`, accidentOn(node));
