/** What is looked at before the first effect may be anything that the parameters make of it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BelayFolder } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => folder.clear());

test.each([
  { written: '{{ Number }}', says: 'UNSUPPORTED_DOCUMENT' },
  { written: '{{ Map }}', says: 'INVALID_INPUT' },
])('a name that $written makes no text of is no bug', async ({ written, says }) => {
  const file = folder.write(
    'ask.yaml',
    `schemaVersion: '0.3'
parameters: { Number: { type: Integer, default: 5 }, Map: { type: StringMap, default: { a: b } } }
mainSteps:
  - name: Ask
    action: aws:runCommand
    inputs: { DocumentName: '${written}', InstanceIds: [web1] }
`,
  );
  const said = await folder.run(['run', file, '--sandbox']);
  expect(said.stderr).toContain(says);
  expect(said.stderr).not.toContain('A bug in Belay');
});
