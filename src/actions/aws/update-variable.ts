/** aws:updateVariable: gives a variable of the document another value. The engine keeps them. */
import { Type } from 'typebox';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { runByTheEngine } from '../run-by-the-engine.ts';

export const updateVariable = defineAction({
  name: 'aws:updateVariable',
  summary: 'Gives a variable of the document another value, which later steps read as {{ variable:NAME }}.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-update-variable.html',
  example: `
- name: RememberMarker
  action: aws:updateVariable
  inputs: { Name: 'variable:marker', Value: '{{ ListObjects.NextMarker }}' }
`,
  inputs: strictObject({
    Name: Type.String({
      minLength: 1,
      description: 'variable:NAME, of a variable that the document declares.',
    }),
    Value: Type.Unknown({ description: "Of the variable's own type; nothing is converted." }),
  }),
  outputs: strictObject({}),
  timeoutSeconds: undefined,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'updateVariable',
});
