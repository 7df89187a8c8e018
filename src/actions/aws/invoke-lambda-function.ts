/** aws:invokeLambdaFunction: one invocation, whose answer is waited for as long as the step has. */
import { Type, type Static } from 'typebox';
import type { Json, JsonObject } from '../../json.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { AwsFailure } from '../../transports/aws.ts';
import { checkShowOutput, isKept, showOutputInput, shown } from '../scripts/show-output.ts';
import { strictObject } from '../strict-object.ts';
import { answerOf, beginInvocation, settledWithin, type Invocation } from './invocations.ts';

type Outputs = {
  readonly StatusCode: number;
  readonly FunctionError: string | null;
  readonly LogResult: string | null;
  readonly Payload: string;
};
/** `Answer` null: it was not there yet, and the runner that sent the request finds it by `Token`. */
type Handle = { readonly Token: string; readonly Answer: Invocation | null };

/** AWS's own limit for the action; the author's timeoutSeconds may be longer, and a function runs 15 minutes at most. */
const timeoutSeconds = 300;
const functionSecondsMax = 900;
/** So long a begin waits to see a request refused; a function that runs longer is waited for afterwards. */
const refusalMs = 20_000;
/** How much of what a function answers is kept (SSM User Guide), and how much of an error is told. */
const payloadBytesMax = 200 * 1024;
const toldCharactersMax = 2_000;
const logLinesTold = 5;

const inputs = strictObject({
  FunctionName: Type.String({ minLength: 1, maxLength: 170, description: 'Name, or ARN.' }),
  Qualifier: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Version or alias.' })),
  InvocationType: Type.Optional(
    Type.Enum(['RequestResponse', 'Event', 'DryRun'], { default: 'RequestResponse' }),
  ),
  LogType: Type.Optional(
    Type.Enum(['None', 'Tail'], { description: 'Tail by default, for RequestResponse.' }),
  ),
  ClientContext: Type.Optional(
    Type.String({ description: 'JSON in base64, at most 3,583 bytes.', maxLength: 3583 }),
  ),
  InputPayload: Type.Optional(
    Type.Union([Type.Unsafe<JsonObject>(Type.Object({}, { additionalProperties: true })), Type.String()], {
      description: 'What the function is given, as a map; before Payload.',
    }),
  ),
  Payload: Type.Optional(
    Type.Union([Type.String(), Type.Unsafe<JsonObject>(Type.Object({}, { additionalProperties: true }))], {
      description: 'What the function is given, as JSON text.',
    }),
  ),
  ShowOutput: showOutputInput,
});
type Inputs = Static<typeof inputs>;

export const invokeLambdaFunction = defineAction({
  name: 'aws:invokeLambdaFunction',
  summary: 'Invokes a Lambda function and gives what it answers; an error of the function fails the step.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-lamb.html',
  example: `
- name: TagCosts
  action: aws:invokeLambdaFunction
  maxAttempts: 3
  timeoutSeconds: 120
  onFailure: Abort
  inputs:
    FunctionName: tag-costs
    InputPayload: { instance: '{{ InstanceId }}' }
`,
  inputs,
  outputs: strictObject({
    StatusCode: Type.Integer({ description: '200; 202 for Event, 204 for DryRun.' }),
    FunctionError: Type.Union([Type.String(), Type.Null()], {
      description: 'Of a failed step: Handled, Unhandled.',
    }),
    LogResult: Type.Union([Type.String(), Type.Null()], {
      description:
        'The last 4 KB of the log, in base64 as Lambda gives it; in plain text they are in the log of the step.',
    }),
    Payload: Type.String({ description: 'What the function answered, as JSON; a text without its quotes.' }),
  }),
  /** A queue and its dead letters keep what an Event is given. */
  secretInputs: ({ InvocationType }) =>
    InvocationType === undefined || InvocationType === 'RequestResponse' ? ['InputPayload', 'Payload'] : [],
  timeoutSeconds,
  permissions: () => ['lambda:Invoke'],
  check: ({ ShowOutput, Payload, InputPayload }, tools) => [
    ...checkShowOutput(ShowOutput, (value) => tools.isExpression(value)),
    ...(InputPayload !== undefined || isPayload(Payload, (value) => tools.isExpression(value))
      ? []
      : [
          {
            code: 'WRONG_INPUT',
            path: ['Payload'],
            message: 'Payload is not JSON, and Lambda takes nothing else',
          },
        ]),
  ],
  targets: ({ FunctionName }) => [FunctionName],
  hasHostTargets: false,

  effect: ({ InvocationType }) => ({
    kind: 'begun',
    /** Lambda takes no token: what was sent is never sent again. */
    begin: async (inputs: Inputs, _before, context): Promise<Handle> => {
      const { token } = context;
      beginInvocation(paramsOf(inputs), functionSecondsMax * 1_000, context);
      return { Token: token, Answer: kept(await settledWithin(refusalMs, context), inputs, context) };
    },
    adopt: ({ FunctionName }) =>
      // Permissions were looked at, and nothing was run.
      Promise.resolve(
        InvocationType === 'DryRun' ? { kind: 'absent' } : { kind: 'unknown', why: lost(FunctionName) },
      ),
    poll: async ({ Answer }: Handle, inputs, _before, context): Promise<Poll<Outputs>> => {
      const answer = Answer ?? kept(await answerThere(), inputs, context);
      return answer === null ? pending(250, `${inputs.FunctionName} runs`) : judge(answer, inputs, context);

      /** What was refused after its begin is not asked for again. */
      async function answerThere(): Promise<Invocation | null> {
        try {
          const found = await answerOf(250, context);
          if (found !== 'unknown') return found === 'running' ? null : found;
        } catch (error) {
          if (!(error instanceof AwsFailure)) throw error;
          const { code, message, effect } = error;
          throw new ActionFailure({ code, message, effect, cause: error });
        }
        const message = lost(inputs.FunctionName);
        throw new ActionFailure({ code: 'ANSWER_LOST', message, effect: 'unknown' });
      }
    },
    settleMs: 0,
  }),
  undo: ({ InvocationType }) =>
    InvocationType === 'DryRun'
      ? { kind: 'notNeeded' }
      : {
          kind: 'none',
          reason: 'nobody but its author knows what a function changed; give the step an undo: of its own',
          leavesChange: true,
        },
});

/** An empty text sends nothing. */
function isPayload(payload: Json | undefined, isExpression: (value: unknown) => boolean): boolean {
  if (typeof payload !== 'string' || payload === '' || isExpression(payload)) return true;
  try {
    JSON.parse(payload);
    return true;
  } catch {
    return false;
  }
}

function lost(name: string): string {
  return `${name} was invoked and its answer is lost; its log in CloudWatch (/aws/lambda/NAME) says what became of it`;
}

/** What is journaled has a bound; of a function that was given a secret, only what its author reads is. */
function kept(
  answer: Invocation | null,
  { FunctionName }: Inputs,
  context: ActionContext,
): Invocation | null {
  const bytes = answer === null ? 0 : Buffer.byteLength(answer.payload);
  if (answer === null) return null;
  if (bytes <= payloadBytesMax) {
    return {
      ...answer,
      logResult: isKept('LogResult', context) ? answer.logResult : null,
      payload: isKept('Payload', context) ? answer.payload : '',
    };
  }
  throw new ActionFailure({
    code: 'PAYLOAD_TOO_LARGE',
    message: `${FunctionName} answered ${bytes} bytes, and at most ${payloadBytesMax} are kept`,
    effect: 'known',
  });
}

function paramsOf(inputs: Inputs): JsonObject {
  const {
    InputPayload,
    Payload,
    LogType,
    InvocationType = 'RequestResponse',
    ShowOutput: _,
    ...same
  } = inputs;
  const given = InputPayload ?? Payload;
  const text = given === undefined || typeof given === 'string' ? given : JSON.stringify(given);
  const logs = LogType ?? (InvocationType === 'RequestResponse' ? 'Tail' : undefined);
  return {
    ...same,
    InvocationType,
    ...(logs === undefined ? {} : { LogType: logs }),
    ...(text === undefined || text === '' ? {} : { Payload: Buffer.from(text).toString('base64') }),
  };
}

async function judge(
  answer: Invocation,
  { FunctionName }: Inputs,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  const { statusCode, functionError, logResult, payload } = answer;
  const log = logResult === null ? '' : Buffer.from(logResult, 'base64').toString('utf8');
  if (log !== '') await context.log(FunctionName).write('stdout', Buffer.from(log));
  const outputs: Outputs = {
    StatusCode: statusCode,
    FunctionError: functionError,
    LogResult: logResult,
    Payload: withoutQuotes(payload),
  };
  if (functionError === null) return done(outputs, { response: { ...outputs, Payload: asJson(payload) } });
  const tail = log.trim().split('\n').slice(-logLinesTold).join(' | ').slice(-toldCharactersMax);
  const said = shown(context, `${errorIn(payload)}${tail === '' ? '' : `; its log ends: ${tail}`}`);
  return failed('FUNCTION_ERROR', `${FunctionName} failed (${functionError}): ${said}`, { outputs });
}

/** A text without the quotes of JSON around it; what stands in it stays as it is. */
function withoutQuotes(payload: string): string {
  const text = payload.trim();
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

/** For selectors of declared outputs: `$.Payload.State`. */
function asJson(payload: string) {
  try {
    return JSON.parse(payload);
  } catch {
    return payload;
  }
}

/** `KeyError: 'instance'` of what the runtimes answer; anything else as it is. */
function errorIn(payload: string): string {
  const parsed: unknown = asJson(payload);
  if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) {
    const type = 'errorType' in parsed ? `${String(parsed.errorType)}: ` : '';
    return `${type}${String(parsed.errorMessage)}`.slice(0, toldCharactersMax);
  }
  return payload.slice(0, toldCharactersMax);
}
