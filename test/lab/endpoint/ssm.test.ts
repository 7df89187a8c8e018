/** Run Command on local processes, and compliance items. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  ListComplianceItemsCommand,
  ListResourceComplianceSummariesCommand,
  PutComplianceItemsCommand,
  SendCommandCommand,
  type ComplianceItemEntry,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { motoMissing } from './moto.ts';
import { raiseTestBed, until, type TestBed } from './test-bed.ts';

const reason = motoMissing();
describe.skipIf(reason)(`SSM of the endpoint${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: TestBed;

  beforeAll(async () => {
    bed = await raiseTestBed();
  }, 90_000);

  afterAll(async () => {
    await bed?.close();
  });

  test('runs the script on the host and tells output and exit code', async () => {
    const id = await bed.send(bed.web, ['echo out; echo err >&2', 'exit 3']);
    const result = await bed.ending(id);
    expect(result).toMatchObject({
      Status: 'Failed',
      StatusDetails: 'Failed',
      ResponseCode: 3,
      Comment: 'a test',
    });
    expect(result.StandardOutputContent).toBe('out\n');
    expect(result.StandardErrorContent).toBe('err\n');
    expect(bed.effects('commandStarted', id)).toHaveLength(1);
  });

  test('has no invocation in the first moments, and none for unknown ids', async () => {
    const id = await bed.send(bed.web, ['true']);
    await expect(
      bed.ssm.send(new GetCommandInvocationCommand({ CommandId: id, InstanceId: bed.web })),
    ).rejects.toMatchObject({
      name: 'InvocationDoesNotExist',
    });
    expect((await bed.ending(id)).ResponseCode).toBe(0);
  });

  test('runs in the working directory', async () => {
    const { Command } = await bed.ssm.send(
      new SendCommandCommand({
        Targets: [{ Key: 'tag:Role', Values: ['web'] }],
        DocumentName: 'AWS-RunShellScript',
        Parameters: { commands: ['pwd'], workingDirectory: [bed.folder] },
      }),
    );
    expect((await bed.ending(Command?.CommandId ?? '')).StandardOutputContent).toBe(`${bed.folder}\n`);
  });

  test('stops what exceeds its execution timeout, children included', async () => {
    const marker = join(bed.folder, 'late');
    const id = await bed.send(bed.web, [`(sleep 7; touch ${marker}) & sleep 30`], 5);
    const result = await bed.ending(id);
    expect(result).toMatchObject({
      Status: 'TimedOut',
      StatusDetails: 'ExecutionTimedOut',
      ResponseCode: 137,
    });
    await delay(2_500);
    await expect(readFile(marker)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('cancels a running command', async () => {
    const id = await bed.send(bed.web, ['echo begun; sleep 30']);
    await until(
      () => bed.effects('commandStarted', id),
      ({ length }) => length === 1,
    );
    await bed.ssm.send(new CancelCommandCommand({ CommandId: id }));
    expect(await bed.ending(id)).toMatchObject({
      Status: 'Cancelled',
      ResponseCode: 137,
      StandardOutputContent: 'begun\n',
    });
    const { Commands } = await bed.ssm.send(new ListCommandsCommand({ CommandId: id }));
    expect(Commands?.[0]).toMatchObject({ Status: 'Cancelled', Comment: 'a test' });
  });

  test('cuts long output and says so', async () => {
    const result = await bed.ending(await bed.send(bed.web, [`head -c 30000 /dev/zero | tr '\\0' x`]));
    expect(result.StandardOutputContent).toHaveLength(24_000);
    expect(result.StandardOutputContent?.endsWith('--output truncated--')).toBe(true);
    const { CommandInvocations } = await bed.ssm.send(
      new ListCommandInvocationsCommand({ CommandId: result.CommandId ?? '', Details: true }),
    );
    const output = CommandInvocations?.[0]?.CommandPlugins?.[0]?.Output ?? '';
    expect(output).toHaveLength(2_500);
    expect(output.endsWith('---Output truncated---')).toBe(true);
  });

  test('refuses unknown instances, documents and parameters, and ids given twice', async () => {
    const base = {
      InstanceIds: [bed.web],
      DocumentName: 'AWS-RunShellScript',
      Parameters: { commands: ['true'] },
    };
    const refused = async (change: object, name: string): Promise<void> => {
      await expect(bed.ssm.send(new SendCommandCommand({ ...base, ...change }))).rejects.toMatchObject({
        name,
      });
    };
    await refused({ InstanceIds: ['i-0123456789abcdef0'] }, 'InvalidInstanceId');
    await refused({ InstanceIds: [bed.web, bed.web] }, 'DuplicateInstanceId');
    await refused({ DocumentName: 'AWS-NoSuchThing' }, 'InvalidDocument');
    await refused({ Parameters: { command: ['true'] } }, 'InvalidParameters');
  });

  test('sends to no further target once more have failed than MaxErrors allows', async () => {
    const { Command } = await bed.ssm.send(
      new SendCommandCommand({
        InstanceIds: [bed.web, bed.db],
        DocumentName: 'AWS-RunShellScript',
        Parameters: { commands: ['exit 1'] },
        MaxConcurrency: '1',
        MaxErrors: '0',
      }),
    );
    const id = Command?.CommandId ?? '';
    const whole = await until(
      async () => (await bed.ssm.send(new ListCommandsCommand({ CommandId: id }))).Commands?.[0],
      (command) => command?.Status === 'Failed',
    );
    expect(whole).toMatchObject({ TargetCount: 2, CompletedCount: 2, ErrorCount: 1 });
    expect((await bed.ending(id, bed.db)).StatusDetails).toBe('Terminated');
    expect(bed.effects('commandStarted', id)).toHaveLength(1);
  });

  test('times out the delivery to a hung host, and shows its agent as lost', async () => {
    bed.hands.freeze('web1', true);
    try {
      const { Command } = await bed.ssm.send(
        new SendCommandCommand({
          InstanceIds: [bed.web],
          DocumentName: 'AWS-RunShellScript',
          Parameters: { commands: [`touch ${join(bed.folder, 'too-late')}`] },
          TimeoutSeconds: 30,
        }),
      );
      expect(await bed.ending(Command?.CommandId ?? '')).toMatchObject({
        Status: 'TimedOut',
        StatusDetails: 'DeliveryTimedOut',
        ResponseCode: -1,
      });
      const pings = async () =>
        (
          await bed.ssm.send(
            new DescribeInstanceInformationCommand({
              Filters: [{ Key: 'InstanceIds', Values: [bed.web] }],
            }),
          )
        ).InstanceInformationList?.[0]?.PingStatus;
      await until(pings, (ping) => ping === 'ConnectionLost');
      bed.hands.freeze('web1', false);
      await until(pings, (ping) => ping === 'Online');
      await expect(readFile(join(bed.folder, 'too-late'))).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      bed.hands.freeze('web1', false);
    }
  });

  test('lists commands by time and instance, newest first', async () => {
    const before = new Date().toISOString();
    const first = await bed.send(bed.web, ['true']);
    await delay(5);
    const second = await bed.send(bed.db, ['true']);
    const list = async (more: object) =>
      (
        await bed.ssm.send(
          new ListCommandsCommand({ Filters: [{ key: 'InvokedAfter', value: before }], ...more }),
        )
      ).Commands?.map(({ CommandId }) => CommandId);
    expect(await list({})).toEqual([second, first]);
    expect(await list({ InstanceId: bed.web })).toEqual([first]);
  });

  test('runs a command again after the reboot that exit code 194 asks for', async () => {
    const counter = join(bed.folder, 'reboots');
    const result = await bed.ending(
      await bed.send(bed.web, [
        `echo x >>${counter}`,
        `[ $(wc -l <${counter}) -ge 2 ] || exit 194`,
        'echo over',
      ]),
    );
    expect(result).toMatchObject({ Status: 'Success', StandardOutputContent: 'over\n' });
    expect(await readFile(counter, 'utf8')).toBe('x\nx\n');
  });

  test('keeps compliance items: a complete upload replaces, a partial one adds', async () => {
    const put = (Items: ComplianceItemEntry[], UploadType: 'COMPLETE' | 'PARTIAL'): Promise<unknown> =>
      bed.ssm.send(
        new PutComplianceItemsCommand({
          ResourceId: bed.web,
          ResourceType: 'ManagedInstance',
          ComplianceType: 'Custom:Belay',
          ExecutionSummary: { ExecutionTime: new Date() },
          Items,
          UploadType,
        }),
      );
    const list = async (status: string) =>
      (
        await bed.ssm.send(
          new ListComplianceItemsCommand({
            ResourceIds: [bed.web],
            Filters: [{ Key: 'Status', Values: [status], Type: 'EQUAL' }],
          }),
        )
      ).ComplianceItems?.map(({ Id }) => Id);
    await put([{ Id: 'old', Severity: 'LOW', Status: 'COMPLIANT' }], 'COMPLETE');
    await put([{ Id: 'a', Severity: 'LOW', Status: 'COMPLIANT' }], 'COMPLETE');
    await put([{ Id: 'b', Severity: 'HIGH', Status: 'NON_COMPLIANT' }], 'PARTIAL');
    expect(await list('COMPLIANT')).toEqual(['a']);
    expect(await list('NON_COMPLIANT')).toEqual(['b']);
    const { ResourceComplianceSummaryItems } = await bed.ssm.send(
      new ListResourceComplianceSummariesCommand({}),
    );
    expect(ResourceComplianceSummaryItems?.[0]).toMatchObject({
      ResourceId: bed.web,
      Status: 'NON_COMPLIANT',
      OverallSeverity: 'HIGH',
    });
  });
});
