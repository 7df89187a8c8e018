/**
 * aws:executeAutomation where Systems Manager runs the runbook, through all of Belay and over HTTP: a service that keeps executions
 * by their client tokens answers with the service's own protocol, lates, losses and refusals.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { embeddedText } from '../../../src/document/index.ts';
import { Belay } from '../../../src/runtime/belay.ts';
import type { JsonObject } from '../../../src/json.ts';

interface Execution {
  readonly id: string;
  readonly asked: JsonObject;
  /** How often it is still said that there is no such execution. */
  unknown: number;
  /** What is told with each look; the last for ever. */
  readonly statuses: string[];
}

/** What a test expects of it. */
const behaviour = { unknown: 0, statuses: ['InProgress', 'Success'], losesFirstReply: false };

class Service {
  readonly executions = new Map<string, Execution>();
  readonly starts: JsonObject[] = [];
  readonly stops: JsonObject[] = [];
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  async open(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const target = String(request.headers['x-amz-target'] ?? '').split('.')[1];
    if (target === undefined) {
      response.setHeader('content-type', 'text/xml');
      response.end(
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>x</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
      );
      return;
    }
    const params = JSON.parse(text) as JsonObject;
    const tell = (status: number, body: JsonObject): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    switch (target) {
      case 'StartAutomationExecution': {
        this.starts.push(params);
        const token = embeddedText(params['ClientToken'] ?? '');
        const number = String(this.executions.size + 1).padStart(12, '0');
        const execution = this.executions.get(token) ?? {
          id: `11111111-2222-3333-4444-${number}`,
          asked: params,
          unknown: behaviour.unknown,
          statuses: [...behaviour.statuses],
        };
        this.executions.set(token, execution);
        if (behaviour.losesFirstReply && this.starts.length === 1) return void request.socket.destroy();
        return tell(200, { AutomationExecutionId: execution.id });
      }
      case 'GetAutomationExecution': {
        const found = [...this.executions.values()].find(({ id }) => id === params['AutomationExecutionId']);
        if (found === undefined || found.unknown > 0) {
          if (found !== undefined) found.unknown -= 1;
          return tell(400, { __type: 'AutomationExecutionNotFoundException', message: 'there is none' });
        }
        const status = (found.statuses.length > 1 ? found.statuses.shift() : found.statuses[0]) ?? '';
        return tell(200, {
          AutomationExecution: {
            AutomationExecutionId: found.id,
            AutomationExecutionStatus: status,
            Outputs: { 'run.Out': ['one', 'two'] },
            ...(status === 'Failed' ? { FailureMessage: 'Step fails when it is Poll action status' } : {}),
          },
        });
      }
      case 'StopAutomationExecution':
        this.stops.push(params);
        return tell(200, {});
      default:
        return tell(400, { __type: 'UnknownOperationException', message: target });
    }
  }
}

let service: Service;
let dir: string;
let belay: Belay;
beforeEach(async () => {
  Object.assign(behaviour, { unknown: 0, statuses: ['InProgress', 'Success'], losesFirstReply: false });
  service = new Service();
  dir = mkdtempSync(join(tmpdir(), 'belay-automation-'));
  for (const [name, value] of Object.entries({
    AWS_ENDPOINT_URL: await service.open(),
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'a-test',
    AWS_PROFILE: undefined,
    AWS_SESSION_TOKEN: undefined,
  }))
    vi.stubEnv(name, value);
  belay = new Belay({ state: join(dir, 'state'), cwd: dir, env: process.env, stdin: async () => '' });
});
afterEach(() => {
  belay.close();
  service.close();
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const file = join(dir, 'parent.yaml');
  const step = {
    name: 'Child',
    action: 'aws:executeAutomation',
    inputs: { DocumentName: 'AWSSupport-Something', RuntimeParameters: { InstanceId: 'i-1', Days: 3 } },
  };
  const outputs = ['Child.Output', 'Child.ExecutionId', 'Child.Status'];
  writeFileSync(file, JSON.stringify({ schemaVersion: '0.3', mainSteps: [step], outputs }));
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
  return id;
}

test(
  'the service is followed to the end, although it does not know the execution at once',
  { timeout: 60_000 },
  async () => {
    behaviour.unknown = 1;
    const ended = await belay.run(await start(), { onWait: 'leave' });
    const [execution] = service.executions.values();
    expect(ended).toMatchObject({
      kind: 'ended',
      result: {
        status: 'Success',
        outputs: {
          'Child.Output': ['one', 'two'],
          'Child.ExecutionId': execution?.id,
          'Child.Status': 'Success',
        },
      },
    });
    expect(execution?.asked).toMatchObject({
      DocumentName: 'AWSSupport-Something',
      Parameters: { InstanceId: ['i-1'], Days: ['3'] },
    });
  },
);

test(
  'a start whose reply is lost is asked for again under its token, and begins one execution',
  { timeout: 60_000 },
  async () => {
    behaviour.losesFirstReply = true;
    const ended = await belay.run(await start(), { onWait: 'leave' });
    expect(ended).toMatchObject({ kind: 'ended', result: { status: 'Success' } });
    expect(service.starts.length).toBeGreaterThan(1);
    expect(new Set(service.starts.map(({ ClientToken }) => ClientToken)).size).toBe(1);
    expect(service.executions.size).toBe(1);
  },
);

test(
  'what the service says of a failure is the failure of the step, with what it gave',
  { timeout: 60_000 },
  async () => {
    behaviour.statuses = ['Failed'];
    const id = await start();
    expect(await belay.run(id, { onWait: 'leave' })).toMatchObject({ result: { status: 'Failed' } });
    expect((await belay.view(id)).steps[0]).toMatchObject({
      failure: {
        code: 'CHILD_FAILED',
        message: expect.stringContaining('Step fails when it is Poll action'),
      },
      outputs: { Output: ['one', 'two'], Status: 'Failed' },
    });
  },
);

test('a cancel asks the service to stop the execution', { timeout: 60_000 }, async () => {
  behaviour.statuses = ['InProgress'];
  const id = await start();
  const running = belay.run(id, {
    onWait: 'leave',
    onEvent: ({ event }) => {
      if (event.type === 'StepStarted') void waitForStart().then(() => belay.cancel(id));
    },
  });
  expect(await running).toMatchObject({ kind: 'ended', result: { status: 'Cancelled' } });
  const [execution] = service.executions.values();
  expect(service.stops).toEqual([{ AutomationExecutionId: execution?.id, Type: 'Cancel' }]);
});

async function waitForStart(): Promise<void> {
  await vi.waitFor(() => expect(service.executions.size).toBe(1), { timeout: 30_000 });
}
