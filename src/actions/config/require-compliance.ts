/** config:requireCompliance: ends a run by what config:checkRules found, after the alarm was given. */
import { Type } from 'typebox';
import { defineAction, done, failed } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { ruleStandings, sum } from './standing.ts';

export const requireCompliance = defineAction({
  name: 'config:requireCompliance',
  summary: 'Fails with NON_COMPLIANT or UNDETERMINED unless every rule that was checked is compliant.',
  source: 'https://docs.aws.amazon.com/config/latest/APIReference/API_Compliance.html',
  example: `
- name: Require
  action: config:requireCompliance
  inputs: { Rules: '{{ Check.Rules }}' }
`,
  inputs: strictObject({
    Rules: { ...ruleStandings, description: 'The output Rules of a config:checkRules.' },
  }),
  outputs: strictObject({ Summary: Type.String() }),
  timeoutSeconds: 60,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  effect: {
    kind: 'read',
    poll: ({ Rules }) => {
      const { verdict, summary } = sum(Rules);
      const outputs = { Summary: summary };
      return Promise.resolve(
        verdict === 'COMPLIANT' ? done(outputs, { note: summary }) : failed(verdict, summary, { outputs }),
      );
    },
  },
  undo: { kind: 'notNeeded' },
});
