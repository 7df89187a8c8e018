/** aws:branch: where the flow goes on. Conditions are checked and evaluated by document/condition.ts. */
import { Type } from 'typebox';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { runByTheEngine } from '../run-by-the-engine.ts';

const constant = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
/** And, Or and Not hold conditions like the one that they stand in; document/ checks them at any depth. */
const conditions = Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1 });

const comparisons = {
  StringEquals: Type.Optional(constant),
  EqualsIgnoreCase: Type.Optional(constant),
  StartsWith: Type.Optional(constant),
  EndsWith: Type.Optional(constant),
  Contains: Type.Optional(constant),
  NumericEquals: Type.Optional(constant),
  NumericGreater: Type.Optional(constant),
  NumericLesser: Type.Optional(constant),
  NumericGreaterOrEquals: Type.Optional(constant),
  NumericLesserOrEquals: Type.Optional(constant),
  BooleanEquals: Type.Optional(constant),
};

export const branch = defineAction({
  name: 'aws:branch',
  summary: 'Goes on with the step of the first choice whose condition is true.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-branch.html',
  example: `
- name: ByPlatform
  action: aws:branch
  inputs:
    Choices:
      - NextStep: PatchWindows
        Variable: '{{ FindInstance.Platform }}'
        StringEquals: windows
      - NextStep: PatchLinux
        Not: { Variable: '{{ FindInstance.Platform }}', StringEquals: windows }
    Default: Sleep
`,
  inputs: strictObject({
    Choices: Type.Array(
      strictObject({
        NextStep: Type.String({ minLength: 1 }),
        Variable: Type.Optional(
          Type.Unknown({ description: 'What is compared; absent values make every comparison false.' }),
        ),
        ...comparisons,
        And: Type.Optional(conditions),
        Or: Type.Optional(conditions),
        Not: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
      { minItems: 1 },
    ),
    Default: Type.Optional(Type.String({ description: 'The step to go on with when no choice is true.' })),
  }),
  outputs: strictObject({}),
  timeoutSeconds: undefined,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'branch',
});
