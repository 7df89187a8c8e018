/**
 * The actions through the real AWS client against the lab's endpoint: moto for what AWS answers, local agents that really
 * run commands, files that really are copied. Its journal tells what happened, however often it was asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { actions } from '../../../src/actions/index.ts';
import type { AnyAction } from '../../../src/actions/define-action.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { credentials, raiseTestBed, region, type TestBed } from '../../lab/endpoint/test-bed.ts';
import {
  ask,
  newToken,
  observe,
  run as runAction,
  undo,
  type Run,
  type World,
} from '../../support/action-bed.ts';
import { hashToken } from '../../../src/runtime/token.ts';
import { textIn } from '../../../src/actions/aws/reply.ts';
import { fakeHost } from './support/fake-host.ts';

const reason = motoMissing();

describe.skipIf(reason)(
  `the actions against the endpoint${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bed: TestBed;
    let aws: Aws;
    let world: World;

    beforeAll(async () => {
      bed = await raiseTestBed();
      aws = createAws({ endpoint: bed.endpoint.url, region, credentials: async () => credentials });
      world = {
        executionId: '01JENDPOINT',
        aws,
        host: (name) => fakeHost(name, { transport: 'ssm', instanceId: name }),
        wait: (ms) => delay(Math.min(ms, 250)),
      };
    }, 90_000);

    afterEach(() => bed?.endpoint.faults.clear());
    afterAll(async () => {
      await bed?.close();
    });

    const action = (name: string): AnyAction => {
      const found = actions.get(name);
      if (found === undefined) throw new Error(`no action ${name}`);
      return found;
    };
    const run = (name: string, inputs: JsonObject, token = newToken()): Promise<Run> =>
      runAction(action(name), inputs, world, { token });
    const callsWith = (operation: string, text: string): number =>
      bed.endpoint.journal.calls(operation).filter((call) => JSON.stringify(call.params).includes(text))
        .length;

    describe('aws:createSnapshot', () => {
      const snapshot = (token: string): Promise<Run> =>
        run('aws:createSnapshot', { VolumeId: bed.dataVolume }, token);
      const idOf = ({ ending }: Run): string =>
        ending.kind === 'done' ? String((ending.outputs as { SnapshotId?: string }).SnapshotId) : ending.kind;

      it('waits until the copy is complete, and undo removes it', async () => {
        const made = await snapshot(newToken());
        expect(made.ending).toMatchObject({ kind: 'done', restorePoints: [{ of: bed.dataVolume }] });
        const removed = await undo(action('aws:createSnapshot'), made, world);
        expect(removed).toMatchObject({ kind: 'done', changes: [{ from: idOf(made), to: null }] });
        const again = await undo(action('aws:createSnapshot'), made, world);
        expect(again).toMatchObject({ kind: 'done', changes: [] });
      });

      it('adopts a snapshot whose reply was lost, although the first listings do not know it', async () => {
        const token = newToken();
        bed.endpoint.faults.add({ match: { op: 'CreateSnapshot', nth: 1 }, do: 'lost-reply' });
        const made = await snapshot(token);
        expect(made.ending.kind).toBe('done');
        expect(callsWith('CreateSnapshot', hashToken(token))).toBe(1);
        expect(bed.effects('snapshotCopied', idOf(made))).toHaveLength(1);
      });

      it('waits for a listing that is older than the snapshot', async () => {
        bed.endpoint.faults.add({ match: { op: 'CreateSnapshot', nth: 1 }, do: 'stale', staleReads: 3 });
        expect((await snapshot(newToken())).ending.kind).toBe('done');
      });
    });

    describe('aws:runCommand', () => {
      const command = (commands: readonly string[], token: string, more: JsonObject = {}): Promise<Run> =>
        run(
          'aws:runCommand',
          { DocumentName: 'AWS-RunShellScript', InstanceIds: [bed.web], Parameters: { commands }, ...more },
          token,
        );

      it('gives exit code and output as SSM Automation does, and the whole output to the log', async () => {
        const { ending, logged } = await command(
          ['seq 1 2000', 'echo "the disk is full" >&2', 'exit 4'],
          newToken(),
        );
        expect(ending).toMatchObject({
          kind: 'failed',
          code: 'COMMAND_FAILED',
          message: `AWS-RunShellScript failed on ${bed.web}: exit code 4: the disk is full`,
          outputs: { Status: 'Failed', ResponseCode: 4 },
        });
        const output = ending.kind === 'failed' ? String((ending.outputs as { Output?: string }).Output) : '';
        expect(output).toHaveLength(2_500);
        expect(output).toMatch(/^1\n2\n3\n[^]*---Output truncated---\n-{10}ERROR-{7}\nthe disk is full\n$/);
        expect(logged).toMatch(/(?:^|\n)1\n2\n[^]*\n2000\n/);
      });

      it('adopts a command whose reply was lost: it runs once', async () => {
        const token = newToken();
        bed.endpoint.faults.add({ match: { op: 'SendCommand', nth: 1 }, do: 'lost-reply' });
        const { ending } = await command(['echo once'], token, { Comment: 'the quarterly patch' });
        expect(ending).toMatchObject({
          kind: 'done',
          outputs: { Status: 'Success', ResponseCode: 0, Output: 'once\n' },
        });
        expect(callsWith('SendCommand', hashToken(token))).toBe(1);
        const id = ending.kind === 'done' ? String((ending.outputs as { CommandId?: string }).CommandId) : '';
        expect(bed.effects('commandStarted', id)).toHaveLength(1);
      });

      it('stops what runs, and says so only when SSM confirms it', async () => {
        const command = action('aws:runCommand');
        const inputs = {
          DocumentName: 'AWS-RunShellScript',
          InstanceIds: [bed.web],
          Parameters: { commands: ['sleep 60'] },
        };
        const token = newToken();
        const handle = await ask('begin', command, inputs, world, { token });
        await delay(500);
        expect(await ask('stop', command, inputs, world, { token, handle })).toBe('stopped');
        await expect(ask('wait', command, inputs, world, { token, handle })).rejects.toMatchObject({
          code: 'COMMAND_FAILED',
          message: expect.stringContaining('Cancelled'),
        });
      });

      it('reaches instances by tag, and fails where no instance has the tag', async () => {
        const byTag = (role: string): Promise<Run> =>
          run('aws:runCommand', {
            DocumentName: 'AWS-RunShellScript',
            Targets: [{ Key: 'tag:Role', Values: [role] }],
            Parameters: { commands: ['echo here'] },
          });
        expect((await byTag('web')).ending).toMatchObject({ kind: 'done', outputs: { Output: 'here\n' } });
        expect((await byTag('nobody')).ending).toMatchObject({
          kind: 'failed',
          message: 'AWS-RunShellScript failed on no target: NoInstancesInTag: no instance has the tag',
        });
      });

      it('says that a command may have run when its instance does not answer', async () => {
        bed.hands.freeze('db1', true);
        try {
          const { ending } = await command(['true'], newToken(), {
            InstanceIds: [bed.db],
            TimeoutSeconds: 30,
          });
          expect(ending).toMatchObject({ kind: 'failed', code: 'COMMAND_FAILED' });
          expect(ending).toMatchObject({ message: expect.stringMatching(/DeliveryTimedOut|Undeliverable/) });
        } finally {
          bed.hands.freeze('db1', false);
        }
      });
    });

    it('aws:createTags puts the previous tags of an instance back', async () => {
      const inputs = {
        ResourceIds: [bed.web],
        Tags: [
          { Key: 'Role', Value: 'spare' },
          { Key: 'Ticket', Value: 'CHG-7' },
        ],
      };
      const set = await run('aws:createTags', inputs);
      expect(set.ending).toMatchObject({
        kind: 'done',
        changes: [
          { from: 'web', to: 'spare' },
          { from: null, to: 'CHG-7' },
        ],
      });
      const tags = action('aws:createTags');
      expect(await undo(tags, set, world)).toMatchObject({
        kind: 'done',
        changes: [{ to: 'web' }, { to: null }],
      });
      expect(await observe(tags, inputs, world)).toEqual(set.before);
    });

    it('aws:createTags tags a parameter', async () => {
      await aws.call({
        service: 'ssm',
        operation: 'PutParameter',
        params: { Name: '/app/x', Value: '1', Type: 'String' },
      });
      const inputs = {
        ResourceType: 'Parameter',
        ResourceIds: ['/app/x'],
        Tags: [{ Key: 'Owner', Value: 'dba' }],
      };
      const set = await run('aws:createTags', inputs);
      expect(set.ending).toMatchObject({
        kind: 'done',
        changes: [{ target: '/app/x', from: null, to: 'dba' }],
      });
      expect(await undo(action('aws:createTags'), set, world)).toMatchObject({
        kind: 'done',
        changes: [{ to: null }],
      });
    });

    it('aws:changeInstanceState stops an instance, and undo starts it and waits for its status checks', async () => {
      const inputs = { InstanceIds: [bed.db], DesiredState: 'stopped' };
      const stopped = await run('aws:changeInstanceState', inputs);
      expect(stopped.ending).toMatchObject({ kind: 'done', outputs: { InstanceStates: ['stopped'] } });
      expect(bed.hands.isOn('db1')).toBe(false);
      expect(await undo(action('aws:changeInstanceState'), stopped, world)).toMatchObject({
        kind: 'done',
        changes: [{ target: bed.db, from: 'stopped', to: 'running' }],
      });
      expect(bed.hands.isOn('db1')).toBe(true);
    });

    it('aws:executeAwsApi, aws:waitForAwsResourceProperty and aws:assertAwsResourceProperty read by name', async () => {
      const read = await runAction(
        action('aws:executeAwsApi'),
        { Service: 'EC2', Api: 'describe-volumes', VolumeIds: [bed.dataVolume] },
        world,
        { outputs: [{ Name: 'Id', Selector: '$.Volumes[0].VolumeId', Type: 'String' }] },
      );
      expect(read.ending).toMatchObject({ kind: 'done', outputs: { Id: bed.dataVolume } });
      const property = {
        Service: 'ec2',
        Api: 'DescribeVolumes',
        VolumeIds: [bed.dataVolume],
        PropertySelector: '$.Volumes[0].State',
      };
      const waited = await run('aws:waitForAwsResourceProperty', { ...property, DesiredValues: ['in-use'] });
      expect(waited.ending.kind).toBe('done');
      const asserted = await run('aws:assertAwsResourceProperty', {
        ...property,
        DesiredValues: ['available'],
      });
      expect(asserted.ending).toMatchObject({ kind: 'failed', code: 'ASSERTION_FAILED' });
    });

    it('aws:executeAwsApi makes one volume although its first reply is lost', async () => {
      bed.endpoint.faults.add({ match: { op: 'CreateVolume', nth: 1 }, do: 'lost-reply' });
      const { ending } = await runAction(
        action('aws:executeAwsApi'),
        { Service: 'ec2', Api: 'CreateVolume', AvailabilityZone: `${region}a`, Size: 1 },
        world,
        { outputs: [{ Name: 'Id', Selector: '$.VolumeId', Type: 'String' }] },
      );
      const id = textIn(ending.kind === 'done' ? ending.outputs : {}, 'Id');
      expect(id).toMatch(/^vol-/);
      expect(bed.effects('volumeCreated', id)).toHaveLength(1);
    });

    it('sns:publish reaches a topic, and says when there is none', async () => {
      const { TopicArn } = await aws.call({
        service: 'sns',
        operation: 'CreateTopic',
        params: { Name: 'ops' },
      });
      const sent = await run('sns:publish', {
        TopicArn: TopicArn ?? null,
        Subject: 'a\nb',
        Message: 'm',
      });
      expect(sent.ending).toMatchObject({
        kind: 'done',
        outputs: { MessageId: expect.stringMatching(/.+/) },
      });
      const missing = { TopicArn: `arn:aws:sns:${region}:123456789012:nobody`, Message: 'm' };
      await expect(run('sns:publish', missing)).rejects.toMatchObject({
        code: expect.stringMatching(/^NotFound/),
      });
    });
  },
);
