/** `{{ before.X }}` in undo lists, held before the run to what the step's own action observes. */
import { expect, test } from 'vitest';
import { createCatalog } from '../../src/actions/index.ts';
import { checkDocument } from '../../src/document/index.ts';
import { createAwsModels } from '../../src/transports/aws/models.ts';

const catalog = createCatalog(createAwsModels());

function problemsOf(step: string, expression: string): string[] {
  const text = `schemaVersion: '0.3'
mainSteps:
  - name: Act
    ${step}
    undo:
      - name: Back
        action: sns:publish
        inputs: { TopicArn: 'arn:aws:sns:eu-central-1:111122223333:t', Message: 'was {{ ${expression} }}' }
`;
  const { diagnostics } = checkDocument({ file: 'a.yaml', text }, catalog);
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ code, hint }) => `${code} ${hint ?? ''}`);
}

const service = 'action: host:service\n    inputs: { Host: db1, Name: nginx, State: stopped }';
const sleep = 'action: aws:sleep\n    inputs: { Duration: PT1S }';

test('takes what the action observes and what capture: reads', () => {
  expect(problemsOf(service, 'before.active')).toEqual([]);
  expect(problemsOf(`${service}\n    capture: { Version: 'nginx -v' }`, 'before.Version')).toEqual([]);
});

test('refuses what it does not observe, with the nearest name', () => {
  expect(problemsOf(service, 'before.actve')).toEqual(['UNKNOWN_REFERENCE Did you mean active?']);
});

test('refuses everything of an action that observes nothing', () => {
  expect(problemsOf(sleep, 'before.State')[0]).toMatch(/^UNKNOWN_REFERENCE /);
});

test('does not judge names that depend on the inputs', () => {
  const restore = 'action: ebs:restore\n    inputs: { Host: db1, SnapshotIds: [snap-0123456789abcdef0] }';
  expect(problemsOf(restore, 'before.Whatever')).toEqual([]);
});
