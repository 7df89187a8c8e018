/** src/actions/aws/invoke-lambda-function.ts through the real client, against a server that answers as Lambda does. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { actions, describeAction } from '../../../src/actions/index.ts';
import { secretInputsOf, type AnyAction } from '../../../src/actions/define-action.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { ask, run, type Run, type World } from '../../support/action-bed.ts';

interface Arrived {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

let server: http.Server;
let world: World;
let aws: Aws;
let arrived: Arrived[] = [];
let waited: number[] = [];
let answer: (response: http.ServerResponse) => void | Promise<void>;

beforeAll(async () => {
  server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      arrived.push({ path: request.url ?? '', headers: request.headers, body });
      void answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  aws = createAws({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'eu-west-1',
    credentials: async () => ({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'not-a-secret' }),
    // Much less than a function may take.
    requestTimeoutMs: 150,
    attempts: 1,
  });
  world = {
    executionId: '01JLAMBDA',
    aws,
    wait: (ms) => {
      waited.push(ms);
      return delay(Math.min(ms, 50));
    },
  };
});
beforeEach(() => {
  arrived = [];
  waited = [];
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function lambda(): AnyAction {
  const found = actions.get('aws:invokeLambdaFunction');
  if (found === undefined) throw new Error('no such action');
  return found;
}
const invoke = (inputs: JsonObject): Promise<Run> =>
  run(lambda(), { FunctionName: 'tag-costs', ...inputs }, world, {
    outputs: [{ Name: 'State', Selector: '$.Payload.State', Type: 'String' }],
  });
const answers =
  (status: number, headers: http.OutgoingHttpHeaders, body: string) =>
  (response: http.ServerResponse): void => {
    response.writeHead(status, { 'x-amzn-requestid': randomUUID(), ...headers }).end(body);
  };
const log = Buffer.from('START\nkey is read-only\nEND\n').toString('base64');

test('asks for the log, gives the payload, and keeps the log of the function', async () => {
  answer = answers(200, { 'x-amz-log-result': log }, '{"State":"done","Count":2}');
  const { ending, logged } = await invoke({
    InputPayload: { instance: 'i-1', list: [1] },
    Payload: 'not this',
    Qualifier: 'live',
  });
  expect(ending).toMatchObject({
    kind: 'done',
    outputs: {
      StatusCode: 200,
      FunctionError: null,
      LogResult: log,
      Payload: '{"State":"done","Count":2}',
      State: 'done',
    },
  });
  expect(arrived).toMatchObject([
    {
      path: '/2015-03-31/functions/tag-costs/invocations?Qualifier=live',
      headers: { 'x-amz-invocation-type': 'RequestResponse', 'x-amz-log-type': 'Tail' },
      body: '{"instance":"i-1","list":[1]}',
    },
  ]);
  expect(logged).toContain('key is read-only');
});

test('an error of the function fails the step, with its own words and the end of its log', async () => {
  answer = answers(
    200,
    { 'x-amz-function-error': 'Unhandled', 'x-amz-log-result': log },
    '{"errorMessage":"no such key","errorType":"KeyError","stackTrace":[]}',
  );
  const { ending } = await invoke({ Payload: '{}' });
  expect(ending).toMatchObject({
    kind: 'failed',
    code: 'FUNCTION_ERROR',
    message:
      'tag-costs failed (Unhandled): KeyError: no such key; its log ends: START | key is read-only | END',
    outputs: { FunctionError: 'Unhandled', StatusCode: 200 },
  });
});

test('a function may take longer than any other call', async () => {
  answer = async (response) => {
    await delay(600);
    answers(200, {}, '"late"')(response);
  };
  expect((await invoke({})).ending).toMatchObject({ kind: 'done', outputs: { Payload: 'late' } });
});

test('an event is only accepted, and asks for no log', async () => {
  answer = answers(202, {}, '');
  const { ending } = await invoke({ InvocationType: 'Event', Payload: '{}' });
  expect(ending).toMatchObject({ kind: 'done', outputs: { StatusCode: 202, Payload: '', LogResult: null } });
  expect(arrived[0]?.headers['x-amz-log-type']).toBeUndefined();
});

test('what became of an invocation whose answer was lost is unknown, and it is sent once', async () => {
  answer = (response) => void response.destroy();
  expect((await invoke({})).ending).toMatchObject({
    kind: 'unknown',
    why: expect.stringContaining('tag-costs'),
  });
  expect(arrived).toHaveLength(1);
});

test('another runner, which has no answer in its memory, says that nobody knows', async () => {
  const handle = { Token: 'of-a-dead-runner', Answer: null };
  const polled = ask('wait', lambda(), { FunctionName: 'tag-costs' }, world, { handle });
  await expect(polled).rejects.toMatchObject({ code: 'ANSWER_LOST', effect: 'unknown' });
});

test('a refusal says that nothing was run, and one for now is a matter of time', async () => {
  answer = answers(
    404,
    { 'x-amzn-errortype': 'ResourceNotFoundException' },
    '{"Message":"Function not found: x"}',
  );
  await expect(invoke({})).rejects.toMatchObject({
    code: 'ResourceNotFoundException',
    effect: 'none',
  });
  expect(arrived).toHaveLength(1);
  answer = (response) => {
    answer = answers(200, {}, '"taken"');
    answers(
      429,
      { 'x-amzn-errortype': 'TooManyRequestsException', 'retry-after': '2' },
      '{"Message":"Rate Exceeded."}',
    )(response);
  };
  expect((await invoke({})).ending).toMatchObject({ kind: 'done', outputs: { Payload: 'taken' } });
  expect(waited[0]).toBeGreaterThanOrEqual(2_000);
});

test('an answer that is larger than what is kept fails the step and says so', async () => {
  answer = answers(200, {}, JSON.stringify('x'.repeat(201 * 1024)));
  expect((await invoke({})).ending).toMatchObject({ kind: 'failed', code: 'PAYLOAD_TOO_LARGE' });
});

test('a secret may go to a function that is waited for, and not into a queue', () => {
  expect(secretInputsOf(lambda(), {})).toEqual(['InputPayload', 'Payload']);
  expect(secretInputsOf(lambda(), { InvocationType: 'Event' })).toEqual([]);
  expect(secretInputsOf(lambda(), { InvocationType: '{{ How }}' })).toEqual([]);
});

test('a dry run needs no undo, an invocation has none', () => {
  expect(describeAction(lambda(), { InvocationType: 'DryRun' }).undo).toEqual({ kind: 'notNeeded' });
  expect(describeAction(lambda(), {}).undo).toMatchObject({ kind: 'none', leavesChange: true });
});
