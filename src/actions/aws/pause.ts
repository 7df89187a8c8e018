/** aws:pause: waits until a person says to go on. */
import { Type } from 'typebox';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { runByTheEngine } from '../run-by-the-engine.ts';

/** A week, as for aws:approve. */
const pauseSecondsDefault = 604_800;

export const pause = defineAction({
  name: 'aws:pause',
  summary: 'Waits until somebody continues the execution.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-pause.html',
  example: `
- name: LookAtTheCluster
  action: aws:pause
  inputs: {}
`,
  inputs: strictObject({
    Message: Type.Optional(
      Type.String({
        description: 'For whoever continues. AWS documents no inputs, published runbooks have this one.',
      }),
    ),
  }),
  outputs: strictObject({}),
  timeoutSeconds: pauseSecondsDefault,
  timeoutSecondsMaxInSsm: 2_592_000,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'pause',
});
