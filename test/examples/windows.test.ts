/** The shipped windows, and the one in docs/windows.md, are right and would run what they name. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createCatalog } from '../../src/actions/index.ts';
import { checkDocument } from '../../src/document/index.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';
import { unattended } from '../../src/runtime/windows/unattended.ts';
import { knownParameters, limitsOf } from '../../src/runtime/windows/worst-case.ts';
import { fits } from '../../src/windows/fit.ts';
import { findZone, nextDue } from '../../src/schedule/index.ts';
import { parseFreeze, parseWindow, scheduleOf } from '../../src/windows/index.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'runbooks', 'windows');
const shipped = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const page = readFileSync(join(root, 'docs', 'windows.md'), 'utf8');
const catalog = createCatalog(offlineModels());

test.each(shipped)('%s is right, comes, and every task has its runbook, parameters and secrets', (name) => {
  const file = join(folder, name);
  const { window, diagnostics } = parseWindow(
    { file, text: readFileSync(file, 'utf8') },
    { resolvePath: (path) => resolve(dirname(file), path) },
  );
  expect(diagnostics).toEqual([]);
  const zone = findZone(window?.timezone ?? '');
  if (window === undefined || zone === undefined) throw new Error(name);
  expect(nextDue(scheduleOf(window, zone, 0), Date.parse('2026-12-01T00:00:00Z'))).toBeGreaterThan(0);
  // Each begins, at the latest, when all before it have taken what they may.
  let forwardMs = 0;
  for (const task of window.tasks) {
    if (task.check !== undefined)
      throw new Error(`${task.name} is a check, and checks have a test of their own`);
    const text = readFileSync(task.runbook, 'utf8');
    const { document } = checkDocument({ file: task.runbook, text }, catalog);
    const parameters = document?.parameters ?? {};
    expect(Object.keys(parameters)).toEqual(expect.arrayContaining(Object.keys(task.parameters)));
    const given = [...Object.keys(task.parameters), ...Object.keys(task.identity.secrets)];
    const required = Object.keys(parameters).filter((each) => parameters[each]?.default === undefined);
    expect(given).toEqual(expect.arrayContaining(required));
    const secrets = Object.keys(parameters).filter((each) => parameters[each]?.secret === true);
    expect(Object.keys(task.identity.secrets).toSorted()).toEqual(secrets.toSorted());
    if (document === undefined) throw new Error(task.runbook);
    const { worstCase } = limitsOf(task, document, null);
    if (worstCase.kind === 'unknown') throw new Error(worstCase.message);
    expect(fits(worstCase, window.durationHours * 3_600_000, forwardMs)).toMatchObject({ kind: 'yes' });
    forwardMs += worstCase.forwardMs;
    const { problems } = unattended(task, document, {
      approval: window.approval,
      inventory: null,
      parameters: knownParameters(task, document),
      read: (path, text = readFileSync(path, 'utf8')) => {
        const checked = checkDocument({ file: path, text }, catalog);
        return checked.document === undefined ? { problem: path } : { document: checked.document };
      },
    });
    expect(problems).toEqual([]);
  }
  for (const source of window.freeze) {
    if (source.kind !== 'file') continue;
    expect(parseFreeze(readFileSync(source.path, 'utf8'), zone, findZone)).toMatchObject({
      kind: 'calendar',
    });
  }
});

test('the window of docs/windows.md is right', () => {
  const text = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  expect(parseWindow({ file: 'docs/windows.md', text }).diagnostics).toEqual([]);
});
