/** What validation says of the interpreters of this machine: a warning, for the document may be meant for another one. */
import { expect, test } from 'vitest';
import { createCatalog } from '../../../../src/actions/catalog.ts';
import { checkDocument } from '../../../../src/document/index.ts';
import { offlineModels } from '../../../../src/runtime/offline-models.ts';
import type { ScriptTools } from '../../../../src/transports/scripts.ts';

const nothing: ScriptTools = {
  python: () => undefined,
  powerShell: () => undefined,
  shield: () => ({ kind: 'none', why: 'bwrap is not installed' }),
};

const said = (inputs: object, tools: ScriptTools) => {
  const step = { name: 'Run', action: 'aws:executeScript', inputs };
  const text = JSON.stringify({ schemaVersion: '0.3', mainSteps: [step] });
  const { document, diagnostics } = checkDocument(
    { file: 'case.json', text },
    createCatalog(offlineModels(), tools),
  );
  expect(document).toBeDefined();
  return diagnostics.map(({ code, severity, message }) => `${severity} ${code} ${message}`);
};
const powerShell = { Runtime: 'PowerShell 7.4', Script: 'return 1' };
const python = { Runtime: 'python3.11', Handler: 'f', Script: 'def f(e, c):\n  return 1' };

test('PowerShell that is missing is warned of', () => {
  expect(said(powerShell, nothing)).toEqual([
    'warning NO_INTERPRETER step "Run": this machine has no pwsh: the script cannot run here',
  ]);
});

test('PowerShell of another version is warned of', () => {
  const here = { file: '/usr/bin/pwsh', version: '7.2.1', hasBoto3: false, modulePaths: [], folders: [] };
  const tools = { ...nothing, powerShell: () => here };
  expect(said(powerShell, tools)[0]).toContain('warning OTHER_INTERPRETER');
  expect(said({ ...powerShell, Runtime: 'PowerShell 7.2' }, tools)).toEqual([]);
});

test('Python that is missing is warned of', () => {
  expect(said(python, nothing)[0]).toContain('warning NO_INTERPRETER');
});
