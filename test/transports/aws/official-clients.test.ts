/** The AWS SDK's own clients of five services as second opinions: for the same input they send the same request as Belay. */
import * as cloudwatch from '@aws-sdk/client-cloudwatch';
import * as config from '@aws-sdk/client-config-service';
import * as ec2 from '@aws-sdk/client-ec2';
import * as sns from '@aws-sdk/client-sns';
import * as ssm from '@aws-sdk/client-ssm';
import { HttpResponse } from '@smithy/core/protocols';
import type { HttpRequest } from '@smithy/types';
import { asyncProperty, assert, constantFrom, integer } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeParams } from '../../../src/transports/aws/encode.ts';
import type { ServiceModel } from '../../../src/transports/aws/model-format.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { createServiceClient } from '../../../src/transports/aws/sdk-client.ts';
import { drawMembers, randomOf } from './generate-params.ts';

const RUNS = 60;
const models = createModelStore();
const settings = {
  region: 'eu-west-1',
  credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key' }),
};

interface Official {
  send(command: unknown): Promise<unknown>;
}
/** Command classes by name. */
type Commands = Readonly<Record<string, unknown>>;

/** Keeps what would have been sent, and answers with nothing. */
function catcher(model: ServiceModel) {
  const caught: HttpRequest[] = [];
  const isJson = model.metadata.protocol === 'json';
  const body = new Uint8Array(Buffer.from(isJson ? '{}' : '<R></R>'));
  const requestHandler = {
    async handle(request: HttpRequest) {
      caught.push(request);
      return { response: new HttpResponse({ statusCode: 200, headers: {}, body }) };
    },
  };
  return { caught, requestHandler };
}

/** Method, address, body and the headers that mean something to the service. */
function meaning(request: HttpRequest | undefined): object {
  if (request === undefined) throw new Error('nothing was sent');
  const { method, protocol, hostname, path, query, headers, body } = request;
  const text = body instanceof Uint8Array ? new TextDecoder().decode(new Uint8Array(body)) : String(body);
  const scope = /Credential=AKIA\/\d{8}\/([^,]+),/.exec(headers['authorization'] ?? '')?.[1];
  const kept = ['content-type', 'x-amz-target'].map((name) => [name, headers[name]]);
  // The order of members means nothing.
  const content: unknown = text.startsWith('{')
    ? JSON.parse(text)
    : Object.fromEntries(new URLSearchParams(text));
  return { method, protocol, hostname, path, query, scope, kept, content };
}

function makeCommand(commands: Commands, operation: string, input: object): unknown {
  const Command = commands[`${operation}Command`];
  if (typeof Command !== 'function') return undefined;
  return Reflect.construct(Command, [input]);
}

describe.each<[string, Commands, (handler: object) => Official]>([
  [
    'cloudwatch',
    cloudwatch,
    (handler) => new cloudwatch.CloudWatchClient({ ...settings, requestHandler: handler as never }),
  ],
  [
    'config',
    config,
    (handler) => new config.ConfigServiceClient({ ...settings, requestHandler: handler as never }),
  ],
  ['ec2', ec2, (handler) => new ec2.EC2Client({ ...settings, requestHandler: handler as never })],
  ['sns', sns, (handler) => new sns.SNSClient({ ...settings, requestHandler: handler as never })],
  ['ssm', ssm, (handler) => new ssm.SSMClient({ ...settings, requestHandler: handler as never })],
])('the client of %s', (service, commands, open) => {
  it('sends what Belay sends', { timeout: 60_000 }, async () => {
    const model = models.service(service);
    if (model === undefined) throw new Error(`${service} has no model`);
    const theirs = catcher(model);
    const ours = catcher(model);
    const official = open(theirs.requestHandler);
    const belay = createServiceClient({
      ...settings,
      model,
      endpoint: undefined,
      requestHandler: ours.requestHandler,
    });
    // Its source request is signed with the time in it; special-requests.test.ts looks at that.
    const operations = Object.keys(model.operations).filter((name) => name !== 'CopySnapshot');
    await assert(
      asyncProperty(constantFrom(...operations), integer(), async (operation, seed) => {
        const { input } = model.operations[operation] ?? {};
        const params = drawMembers(model, input, randomOf(seed), { depth: 3, wild: true });
        const encoded = encodeParams(model, input, params);
        const command = makeCommand(commands, operation, encoded);
        // The client may be of an older release than the models.
        if (command === undefined) return;
        await official.send(command);
        await belay.send(operation, encoded, {});
        // The client of an older release leaves out members that are newer; botocore.test.ts looks at each.
        expect(meaning(ours.caught.at(-1))).toMatchObject(meaning(theirs.caught.at(-1)));
      }),
      { numRuns: RUNS },
    );
  });
});
