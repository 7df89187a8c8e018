/** aws:loop: nested steps, once for each item or as long as a condition holds. The engine runs it; here it says what it takes. */
import { Type } from 'typebox';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { runByTheEngine } from '../run-by-the-engine.ts';

/** As the engine has it. AWS allows 100, to which --strict-ssm holds a document. */
const passesMax = 100_000;

export const loop = defineAction({
  name: 'aws:loop',
  summary: 'Runs its nested steps once for each item of a list, or again as long as a condition is true.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-loop.html',
  example: `
- name: StopAll
  action: aws:loop
  inputs:
    Iterators: '{{ InstanceIds }}'
    Steps:
      - name: StopOne
        action: aws:changeInstanceState
        inputs: { InstanceIds: ['{{ StopAll.CurrentIteratorValue }}'], DesiredState: stopped }
`,
  inputs: strictObject({
    Iterators: Type.Optional(
      Type.Union([Type.Array(Type.Unknown()), Type.String()], {
        description: 'The items, one for each pass: a list, or one expression that gives a list.',
      }),
    ),
    IteratorDataType: Type.Optional(
      Type.Union(
        [Type.Literal('String'), Type.Literal('Integer'), Type.Literal('Boolean'), Type.Literal('StringMap')],
        { default: 'String', description: 'What CurrentIteratorValue is.' },
      ),
    ),
    LoopCondition: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'A condition as of aws:branch, asked after each pass: the steps run again while it is true.',
      }),
    ),
    MaxIterations: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: passesMax,
        description:
          'How many passes there are at most; the loop then ends well. Left out, a condition has 100 and a list all of its items.',
      }),
    ),
  }),
  nests: {
    scope: 'pass',
    lists: {
      Steps: {
        description: 'The steps of one pass. Each undoes itself, in every pass that ran, newest first.',
        required: true,
        readsOnly: false,
      },
    },
    outputs: ['CurrentIteration', 'CurrentIteratorValue'],
  },
  outputs: strictObject({
    CurrentIteration: Type.Integer(),
    CurrentIteratorValue: Type.Optional(Type.Unknown()),
  }),
  timeoutSeconds: undefined,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  check: ({ Iterators, LoopCondition, IteratorDataType }) => {
    if (Iterators === undefined && LoopCondition === undefined)
      return [
        {
          code: 'MISSING_INPUT',
          path: [],
          message: 'aws:loop needs either Iterators or LoopCondition',
          hint: 'Iterators runs the steps once for each item, LoopCondition again while it is true.',
        },
      ];
    if (Iterators !== undefined && LoopCondition !== undefined)
      return [
        {
          code: 'WRONG_INPUT',
          path: ['LoopCondition'],
          message: 'aws:loop takes either Iterators or LoopCondition, and is given both',
          isAboutKey: true,
        },
      ];
    if (Iterators === undefined && IteratorDataType !== undefined)
      return [
        {
          code: 'WRONG_INPUT',
          path: ['IteratorDataType'],
          message: 'IteratorDataType says what the items of Iterators are, and there are none',
          isAboutKey: true,
          isWarning: true,
        },
      ];
    return [];
  },
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'loop',
});
