/**
 * src/actions/aws/{create,delete}-stack.ts, src/actions/aws/execute-state-machine.ts and src/actions/aws/invoke-webhook.ts through the real AWS
 * client against moto, with what moto does otherwise named.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnyAction } from '../../../src/actions/define-action.ts';
import { actions } from '../../../src/actions/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { credentials, raiseTestBed, region, type TestBed } from '../../lab/endpoint/test-bed.ts';
import { ask, newToken, run as runAction, undo, type Run, type World } from '../../support/action-bed.ts';
import { hashToken } from '../../../src/runtime/token.ts';
import { fakeHost } from './support/fake-host.ts';

const reason = motoMissing();
const template = JSON.stringify({ Resources: { Topic: { Type: 'AWS::SNS::Topic', Properties: {} } } });

/** What moto does otherwise than AWS. */
const answersForNobody = 'moto answers for functions that do not exist';

describe.skipIf(reason)(
  `stacks, functions, state machines and webhooks against moto${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bed: TestBed;
    let aws: Aws;
    let world: World;
    const sent: { readonly url: string; readonly init: RequestInit }[] = [];
    let receiver: () => Promise<Response> = () => Promise.resolve(new Response('ok'));

    beforeAll(async () => {
      bed = await raiseTestBed();
      aws = createAws({ endpoint: bed.endpoint.url, region, credentials: async () => credentials });
      world = {
        executionId: '01JENDPOINT',
        aws,
        fetch: async (url, init = {}) => {
          sent.push({ url: new Request(url).url, init });
          return receiver();
        },
        host: (name) => fakeHost(name, { transport: 'ssm', instanceId: name }),
        wait: (ms) => delay(Math.min(ms, 100)),
      };
      await fetch(`${bed.endpoint.url}/moto-api/config`, {
        method: 'POST',
        body: JSON.stringify({ lambda: { use_docker: false } }),
      });
    }, 90_000);
    afterEach(() => {
      bed?.endpoint.faults.clear();
      sent.length = 0;
      receiver = () => Promise.resolve(new Response('ok'));
    });
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
    const call = (service: string, operation: string, params: JsonObject): Promise<JsonObject> =>
      aws.call({ service, operation, params });
    const stacks = async (name: string): Promise<number> => {
      const { Stacks } = await call('cloudformation', 'DescribeStacks', {});
      return (Stacks as JsonObject[]).filter((stack) => stack['StackName'] === name).length;
    };
    const newName = (): string => `s-${randomUUID()}`;

    describe('aws:createStack and aws:deleteStack', () => {
      it('create a stack and take it back', async () => {
        const inputs = { StackName: newName(), TemplateBody: template };
        const made = await run('aws:createStack', inputs);
        expect(made.ending).toMatchObject({ kind: 'done', outputs: { StackStatus: 'CREATE_COMPLETE' } });
        expect(await stacks(inputs.StackName)).toBe(1);
        const gone = await undo(action('aws:createStack'), made, world);
        expect(gone).toMatchObject({ kind: 'done', changes: [{ target: inputs.StackName, to: null }] });
        expect(await stacks(inputs.StackName)).toBe(0);
      });

      it('create one stack, although the answer was lost (moto keeps no token, so the template tells)', async () => {
        const inputs = { StackName: newName(), TemplateBody: template };
        bed.endpoint.faults.add({ match: { op: 'CreateStack', nth: 1 }, do: 'lost-reply' });
        const made = await run('aws:createStack', inputs);
        expect(made.ending).toMatchObject({ kind: 'done', outputs: { StackStatus: 'CREATE_COMPLETE' } });
        expect(await stacks(inputs.StackName)).toBe(1);
      });

      it('leave a stack alone that was there before', async () => {
        const StackName = newName();
        await call('cloudformation', 'CreateStack', { StackName, TemplateBody: template });
        await expect(run('aws:createStack', { StackName, TemplateBody: template })).rejects.toMatchObject({
          code: 'STACK_EXISTS',
          effect: 'none',
        });
        expect(await stacks(StackName)).toBe(1);
      });

      it('delete a stack by its name, and take one that is not there for deleted', async () => {
        const StackName = newName();
        await call('cloudformation', 'CreateStack', { StackName, TemplateBody: template });
        expect((await run('aws:deleteStack', { StackName })).ending).toMatchObject({
          kind: 'done',
          changes: [{ target: StackName, to: null }],
        });
        expect((await run('aws:deleteStack', { StackName })).ending).toMatchObject({ kind: 'done' });
      });
    });

    describe('aws:invokeLambdaFunction', () => {
      const FunctionName = 'tag-costs';
      beforeAll(async () => {
        const trust = { Version: '2012-10-17', Statement: [] };
        const { Role } = await call('iam', 'CreateRole', {
          RoleName: 'lambda',
          AssumeRolePolicyDocument: JSON.stringify(trust),
        });
        const empty = 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==';
        await call('lambda', 'CreateFunction', {
          FunctionName,
          Runtime: 'python3.12',
          Handler: 'a.b',
          Role: (Role as JsonObject)['Arn'] ?? '',
          Code: { ZipFile: empty },
        });
      });
      const answers = (result: string): Promise<unknown> =>
        fetch(`${bed.endpoint.url}/moto-api/static/lambda-simple/response`, {
          method: 'POST',
          body: JSON.stringify({ results: [result], region }),
        });

      it('gives what the function answers, without the quotes of a text', async () => {
        await answers('"vol-1"');
        const { ending } = await run('aws:invokeLambdaFunction', {
          FunctionName,
          InputPayload: { instance: 'i-1' },
        });
        expect(ending).toMatchObject({ kind: 'done', outputs: { FunctionError: null, Payload: 'vol-1' } });
      });

      it.skipIf(answersForNobody)(
        `says that there is no such function (skipped: ${answersForNobody})`,
        async () => {
          await expect(run('aws:invokeLambdaFunction', { FunctionName: 'nobody' })).rejects.toMatchObject({
            code: 'ResourceNotFoundException',
            effect: 'none',
          });
        },
      );
    });

    describe('aws:executeStateMachine', () => {
      const name = 'reindex';
      let stateMachineArn = '';
      beforeAll(async () => {
        const made = await call('stepfunctions', 'CreateStateMachine', {
          name,
          roleArn: 'arn:aws:iam::123456789012:role/states',
          definition: '{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": true}}}',
        });
        stateMachineArn = typeof made['stateMachineArn'] === 'string' ? made['stateMachineArn'] : '';
      });
      const arnOf = (token: string): string =>
        `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${hashToken(token)}`;
      const statusOf = async (token: string): Promise<unknown> =>
        (await call('stepfunctions', 'DescribeExecution', { executionArn: arnOf(token) }))['status'];

      it('begins one execution under its token, found again when the answer was lost, and stops it on a cancel', async () => {
        const token = newToken();
        const inputs = { stateMachineArn, input: '{"a": 1}' };
        bed.endpoint.faults.add({ match: { op: 'StartExecution', nth: 1 }, do: 'lost-reply' });
        const machine = action('aws:executeStateMachine');
        const asked = { token, before: { Existed: false } };
        await expect(ask('begin', machine, inputs, world, asked)).rejects.toMatchObject({
          effect: 'unknown',
        });
        const adopted = await ask('adopt', machine, inputs, world, asked);
        if (adopted.found !== 'running') throw new Error(adopted.found);
        expect(await statusOf(token)).toBe('RUNNING');
        const { handle } = adopted;
        expect(await ask('stop', machine, inputs, world, { ...asked, handle })).toBe('stopped');
        expect(await statusOf(token)).toBe('ABORTED');
        await expect(ask('wait', machine, inputs, world, { ...asked, handle })).rejects.toMatchObject({
          code: 'STATE_MACHINE_FAILED',
          message: expect.stringContaining('ABORTED'),
        });
      });
    });

    describe('aws:invokeWebhook', () => {
      const folder = '/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook';
      const integrate = (name: string, value: JsonObject): Promise<JsonObject> =>
        call('ssm', 'PutParameter', {
          Name: `${folder}/${name}`,
          Type: 'SecureString',
          Overwrite: true,
          Value: JSON.stringify(value),
        });
      const onCall = {
        description: 'on call',
        url: 'https://hooks.example.com/services/T0/secret-path',
        headers: { Authorization: 'Bearer very-secret' },
        payload: '{"text": "usual"}',
      };

      it("posts the body, or the integration's own payload, with its headers", async () => {
        await integrate('on-call', onCall);
        const { ending } = await run('aws:invokeWebhook', {
          IntegrationName: 'on-call',
          Body: '{"text": "x"}',
        });
        expect(ending).toMatchObject({ kind: 'done', outputs: { Response: 'ok', ResponseCode: 200 } });
        await run('aws:invokeWebhook', { IntegrationName: `${folder}/on-call` });
        expect(sent.map(({ init }) => init.body)).toEqual(['{"text": "x"}', '{"text": "usual"}']);
        expect(sent[0]).toMatchObject({
          url: onCall.url,
          init: { method: 'POST', redirect: 'manual', headers: { authorization: 'Bearer very-secret' } },
        });
      });

      it('fails with the status and what the receiver said, and shows none of its secrets', async () => {
        await integrate('on-call', onCall);
        receiver = () =>
          Promise.resolve(
            new Response(`no such hook ${onCall.url} Bearer very-secret\n${'x'.repeat(100_000)}`, {
              status: 404,
            }),
          );
        const { ending } = await run('aws:invokeWebhook', { IntegrationName: 'on-call' });
        expect(ending).toMatchObject({
          kind: 'failed',
          code: 'WEBHOOK_FAILED',
          outputs: { ResponseCode: 404 },
        });
        expect(JSON.stringify(ending)).toContain('HTTP 404: no such hook *** ***');
        expect(JSON.stringify(ending)).not.toMatch(/secret/);
        expect(JSON.stringify(ending).length).toBeLessThan(60_000);
      });

      it('tells a receiver that was not reached from an answer that was lost', async () => {
        await integrate('on-call', onCall);
        const broken = (code: string) => async (): Promise<Response> => {
          throw new TypeError('fetch failed', {
            cause: Object.assign(new Error(`${code} it says`), { code }),
          });
        };
        receiver = broken('ECONNREFUSED');
        await expect(run('aws:invokeWebhook', { IntegrationName: 'on-call' })).rejects.toMatchObject({
          code: 'UNREACHABLE',
          effect: 'none',
        });
        receiver = broken('ECONNRESET');
        expect((await run('aws:invokeWebhook', { IntegrationName: 'on-call' })).ending).toMatchObject({
          kind: 'unknown',
          why: expect.stringContaining('its answer is lost'),
        });
      });

      it.each([
        ['plain http', { ...onCall, url: 'http://hooks.example.com/' }],
        ['no url', { payload: 'x' }],
      ])('sends nothing with an integration that has %s', async (_what, integration) => {
        await integrate('broken', integration);
        await expect(run('aws:invokeWebhook', { IntegrationName: 'broken' })).rejects.toMatchObject({
          code: 'BAD_INTEGRATION',
          effect: 'none',
        });
        expect(sent).toEqual([]);
      });

      it('says that there is no such integration', async () => {
        await expect(run('aws:invokeWebhook', { IntegrationName: 'nothing' })).rejects.toMatchObject({
          code: 'ParameterNotFound',
          effect: 'none',
        });
      });
    });
  },
);
