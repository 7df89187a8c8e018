/** What files tell of runbooks that steps start: nothing is begun where one of them can never run. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Belay } from '../../src/runtime/belay.ts';
import { Refusal } from '../../src/runtime/refusal.ts';
import { localBelay } from '../support/local-belay.ts';

let dir: string;
let belay: Belay;

const call = (DocumentName: string, more: object = {}) => ({
  name: 'Call',
  action: 'aws:executeAutomation',
  inputs: { DocumentName, ...more },
});
const wait = { name: 'Wait', action: 'aws:sleep', inputs: { Duration: 'PT0S' } };

function write(name: string, steps: readonly object[], parameters: object = {}): string {
  const file = join(dir, name);
  writeFileSync(file, JSON.stringify({ schemaVersion: '0.3', parameters, mainSteps: steps }));
  return file;
}

/** Code and message of each problem: those of the document, or the one that the start names. */
async function startProblems(file: string, texts: Record<string, string> = {}): Promise<string[]> {
  try {
    await belay.start({ file, texts, values: {}, secrets: {}, sandbox: false });
    return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const found = error.diagnostics.length > 0 ? error.diagnostics : [error];
    return found.map(({ code, message }) => `${code}: ${message}`);
  }
}

const checkProblems = (file: string): string[] =>
  belay
    .check(file, { strictSsm: false, children: true })
    .diagnostics.map(({ code, message }) => `${code}: ${message}`);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-child-problems-'));
  writeFileSync(join(dir, 'belay.yaml'), 'hosts: { here: { transport: local } }\n');
  belay = localBelay(dir);
  write('named.yaml', [wait], { Name: { type: 'String' } });
  write('broken.yaml', [{ name: 'A', action: 'nobody:knows' }]);
  write('above-broken.yaml', [call('broken')]);
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

describe('a runbook that a step starts', () => {
  test.each([
    ['is not there', call('gone.yaml'), 'UNKNOWN_RUNBOOK: step "Call": there is no runbook gone.yaml in '],
    ['is not right', call('broken'), 'BAD_DOCUMENT: step "Call": broken is not right: line 1: '],
    [
      'starts one that is not right',
      call('above-broken.yaml'),
      'BAD_DOCUMENT: step "Call": above-broken.yaml is not right: step Call: broken is not right: ',
    ],
    ['is the caller', call('parent'), 'RECURSION: step "Call": a runbook cannot run itself: parent.yaml → '],
    [
      'is not given what it needs',
      call('named', { RuntimeParameters: {} }),
      'MISSING_PARAMETER: step "Call": named needs the parameter Name, which is not given',
    ],
    [
      'is given what it does not know',
      call('named', { RuntimeParameters: { Name: '{{ global:DATE }}', Nmae: 'x' } }),
      'UNKNOWN_PARAMETER: step "Call": named has no parameter Nmae',
    ],
  ])('%s: told by validate, and a run begins nothing', async (_what, step, says) => {
    const file = write('parent.yaml', [
      { name: 'Put', action: 'host:file', inputs: { Host: 'here', Path: join(dir, 'made'), Content: 'x' } },
      step,
    ]);
    const told = [expect.stringContaining(says)];
    expect(checkProblems(file)).toEqual(told);
    expect(await startProblems(file)).toEqual(told);
    expect(existsSync(join(dir, 'made'))).toBe(false);
    expect(await belay.list()).toEqual([]);
  });

  test('is one too many below each other', () => {
    const names = Array.from({ length: 12 }, (_, index) => `deep${index}`);
    for (const [index, name] of names.entries())
      write(`${name}.yaml`, index < 11 ? [call(`deep${index + 1}`)] : [wait]);
    expect(checkProblems(join(dir, 'deep2.yaml'))).toEqual([]);
    expect(checkProblems(join(dir, 'deep0.yaml'))).toEqual([
      expect.stringMatching(/^BAD_DOCUMENT: .*runbooks run each other at most 10 deep: deep0\.yaml → /),
    ]);
  });

  test('is found broken below a loop, and in an undo list', () => {
    const loop = {
      name: 'Each',
      action: 'aws:loop',
      inputs: { Iterators: ['a'], Steps: [call('gone.yaml')] },
    };
    const undone = { ...wait, undo: [call('gone.yaml')] };
    expect(checkProblems(write('loop.yaml', [loop]))).toEqual([expect.stringMatching(/^UNKNOWN_RUNBOOK/)]);
    expect(checkProblems(write('undo.yaml', [undone])).filter((line) => /RUNBOOK/.test(line))).toHaveLength(
      1,
    );
  });

  test('whose name a parameter gives is looked for when the run begins', async () => {
    const file = write('parent.yaml', [call('{{ Child }}')], { Child: { type: 'String' } });
    expect(checkProblems(file)).toEqual([]);
    expect(await startProblems(file, { Child: 'gone.yaml' })).toEqual([
      expect.stringContaining('UNKNOWN_RUNBOOK: step Call: there is no runbook gone.yaml in '),
    ]);
    expect(await startProblems(file, { Child: 'above-broken' })).toEqual([
      expect.stringContaining('BAD_DOCUMENT: step Call: above-broken is not right: '),
    ]);
  });

  test.each([
    ['only Systems Manager may have', call('Team-Restart')],
    ['AWS owns', call('AWS-RestartEC2Instance')],
    ['has an ARN', call('arn:aws:ssm:eu-west-1:111122223333:document/Restart')],
    ['is only known when it runs', call('{{ automation:EXECUTION_ID }}.yaml')],
    ['gets its parameter from its targets', call('named', { TargetParameterName: 'Name', Targets: [] })],
  ])('that %s is not judged', (_what, step) => {
    const problems = checkProblems(write('parent.yaml', [step]));
    expect(problems.filter((line) => /RUNBOOK|PARAMETER|DOCUMENT/.test(line.split(':')[0] ?? ''))).toEqual(
      [],
    );
  });
});
