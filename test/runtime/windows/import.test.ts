/** belay window import against the endpoint, which tells of windows what AWS tells. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateDocumentCommand,
  CreateMaintenanceWindowCommand,
  GetMaintenanceWindowCommand,
  RegisterTargetWithMaintenanceWindowCommand,
  RegisterTaskWithMaintenanceWindowCommand,
  UpdateMaintenanceWindowCommand,
  type CreateMaintenanceWindowCommandInput,
  type RegisterTaskWithMaintenanceWindowCommandInput,
} from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { importWindows, type WindowImport } from '../../../src/runtime/windows/import.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { parseWindow } from '../../../src/windows/index.ts';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { SimulatedDaemon } from './simulation.ts';
import { credentials, raiseTestBed, region, type TestBed } from '../../lab/endpoint/test-bed.ts';

const reason = motoMissing();

describe.skipIf(reason)(`windows of AWS${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: TestBed;
  let aws: Aws;
  let folder: string;
  /** A second try meets what the first one left in AWS. */
  let tries = 0;
  const named = (name: string): string => `${name}-${tries}`;
  beforeEach(() => {
    tries += 1;
    folder = mkdtempSync(join(tmpdir(), 'belay-import-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const content =
    "schemaVersion: '0.3'\nmainSteps:\n  - { name: Nap, action: 'aws:sleep', inputs: { Duration: PT1S } }\n";

  beforeAll(async () => {
    bed = await raiseTestBed();
    aws = createAws({ endpoint: bed.endpoint.url, region, credentials: async () => credentials });
    await bed.ssm.send(
      new CreateDocumentCommand({
        Name: 'Team-Nap',
        Content: content,
        DocumentType: 'Automation',
        DocumentFormat: 'YAML',
      }),
    );
    await bed.ssm.send(
      new CreateDocumentCommand({
        Name: 'Team-Lists',
        Content: content.replace(
          'mainSteps:',
          'parameters: { Hosts: { type: StringList }, Word: { type: String } }\nmainSteps:',
        ),
        DocumentType: 'Automation',
        DocumentFormat: 'YAML',
      }),
    );
  }, 90_000);
  afterAll(async () => {
    await bed?.close();
  });

  async function windowIn(
    name: string,
    tasks: readonly Partial<RegisterTaskWithMaintenanceWindowCommandInput>[],
    more: Partial<CreateMaintenanceWindowCommandInput> = {},
  ) {
    const { WindowId } = await bed.ssm.send(
      new CreateMaintenanceWindowCommand({
        Name: named(name),
        Schedule: 'cron(0 2 ? * SUN#3 *)',
        ScheduleTimezone: 'Europe/Berlin',
        Duration: 3,
        Cutoff: 1,
        AllowUnassociatedTargets: false,
        ...more,
      }),
    );
    const { WindowTargetId } = await bed.ssm.send(
      new RegisterTargetWithMaintenanceWindowCommand({
        WindowId,
        ResourceType: 'INSTANCE',
        Targets: [{ Key: 'InstanceIds', Values: [bed.db] }],
      }),
    );
    for (const task of tasks) {
      const input = {
        WindowId,
        TaskArn: 'Team-Nap',
        TaskType: 'AUTOMATION' as const,
        Priority: 1,
        Targets: [{ Key: 'WindowTargetIds', Values: [WindowTargetId ?? ''] }],
        MaxConcurrency: '1',
        MaxErrors: '0',
        ...task,
      };
      await bed.ssm.send(new RegisterTaskWithMaintenanceWindowCommand(input));
    }
    return WindowId ?? '';
  }

  async function imported(only: readonly string[], force = false): Promise<WindowImport[]> {
    const all: WindowImport[] = [];
    const { signal } = new AbortController();
    for await (const each of importWindows({ only, folder, force, signal }, aws)) all.push(each);
    return all;
  }

  test('become files with their runbooks, and what cannot be run is named', async () => {
    await windowIn('nap-night', [
      { Name: 'nap' },
      {
        Name: 'fn',
        TaskType: 'LAMBDA',
        TaskArn: 'arn:aws:lambda:eu-west-1:123456789012:function:f',
        Priority: 2,
      },
    ]);
    const [found, ...others] = await imported([named('nap-night')]);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      file: join(folder, `${named('nap-night')}.yaml`),
      runbooks: [join(folder, 'imported', 'Team-Nap.yaml')],
      left: [{ task: 'task fn (LAMBDA)' }],
    });
    const text = readFileSync(join(folder, `${named('nap-night')}.yaml`), 'utf8');
    expect(parseWindow({ file: 'w.yaml', text })).toMatchObject({
      window: { timezone: 'Europe/Berlin', tasks: [{ name: 'nap', targets: [bed.db] }] },
      diagnostics: [],
    });
    expect(text).toContain('arn:aws:lambda:eu-west-1:123456789012:function:f');
    expect(readFileSync(join(folder, 'imported', 'Team-Nap.yaml'), 'utf8')).toContain('aws:sleep');
  });

  test('write over nothing unless that is asked for, and over no part of it', async () => {
    const id = await windowIn('again', [{ Name: 'nap' }]);
    writeFileSync(join(folder, `${named('again')}.yaml`), 'mine\n');
    expect(await imported([id])).toMatchObject([{ kind: 'refused', code: 'FILE_EXISTS' }]);
    expect(readFileSync(join(folder, `${named('again')}.yaml`), 'utf8')).toBe('mine\n');
    expect(existsSync(join(folder, 'imported'))).toBe(false);
    expect(await imported([id], true)).toMatchObject([{ file: join(folder, `${named('again')}.yaml`) }]);
  });

  test('come at the instants of AWS, and run in its order', async () => {
    await windowIn('order', [
      { Name: 'second', Priority: 5 },
      { Name: 'first', Priority: 1 },
      { Name: 'beside', Priority: 1, CutoffBehavior: 'CANCEL_TASK' },
    ]);
    await imported([named('order')], true);
    const file = join(folder, `${named('order')}.yaml`);
    const { window } = parseWindow({ file, text: readFileSync(file, 'utf8') });
    if (window === undefined) throw new Error(file);
    // The third Sunday at two by the clocks of Berlin: an hour earlier in UTC, two where clocks are set forward.
    const due = [
      '2026-12-20T01:00:00Z',
      '2027-01-17T01:00:00Z',
      '2027-02-21T01:00:00Z',
      '2027-03-21T01:00:00Z',
      '2027-04-18T00:00:00Z',
    ];
    const daemon = new SimulatedDaemon(
      {
        stateDir: mkdtempSync(join(folder, 'state-')),
        windows: [window],
        limits: () => ({ forwardSeconds: 600, rollbackSeconds: 600 }),
        absences: [],
        deathsPerWrite: 0,
        draw: () => 0.5,
      },
      Date.parse('2026-12-01T00:00:00Z'),
    );
    await daemon.run(Date.parse('2027-05-01T00:00:00Z'));
    const byOccurrence = Map.groupBy(daemon.runs.values(), ({ occurrence }) => occurrence);
    expect([...byOccurrence.keys()]).toEqual(
      due.map((at) => `${named('order')}@${at.replaceAll(/[-:]/g, '')}`),
    );
    for (const [index, runs] of [...byOccurrence.values()].entries()) {
      const [one, other, last] = runs;
      expect(new Set([one?.task.name, other?.task.name])).toEqual(new Set(['beside', 'first']));
      expect(last?.task.name).toBe('second');
      // Equal priorities side by side, the next one when both have ended.
      expect(one?.startedAt).toBe(Date.parse(due[index] ?? ''));
      expect(other?.startedAt).toBe(one?.startedAt);
      expect(last?.startedAt).toBeGreaterThanOrEqual(Math.max(one?.dueEndAt ?? 0, other?.dueEndAt ?? 0));
    }
    // AWS's own word, and its default where none is given.
    expect(window.tasks.map(({ name, cutoffBehavior }) => [name, cutoffBehavior])).toEqual([
      ['first', 'CONTINUE_TASK'],
      ['beside', 'CANCEL_TASK'],
      ['second', 'CONTINUE_TASK'],
    ]);
  });

  test('are each written for itself: two that run one document, and one that stands in the way of none', async () => {
    await windowIn('shares-1', [{ Name: 'nap' }]);
    await windowIn('shares-2', [{ Name: 'nap' }]);
    const taken = await windowIn('taken', [{ Name: 'nap' }]);
    writeFileSync(join(folder, `${named('taken')}.yaml`), 'mine\n');
    const found = await imported([named('shares-1'), taken, named('shares-2')]);
    expect(found.map(({ kind, name }) => [kind, name])).toEqual([
      ['imported', named('shares-1')],
      ['imported', named('shares-2')],
      ['refused', named('taken')],
    ]);
  });

  test('come with more tasks than AWS tells at once, and with what is told of none but one', async () => {
    const many = Array.from({ length: 23 }, (_each, index) => ({ Name: `nap-${index}`, Priority: index }));
    await windowIn(
      'many',
      [
        ...many,
        {
          Name: 'patch',
          Priority: 50,
          TaskType: 'RUN_COMMAND',
          TaskArn: 'AWS-RunShellScript',
          CutoffBehavior: 'CANCEL_TASK',
          TaskInvocationParameters: {
            RunCommand: {
              Comment: 'from the window',
              TimeoutSeconds: 120,
              Parameters: { commands: ['echo {{ WINDOW_EXECUTION_ID }}'] },
            },
          },
        },
        {
          Name: 'lists',
          Priority: 60,
          TaskArn: 'Team-Lists',
          TaskInvocationParameters: {
            Automation: { Parameters: { Hosts: ['{{ TARGET_ID }}'], Word: ['one'] } },
          },
        },
        { Name: 'gone', Priority: 70, TaskArn: 'Team-Gone' },
      ],
      { Description: 'the third Sunday' },
    );
    // What AWS's models call sensitive is what is asked for here: descriptions and parameters.
    const [found] = await imported([named('many')], true);
    expect(found).toMatchObject({ left: [{ task: 'task gone (AUTOMATION)' }] });
    const command = readFileSync(join(folder, 'imported', `${named('many')}-patch.yaml`), 'utf8');
    expect(command).toContain('echo {{ WINDOW_EXECUTION_ID }}');
    const file = join(folder, `${named('many')}.yaml`);
    const { window } = parseWindow({ file, text: readFileSync(file, 'utf8') });
    expect(window?.description).toBe('the third Sunday');
    expect(window?.tasks.map(({ name }) => name)).toEqual([
      ...many.map(({ Name }) => Name),
      'patch',
      'lists',
    ]);
    expect(window?.tasks.at(-2)).toMatchObject({
      taskType: 'RUN_COMMAND',
      cutoffBehavior: 'CANCEL_TASK',
      parameters: { InstanceId: '{{ TARGET_ID }}', WINDOW_EXECUTION_ID: '{{ WINDOW_EXECUTION_ID }}' },
    });
    expect(window?.tasks.at(-1)).toMatchObject({ parameters: { Hosts: ['{{ TARGET_ID }}'], Word: 'one' } });
    expect(readFileSync(join(folder, 'imported', `${named('many')}-patch.yaml`), 'utf8')).toContain(
      'from the window',
    );
  });

  test('that run nothing of what Belay runs are kept as a text that is not a window', async () => {
    const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:f';
    await windowIn('lambdas', [{ Name: 'fn', TaskType: 'LAMBDA', TaskArn: arn }]);
    const [found] = await imported([named('lambdas')]);
    expect(found).toMatchObject({
      isWindow: false,
      file: join(folder, `${named('lambdas')}.not-run.txt`),
      left: [{ task: 'task fn (LAMBDA)' }],
    });
    expect(readFileSync(join(folder, `${named('lambdas')}.not-run.txt`), 'utf8')).toContain(arn);
    expect(existsSync(join(folder, `${named('lambdas')}.yaml`))).toBe(false);
  });

  test('that somebody has disabled are written as disabled, and a rate counts from when its window was made', async () => {
    const id = await windowIn('rated', [{ Name: 'nap' }], { Schedule: 'rate(7 days)' });
    await bed.ssm.send(new UpdateMaintenanceWindowCommand({ WindowId: id, Enabled: false }));
    const { CreatedDate } = await bed.ssm.send(new GetMaintenanceWindowCommand({ WindowId: id }));
    await imported([id], true);
    const file = join(folder, `${named('rated')}.yaml`);
    const { window } = parseWindow({ file, text: readFileSync(file, 'utf8') });
    expect(window).toMatchObject({ isEnabled: false });
    expect(window?.startAt).toBe(Math.floor((CreatedDate?.getTime() ?? 0) / 1000) * 1000);
  });

  test('are refused by name where AWS has no such one', async () => {
    await expect(imported(['nap-nite'])).rejects.toMatchObject({ code: 'UNKNOWN_WINDOW' });
  });
});
