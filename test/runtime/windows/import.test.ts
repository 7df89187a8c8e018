/** belay window import against moto. Of a task in full, which moto does not tell, the test answers what it registered. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateDocumentCommand,
  CreateMaintenanceWindowCommand,
  RegisterTargetWithMaintenanceWindowCommand,
  RegisterTaskWithMaintenanceWindowCommand,
  type RegisterTaskWithMaintenanceWindowCommandInput,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/json.ts';
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
  const folder = mkdtempSync(join(tmpdir(), 'belay-import-'));
  const registered = new Map<string, RegisterTaskWithMaintenanceWindowCommandInput>();
  const content =
    "schemaVersion: '0.3'\nmainSteps:\n  - { name: Nap, action: 'aws:sleep', inputs: { Duration: PT1S } }\n";

  beforeAll(async () => {
    bed = await raiseTestBed();
    const real = createAws({ endpoint: bed.endpoint.url, region, credentials: async () => credentials });
    aws = {
      ...real,
      call: (call, options) => {
        if (call.operation !== 'GetMaintenanceWindowTask') return real.call(call, options);
        const task = registered.get(JSON.stringify(call.params['WindowTaskId']).slice(1, -1));
        return Promise.resolve({ ...(task as unknown as JsonObject), ResponseMetadata: {} });
      },
    };
    await bed.ssm.send(
      new CreateDocumentCommand({
        Name: 'Team-Nap',
        Content: content,
        DocumentType: 'Automation',
        DocumentFormat: 'YAML',
      }),
    );
  }, 90_000);
  afterAll(async () => {
    await bed?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function windowIn(
    name: string,
    tasks: readonly Partial<RegisterTaskWithMaintenanceWindowCommandInput>[],
  ) {
    const { WindowId } = await bed.ssm.send(
      new CreateMaintenanceWindowCommand({
        Name: name,
        Schedule: 'cron(0 2 ? * SUN#3 *)',
        ScheduleTimezone: 'Europe/Berlin',
        Duration: 3,
        Cutoff: 1,
        AllowUnassociatedTargets: false,
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
      const { WindowTaskId = '' } = await bed.ssm.send(new RegisterTaskWithMaintenanceWindowCommand(input));
      registered.set(WindowTaskId, input);
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
    const [found, ...others] = await imported(['nap-night']);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      file: join(folder, 'nap-night.yaml'),
      runbooks: [join(folder, 'imported', 'Team-Nap.yaml')],
      left: [{ task: 'task fn (LAMBDA)' }],
    });
    const text = readFileSync(join(folder, 'nap-night.yaml'), 'utf8');
    expect(parseWindow({ file: 'nap-night.yaml', text })).toMatchObject({
      window: { timezone: 'Europe/Berlin', tasks: [{ name: 'nap', targets: [bed.db] }] },
      diagnostics: [],
    });
    expect(text).toContain('arn:aws:lambda:eu-west-1:123456789012:function:f');
    expect(readFileSync(join(folder, 'imported', 'Team-Nap.yaml'), 'utf8')).toContain('aws:sleep');
  });

  test('write over nothing unless that is asked for, and over no part of it', async () => {
    const id = await windowIn('again', [{ Name: 'nap' }]);
    writeFileSync(join(folder, 'again.yaml'), 'mine\n');
    rmSync(join(folder, 'imported'), { recursive: true, force: true });
    await expect(imported([id])).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(readFileSync(join(folder, 'again.yaml'), 'utf8')).toBe('mine\n');
    expect(existsSync(join(folder, 'imported'))).toBe(false);
    expect(await imported([id], true)).toMatchObject([{ file: join(folder, 'again.yaml') }]);
  });

  test('come at the instants of AWS, and run in its order', async () => {
    await windowIn('order', [
      { Name: 'second', Priority: 5 },
      { Name: 'first', Priority: 1 },
      { Name: 'beside', Priority: 1, CutoffBehavior: 'CANCEL_TASK' },
    ]);
    await imported(['order'], true);
    const file = join(folder, 'order.yaml');
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
    expect([...byOccurrence.keys()]).toEqual(due.map((at) => `order@${at.replaceAll(/[-:]/g, '')}`));
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

  test('are refused by name where AWS has no such one', async () => {
    await expect(imported(['nap-nite'])).rejects.toMatchObject({ code: 'UNKNOWN_WINDOW' });
  });
});
