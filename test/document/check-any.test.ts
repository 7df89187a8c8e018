import { expect, test } from 'vitest';
import { checkAny } from '../../src/document/check-any.ts';
import { fakeCatalog } from './fake-catalog.ts';

const codesOf = (text: string): string[] =>
  checkAny({ file: 'x.yaml', text }, fakeCatalog).diagnostics.map(({ code }) => code);

test.each([
  '{ "schemaVersion": "2.0", "packages": {}, "files": {} }',
  'schemaVersion: "2.0"\npackages:\n  ubuntu: {}\nfiles: {}\n',
  'schemaVersion: "2.0"\npackageArn: arn:aws:ssm:::package/X\n',
])('the manifest of a package is told as one, in JSON and in YAML: %j', (text) => {
  expect(codesOf(text)).toEqual(['NOT_A_RUNBOOK']);
});

test('a Command document whose script speaks of packages is one', () => {
  const text =
    'schemaVersion: "2.2"\nmainSteps:\n  - name: A\n    action: aws:runShellScript\n    inputs:\n      runCommand:\n        - |\n          cat <<END\n          packages:\n          END\n';
  expect(codesOf(text)).toEqual([]);
});
