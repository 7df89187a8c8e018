/** aws:executeStateMachine: one execution of a Step Functions state machine, begun under a name and followed to its end. */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { AwsFailure } from '../../transports/aws.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type Poll,
  type ActionContext,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { textIn } from './reply.ts';

/** `Existed`: an execution of the given name was there before, which is not this step's to stop. */
type Before = { readonly Existed: boolean };
/** `isOurs` false: it ran already when the step began. */
type Handle = { readonly executionArn: string; readonly isOurs: boolean };
type Outputs = {
  readonly executionArn: string;
  readonly input: string;
  readonly name: string;
  readonly output: string | null;
  readonly startDate: string;
  readonly stateMachineArn: string;
  readonly status: string;
  readonly stopDate: string | null;
};
/** DescribeExecution is eventually consistent. */
const settleMs = 10_000;
const pollMs = 2_000;
/** How much of a cause is told. */
const causeCharactersMax = 2_000;

const inputs = strictObject({
  stateMachineArn: Type.String({ minLength: 1, maxLength: 256 }),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 80,
      description: "Of the execution. Left out: Belay's token, so that a lost answer begins nothing twice.",
    }),
  ),
  input: Type.Optional(
    Type.String({ description: 'JSON. Step Functions keeps and shows it: no place for a secret.' }),
  ),
});
type Inputs = Static<typeof inputs>;

export const executeStateMachine = defineAction({
  name: 'aws:executeStateMachine',
  summary: 'Runs a Step Functions state machine and waits until the execution has ended.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeStateMachine.html',
  example: `
- name: Reindex
  action: aws:executeStateMachine
  inputs:
    stateMachineArn: arn:aws:states:eu-west-1:111122223333:stateMachine:reindex
    input: '{"instance": "{{ InstanceId }}"}'
`,
  inputs,
  outputs: strictObject({
    executionArn: Type.String(),
    input: Type.String(),
    name: Type.String(),
    output: Type.Union([Type.String(), Type.Null()]),
    startDate: Type.String(),
    stateMachineArn: Type.String(),
    status: Type.String(),
    stopDate: Type.Union([Type.String(), Type.Null()]),
  }),
  timeoutSeconds: undefined,
  permissions: () => [
    'stepfunctions:StartExecution',
    'stepfunctions:DescribeExecution',
    'stepfunctions:StopExecution',
  ],
  targets: ({ stateMachineArn }) => [stateMachineArn],
  hasHostTargets: false,
  check: ({ input }, tools) => {
    if (typeof input !== 'string' || tools.isExpression(input) || isJson(input)) return [];
    return [
      {
        code: 'WRONG_INPUT',
        path: ['input'],
        message: 'input is not JSON, and Step Functions takes nothing else',
      },
    ];
  },

  before: ['Existed'],
  observe: async (inputs: Inputs, context): Promise<Before> => {
    const { name } = inputs;
    if (name === undefined) return { Existed: false };
    return { Existed: (await describe(executionArn(inputs, name), context)) !== undefined };
  },

  effect: {
    kind: 'begun',
    /** The same name and input again give the execution that runs already. */
    begin: async (inputs: Inputs, { Existed }, context): Promise<Handle> => {
      const { aws, token, signal } = context;
      const params = { ...inputs, name: inputs.name ?? token };
      const reply = await aws.call({
        service: 'stepfunctions',
        operation: 'StartExecution',
        params,
        token,
        signal,
      });
      return { executionArn: textIn(reply, 'executionArn'), isOurs: !Existed };
    },
    adopt: async (inputs, { Existed }, context) => {
      const arn = executionArn(inputs, inputs.name ?? context.token);
      const found = await describe(arn, context);
      if (found === undefined) return { kind: 'absent' };
      if (Existed)
        return {
          kind: 'unknown',
          why: `StartExecution was called and its answer is lost; an execution of that name was there before (${arn})`,
        };
      return { kind: 'running', handle: { executionArn: arn, isOurs: true } };
    },
    poll: async ({ executionArn: arn }: Handle, _inputs, _before, context): Promise<Poll<Outputs>> => {
      const found = await describe(arn, context);
      if (found === undefined) return pending(pollMs, `${arn} is not listed yet`);
      const outputs = outputsOf(found);
      switch (outputs.status) {
        case 'SUCCEEDED':
          return done(outputs, { note: arn });
        case 'RUNNING':
        case 'PENDING_REDRIVE':
          return pending(pollMs, `waiting for ${arn}: ${outputs.status}`);
        default:
          return failed('STATE_MACHINE_FAILED', `${arn} ended ${outputs.status}${reasonOf(found)}`, {
            outputs,
          });
      }
    },
    stop: async ({ executionArn: arn, isOurs }, _inputs, context) => {
      if (!isOurs)
        throw new ActionFailure({
          code: 'NOT_STOPPED',
          message: `${arn} ran before this step began, and was left running`,
        });
      const { aws, signal } = context;
      const params = {
        executionArn: arn,
        error: 'Belay',
        cause: `${context.executionId} ${context.step} was stopped`,
      };
      await aws.call({ service: 'stepfunctions', operation: 'StopExecution', params, signal });
    },
    settleMs,
  },
  undo: {
    kind: 'none',
    reason: 'nobody but its author knows what a state machine changed; give the step an undo: of its own',
    leavesChange: true,
  },
});

/** Undefined: Step Functions does not know it (yet). */
async function describe(
  arn: string,
  { aws, signal }: Pick<ActionContext, 'aws' | 'signal'>,
): Promise<JsonObject | undefined> {
  try {
    const params = { executionArn: arn };
    const call = { service: 'stepfunctions', operation: 'DescribeExecution', params, signal };
    // What went in and came out is the action's own output; the model marks both as sensitive.
    return await aws.call(call, { reveal: true });
  } catch (error) {
    if (error instanceof AwsFailure && error.code === 'ExecutionDoesNotExist') return undefined;
    throw error;
  }
}

/** `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`, with a version or alias behind it or not. */
function executionArn({ stateMachineArn }: Inputs, name: string): string {
  const [arn, partition, service, region, account, , machine = ''] = stateMachineArn.split(':');
  return [arn, partition, service, region, account, 'execution', machine, name].join(':');
}

function outputsOf(found: JsonObject): Outputs {
  return {
    executionArn: textIn(found, 'executionArn'),
    input: textIn(found, 'input'),
    name: textIn(found, 'name'),
    output: textIn(found, 'output') || null,
    startDate: textIn(found, 'startDate'),
    stateMachineArn: textIn(found, 'stateMachineArn'),
    status: textIn(found, 'status'),
    stopDate: textIn(found, 'stopDate') || null,
  };
}

function reasonOf(found: JsonObject): string {
  const [error, cause] = [textIn(found, 'error'), textIn(found, 'cause').slice(0, causeCharactersMax)];
  const said = [error, cause].filter((each) => each !== '').join(': ');
  return said === '' ? ', and Step Functions gives no cause' : `: ${said}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
