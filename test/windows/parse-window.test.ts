import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { renderDiagnostics, summarizeDiagnostics } from '../../src/document/index.ts';
import { countOf, parseWindow, windowCodes, withPseudoParameters } from '../../src/windows/index.ts';

describe('a window', () => {
  it('gives what is written, and defaults for the rest', () => {
    const text = `
Name: patch-db
Schedule: cron(0 2 ? * SUN#3 *)
ScheduleTimezone: europe/berlin
StartDate: 2026-12-01T00:00:00+01:00
Duration: 3
Tasks:
  - Name: patch
    Runbook: ../patch.yaml
    Targets: ['group:db', h1]
    Parameters: { Host: '{{ TARGET_ID }}', Names: [a] }
    MaxConcurrency: 50%
    Reserve: PT45M
    Secrets: { Password: 'file:secrets/password' }
`;
    const { window, diagnostics } = parseWindow(
      { file: 'w.yaml', text },
      { resolvePath: (path) => `/etc/belay/${path}` },
    );
    expect(diagnostics).toEqual([]);
    expect(window).toMatchObject({
      name: 'patch-db',
      scheduleText: 'cron(0 2 ? * SUN#3 *)',
      timezone: 'Europe/Berlin',
      offsetDays: 0,
      startAt: Date.parse('2026-11-30T23:00:00Z'),
      durationHours: 3,
      cutoffHours: 0,
      isEnabled: true,
      freeze: [],
      missedRuns: { kind: 'skip' },
      approval: null,
    });
    expect(window?.tasks).toEqual([
      {
        name: 'patch',
        runbook: '/etc/belay/../patch.yaml',
        priority: 1,
        parameters: { Host: '{{ TARGET_ID }}', Names: ['a'] },
        targets: ['group:db', 'h1'],
        maxConcurrency: { kind: 'percent', percent: 50 },
        maxErrors: { kind: 'count', count: 0 },
        cutoffBehavior: 'CLIMB_DOWN',
        reserveMs: 45 * 60_000,
        identity: { secrets: { Password: 'file:/etc/belay/secrets/password' } },
      },
    ]);
  });

  it('looks at compliance files as well, and cancels what AWS would cancel', () => {
    const text = `
Name: look
Schedule: rate(1 day)
Duration: 1
Tasks:
  - { Name: look, Check: base.yaml, Priority: 2, Reserve: PT5M }
  - { Name: run, Runbook: run.yaml, TaskType: RUN_COMMAND, CutoffBehavior: CANCEL_TASK }
`;
    const { window, diagnostics } = parseWindow({ file: 'w.yaml', text });
    expect(diagnostics).toEqual([]);
    expect(window?.tasks).toMatchObject([
      { name: 'look', check: 'base.yaml', priority: 2, targets: [] },
      { name: 'run', runbook: 'run.yaml', taskType: 'RUN_COMMAND', cutoffBehavior: 'CANCEL_TASK' },
    ]);
  });

  it('gives its tasks what pseudo parameters stand for, and leaves other braces alone', () => {
    const given = {
      Host: '{{TARGET_ID}}',
      Note: 'on {{ TARGET_ID }} by {{ WINDOW_ID }}',
      List: ['{{ RESOURCE_ID }}', 1],
      Other: '{{ X }}',
    };
    expect(withPseudoParameters(given, { TARGET_ID: 'h1', WINDOW_ID: 'patch-db' })).toEqual({
      Host: 'h1',
      Note: 'on h1 by patch-db',
      List: ['{{ RESOURCE_ID }}', 1],
      Other: '{{ X }}',
    });
  });

  it('rounds a percentage of its targets down', () => {
    expect(countOf({ kind: 'percent', percent: 10 }, 19)).toBe(1);
    expect(countOf({ kind: 'percent', percent: 10 }, 9)).toBe(0);
    expect(countOf({ kind: 'count', count: 4 }, 2)).toBe(4);
  });
});

describe('a wrong window', () => {
  const wrong = join(import.meta.dirname, 'wrong');
  const cases = readdirSync(wrong).filter((file) => file.endsWith('.yaml'));

  test.each(cases)('%s is told what is wrong, where and what to do', (file) => {
    const source = { file, text: readFileSync(join(wrong, file), 'utf8') };
    const { window, diagnostics } = parseWindow(source);
    const rendered = `${renderDiagnostics(diagnostics, [source], { color: false })}${summarizeDiagnostics(diagnostics)}\n`;
    const golden = join(wrong, file.replace('.yaml', '.golden.txt'));
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, rendered);
    expect(rendered).toBe(readFileSync(golden, 'utf8'));
    expect(window).toBeUndefined();
  });

  it('never shows what is written where a secret should only be named', () => {
    const source = { file: 'tasks.yaml', text: readFileSync(join(wrong, 'tasks.yaml'), 'utf8') };
    expect(renderDiagnostics(parseWindow(source).diagnostics, [source], { color: false })).not.toContain(
      'hunter2',
    );
  });

  test('each code of the parser has a case', () => {
    const codes = new Set(
      cases.flatMap((file) =>
        parseWindow({ file, text: readFileSync(join(wrong, file), 'utf8') }).diagnostics.map(
          ({ code }) => code,
        ),
      ),
    );
    const elsewhere = ['DUPLICATE_WINDOW', 'BAD_FREEZE'];
    expect(Object.keys(windowCodes).filter((code) => !codes.has(code) && !elsewhere.includes(code))).toEqual(
      [],
    );
  });
});
