/**
 * botocore as a second opinion on every service: the requests that Belay writes, the replies that it reads and the endpoints
 * that it takes are those of boto3. A sample of the services is drawn by seed; BELAY_FAULTS=all takes each.
 */
import { awsEndpointFunctions } from '@aws-sdk/core/client';
import { customEndpointFunctions, resolveEndpoint } from '@smithy/core/endpoints';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/json.ts';
import { readBotocore } from '../../../src/transports/aws/botocore-files.ts';
import { compactModel } from '../../../src/transports/aws/compact-model.ts';
import type { ServiceModel } from '../../../src/transports/aws/model-format.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { isThorough, seed } from '../../evidence/sample.ts';
import {
  type Answer,
  type Oracle,
  oracleMissing,
  type OracleRequest,
  startOracle,
} from './botocore-oracle.ts';
import { requestOfBelay, requestOfBotocore } from './compare-requests.ts';
import { drawMembers, randomOf } from './generate-params.ts';
import { readReply } from './read-reply.ts';

/** At least one of each protocol, and those that are like no other. */
const ALWAYS = ['ec2', 'sqs', 'iam', 'lambda', 's3', 's3control', 'route53', 'dynamodb', 'cloudwatchomni'];
const DRAWN = 12;

customEndpointFunctions['aws'] = awsEndpointFunctions;
const random = randomOf(seed);
const everyService = Object.keys(createModelStore().index().services);
const services = isThorough
  ? everyService
  : [...new Set([...ALWAYS, ...Array.from({ length: DRAWN }, drawService)])].sort();

function drawService(): string {
  return everyService[Math.floor(random() * everyService.length)] ?? 'ec2';
}

interface Parsed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly parsed: JsonObject;
}

interface Endpoint {
  readonly url: string;
  readonly schemes: readonly object[];
}

describe.skipIf(oracleMissing)(
  `beside botocore${oracleMissing === undefined ? `, ${services.length} services, BELAY_SEED=${seed}` : ` (${oracleMissing})`}`,
  () => {
    let oracle: Oracle;
    beforeAll(async () => {
      oracle = await startOracle();
    }, 60_000);
    afterAll(() => oracle?.close());

    /** From the same botocore that answers, so that both speak of one release. */
    const modelOf = (service: string): ServiceModel => {
      const [source] = readBotocore(oracle.path, [service]).services;
      if (source === undefined) throw new Error(`botocore ${oracle.version} has no ${service}`);
      return compactModel({ ...source, botocore: oracle.version });
    };
    const callable = ({ operations }: ServiceModel) =>
      Object.entries(operations).filter(([, { refused }]) => refused === undefined);
    const answered = <T extends object>(answer: Answer<T>): T => {
      if ('error' in answer) throw new Error(answer.error);
      return answer;
    };

    it.each(services)('%s is written the same', { timeout: 60_000 }, async (service) => {
      const model = modelOf(service);
      const { protocol } = model.metadata;
      for (const [operation, { input }] of callable(model)) {
        for (const wild of [false, true]) {
          const params = drawMembers(model, input, random, { depth: 3, wild });
          const theirs = await oracle.ask<OracleRequest>({
            ask: 'request',
            service,
            operation,
            protocol,
            params,
          });
          const ours = await requestOfBelay(model, operation, params);
          expect(ours, operation).toEqual(requestOfBotocore(protocol, answered(theirs)));
        }
      }
    });

    it.each(services)('%s is read the same', { timeout: 60_000 }, async (service) => {
      const model = modelOf(service);
      const { protocol } = model.metadata;
      for (const [operation, { output }] of callable(model)) {
        const value = drawMembers(model, output, random, { depth: 3, wild: true });
        const theirs = await oracle.ask<Parsed>({ ask: 'reply', service, operation, protocol, value });
        if (isBeyondBotocore(theirs) || isAmbiguous(service, operation)) continue;
        const { headers, body, parsed } = answered(theirs);
        const ours = await readReply(model, operation, { headers, body: Buffer.from(body, 'base64') });
        expect(ours, operation).toEqual(parsed);
      }
    });

    it.each(services)('%s is reached and signed for the same', async (service) => {
      const { endpointRules } = modelOf(service);
      for (const params of endpointQuestions) {
        const theirs = await oracle.ask<Endpoint>({ ask: 'endpoint', service, params });
        expect(endpointOf(endpointRules, params), JSON.stringify(params)).toEqual(
          'error' in theirs ? undefined : theirs,
        );
      }
    });
  },
);

/** Its replies have one name for `Event`, which is deprecated, and `Events`; Belay reads the second alone. */
function isAmbiguous(service: string, operation: string): boolean {
  return service === 's3' && operation === 'GetBucketNotification';
}

/** A union that was cut off at the depth of the drawing, and an element that botocore hands on as Python has it. */
function isBeyondBotocore(answer: Answer<Parsed>): boolean {
  return 'error' in answer
    ? answer.error.includes('one and only one member')
    : JSON.stringify(answer.parsed).includes("<Element '");
}

const endpointQuestions = [
  'us-east-1',
  'eu-west-1',
  'cn-north-1',
  'us-gov-west-1',
  'us-iso-east-1',
  'us-isob-east-1',
].flatMap((Region) =>
  [
    [false, false],
    [true, false],
    [false, true],
  ].map(([UseFIPS = false, UseDualStack = false]) => ({ Region, UseFIPS, UseDualStack })),
);

/** Undefined where the rules have none, as for FIPS in a partition without it. */
function endpointOf(
  rules: ServiceModel['endpointRules'],
  endpointParams: { readonly Region: string; readonly UseFIPS: boolean; readonly UseDualStack: boolean },
): Endpoint | undefined {
  try {
    const { url, properties } = resolveEndpoint(rules, { endpointParams: { ...endpointParams } });
    const schemes: readonly Readonly<Record<string, unknown>>[] = Object(properties)['authSchemes'] ?? [];
    return {
      url: url.href.replace(/\/$/, ''),
      schemes: schemes.map((scheme) =>
        Object.fromEntries(
          ['name', 'signingName', 'signingRegion']
            .filter((name) => scheme[name] !== undefined)
            .map((name) => [name, scheme[name]]),
        ),
      ),
    };
  } catch {
    return undefined;
  }
}
