/** http:check: that a URL answers as expected, asked from here or from a host. */
import { Type, type Static } from 'typebox';
import { HostFailure } from '../../transports/host.ts';
import {
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Failed,
  type Poll,
} from '../define-action.ts';
import { isStillPatient } from '../effects/patience.ts';
import { checkShowOutput, isKept, showOutputInput, shown } from '../scripts/show-output.ts';
import { strictObject } from '../strict-object.ts';
import { urlProblem } from './url.ts';
import { askFromHere, askFromHost, type Answer } from './ask.ts';

const askAgainMs = 1_000;
/** How much of the body goes into the outputs. */
const bodyCharactersMax = 4_000;

type Outputs = { readonly Status: number | null; readonly Body: string };

const status = Type.Integer({ minimum: 100, maximum: 599 });

const inputs = strictObject({
  Url: Type.String({ description: 'It begins with http:// or https://.' }),
  Host: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'The host to ask from, by its curl or python3; left out: the machine that Belay runs on.',
    }),
  ),
  Method: Type.Optional(Type.Union([Type.Literal('GET'), Type.Literal('HEAD')], { default: 'GET' })),
  Headers: Type.Optional(
    Type.Record(
      Type.String({ pattern: '^[A-Za-z0-9!#$%&*+.^_|~-]+$' }),
      Type.String({ pattern: '^[^\\r\\n\\0]*$' }),
      { description: 'May hold secrets.' },
    ),
  ),
  ExpectStatus: Type.Optional(
    Type.Union([status, Type.Array(status, { minItems: 1 })], {
      description: 'Left out: any from 200 to 299. Redirects are not followed.',
    }),
  ),
  ExpectBody: Type.Optional(
    Type.String({ minLength: 1, description: 'Text that must be in the first 256 KiB of the body.' }),
  ),
  TimeoutSeconds: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 300, default: 10, description: 'For one request.' }),
  ),
  WaitSeconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 3_600,
      default: 0,
      description: 'How long to go on asking until the answer is the expected one.',
    }),
  ),
  ShowOutput: showOutputInput,
});
type Inputs = Static<typeof inputs>;

export const check = defineAction({
  name: 'http:check',
  summary: 'Asks a URL, from here or from a host, and checks the status and the body of the answer.',
  source: 'https://www.rfc-editor.org/rfc/rfc9110.html',
  example: `
    - name: IsHealthy
      action: http:check
      inputs: { Url: 'http://127.0.0.1:9000/minio/health/cluster', Host: minio1, ExpectStatus: 200, WaitSeconds: 60 }`,
  inputs,
  outputs: strictObject({
    Status: Type.Union([Type.Integer(), Type.Null()], { description: 'null: no answer.' }),
    Body: Type.String({
      description:
        'The first 4,000 characters; empty where the step was given a secret and nothing reads it.',
    }),
  }),
  secretInputs: ['Headers'],
  timeoutSeconds: 3_900,
  permissions: () => [],
  targets: ({ Url, Host }) => [Host ?? Url],
  check: ({ Url, ShowOutput }, tools) => {
    const problem = typeof Url !== 'string' || tools.isExpression(Url) ? undefined : urlProblem(Url);
    return [
      ...(problem === undefined
        ? []
        : [{ code: 'BAD_URL' as const, path: ['Url'], message: `this URL ${problem}` }]),
      ...checkShowOutput(ShowOutput, (value) => tools.isExpression(value)),
    ];
  },
  hasHostTargets: false,

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      const problem = urlProblem(inputs.Url);
      if (problem !== undefined) return failed('BAD_URL', `the URL ${inputs.Url} ${problem}`);
      const patient = isStillPatient(context, inputs.WaitSeconds ?? 0);
      const question = {
        url: inputs.Url,
        method: inputs.Method ?? 'GET',
        headers: inputs.Headers ?? {},
        timeoutSeconds: inputs.TimeoutSeconds ?? 10,
      };
      let answer: Answer;
      try {
        answer =
          inputs.Host === undefined
            ? await askFromHere(question, context)
            : await askFromHost(inputs.Host, question, context);
      } catch (error) {
        if (!(error instanceof HostFailure && error.retryable && patient)) throw error;
        return pending(askAgainMs, `waiting: ${error.message}`);
      }
      const verdict = judge(inputs, answer, context);
      return verdict.kind === 'failed' && patient
        ? pending(askAgainMs, `waiting: ${verdict.message}`)
        : verdict;
    },
  },
  undo: { kind: 'notNeeded' },
});

function judge(inputs: Inputs, answer: Answer, context: ActionContext): Poll<Outputs> {
  const asked = `${inputs.Url}${inputs.Host === undefined ? '' : ` from ${inputs.Host}`}`;
  if (answer.kind === 'unreachable') return unreachable(asked, answer.why);
  const Body = isKept('Body', context) ? answer.body.slice(0, bodyCharactersMax) : '';
  const outputs: Outputs = { Status: answer.status, Body };
  const { ExpectStatus, ExpectBody } = inputs;
  const allowed = typeof ExpectStatus === 'number' ? [ExpectStatus] : ExpectStatus;
  const isExpected = allowed?.includes(answer.status) ?? (answer.status >= 200 && answer.status <= 299);
  if (!isExpected) {
    return failed(
      'STATUS_MISMATCH',
      `${asked} answers ${answer.status}, wanted ${allowed?.join(' or ') ?? '2xx'}`,
      {
        outputs,
      },
    );
  }
  if (ExpectBody !== undefined && !answer.body.includes(ExpectBody)) {
    const said = shown(context, `"${answer.body.trim().slice(0, 120)}"`);
    return failed(
      'BODY_MISMATCH',
      `${asked} answers ${answer.status} without "${ExpectBody}" in its body: ${said}`,
      {
        outputs,
      },
    );
  }
  return done(outputs, { note: `${answer.status}` });
}

const unreachable = (asked: string, why: string): Failed =>
  failed('NOT_ANSWERING', `${asked} does not answer: ${why.trim()}`, {
    outputs: { Status: null, Body: '' },
    retryable: true,
  });
