/** What AWS accepts and refuses, asked of Belay under --strict-ssm with its own catalog. */
import { stringify } from 'yaml';
import { expect } from 'vitest';

import { createCatalog } from '../../../src/actions/catalog.ts';
import { checkDocument, type CheckedDocument, type DocumentCode } from '../../../src/document/index.ts';
import { offlineModels } from '../../../src/runtime/offline-models.ts';

export const catalog = createCatalog(offlineModels());

type Text = Readonly<Record<string, unknown>>;

export const sleep = (name: string, more: Text = {}): Text => ({
  name,
  action: 'aws:sleep',
  inputs: { Duration: 'PT1S' },
  ...more,
});

export const call = (name: string, more: Text = {}, inputs: Text = {}): Text => ({
  name,
  action: 'aws:executeAwsApi',
  inputs: { Service: 'ec2', Api: 'DescribeInstances', ...inputs },
  ...more,
});

/** A document of one step, where the case says nothing else. */
export const runbook = (more: Text = {}): Text => ({
  schemaVersion: '0.3',
  mainSteps: [sleep('Wait')],
  ...more,
});

export function check(document: Text | string, strictSsm = true): CheckedDocument {
  const text =
    typeof document === 'string' ? document : stringify(document, { aliasDuplicateObjects: false });
  return checkDocument({ file: 'case.yaml', text }, catalog, { strictSsm });
}

const errorsOf = ({ diagnostics }: CheckedDocument): string[] =>
  diagnostics.filter(({ severity }) => severity === 'error').map(({ code, message }) => `${code} ${message}`);

export function accepted(document: Text | string): void {
  expect(errorsOf(check(document))).toEqual([]);
}

/** Refused with that code, and with nothing else. */
export function refused(document: Text | string, code: DocumentCode, says: RegExp = /./): void {
  const errors = errorsOf(check(document));
  expect(errors.length, 'errors').toBeGreaterThan(0);
  for (const error of errors) expect(error.split(' ')[0]).toBe(code);
  expect(errors.join('\n')).toMatch(says);
}

/** Belay takes it where nobody asks for AWS's own rules. */
export function takenWithoutStrict(document: Text | string): void {
  expect(errorsOf(check(document, false))).toEqual([]);
}
