/**
 * aws:executeAutomation: another runbook as one step. A runbook that is found here runs as an execution below this one, which the
 * engine does; one that only the service has is started there by this action and followed to its end.
 */
import { Type, type Static } from 'typebox';
import { embeddedText, isRunbookFile } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { AwsFailure, type AwsCall } from '../../transports/aws.ts';
import { ActionFailure, defineAction, done, failed, pending, type ActionContext } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { automationInSsm, checkAutomation } from './check-automation.ts';
import { documentVersion } from './document-version.ts';
import { callAws } from '../../transports/aws-calls.ts';

const texts = Type.Array(Type.String());
/** Source: TargetLocation of the Systems Manager API. */
const targetLocation = strictObject({
  Accounts: Type.Optional(
    Type.Array(Type.String(), { maxItems: 50, description: 'Account ids, or ids of organizational units.' }),
  ),
  Regions: Type.Optional(Type.Array(Type.String(), { maxItems: 50 })),
  ExecutionRoleName: Type.Optional(
    Type.String({ description: 'Default: AWS-SystemsManager-AutomationExecutionRole.' }),
  ),
  TargetLocationMaxConcurrency: Type.Optional(Type.Union([Type.String(), Type.Integer({ minimum: 1 })])),
  TargetLocationMaxErrors: Type.Optional(Type.Union([Type.String(), Type.Integer({ minimum: 0 })])),
  TargetLocationAlarmConfiguration: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  IncludeChildOrganizationUnits: Type.Optional(Type.Boolean()),
  ExcludeAccounts: Type.Optional(Type.Array(Type.String())),
  Targets: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
  TargetsMaxConcurrency: Type.Optional(Type.Union([Type.String(), Type.Integer({ minimum: 1 })])),
  TargetsMaxErrors: Type.Optional(Type.Union([Type.String(), Type.Integer({ minimum: 0 })])),
});
const pollMs = 2_000;
/** The service may be so long in telling of an execution that it has begun. */
const settleMs = 10_000;

/** `FoundAt`, in ms since 1970: when the id became known. In journals of an earlier version the id alone. */
type Handle = string | { readonly Id: string; readonly FoundAt: number };

const inputs = strictObject({
  DocumentName: Type.String({
    minLength: 1,
    description:
      'A runbook beside this one, in runbooks/ there or in a folder that belay.yaml names (runbooks), with or without its ending; else the name or ARN of a document of Systems Manager. Of those that AWS owns, Belay runs the ones that it knows (docs/decisions/0026).',
  }),
  DocumentVersion: Type.Optional(
    Type.Union([Type.String({ pattern: documentVersion }), Type.Integer({ minimum: 1 })], {
      description: 'Of a document of Systems Manager; a file has none.',
    }),
  ),
  RuntimeParameters: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'By name. A single value stands for a list of one, and a list of one for its value.',
    }),
  ),
  Targets: Type.Optional(
    Type.Array(strictObject({ Key: Type.String({ minLength: 1 }), Values: Type.Array(Type.Unknown()) }), {
      minItems: 1,
      maxItems: 1,
      description:
        'One execution for each target. Key: ParameterValues, Hosts (as the inventory names them), tag:NAME (hosts of the inventory, else instances), ResourceGroup, InstanceIds, or AWS::EC2::Instance.',
    }),
  ),
  TargetParameterName: Type.Optional(
    Type.String({ minLength: 1, description: 'The parameter of the runbook that gets the target.' }),
  ),
  TargetMaps: Type.Optional(
    Type.Array(Type.Record(Type.String(), Type.Unknown()), {
      minItems: 1,
      description: 'In place of Targets: one execution for each map of parameters.',
    }),
  ),
  MaxConcurrency: Type.Optional(
    Type.Union([Type.String(), Type.Integer({ minimum: 1 })], {
      default: '10',
      description: 'How many targets are under way at once: 5, or 10%.',
    }),
  ),
  MaxErrors: Type.Optional(
    Type.Union([Type.String(), Type.Integer({ minimum: 0 })], {
      default: '0',
      description:
        'No further target is begun once more than so many have failed: 1, or 10%. Those under way end.',
    }),
  ),
  TargetLocations: Type.Optional(
    Type.Array(targetLocation, {
      minItems: 1,
      maxItems: 100,
      description:
        'Other accounts and regions, each with the role that acts there in place of assumeRole. Belay goes over them where DocumentName is a file; hosts are in none of them. A document of Systems Manager is run by the service.',
    }),
  ),
  Tags: Type.Optional(
    Type.Array(strictObject({ Key: Type.String({ minLength: 1 }), Value: Type.String() }), {
      maxItems: 50,
      description: 'Of the execution, where Systems Manager runs it; an execution of Belay itself has none.',
    }),
  ),
  StrictErrors: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Targets under way count as failed until they have come through, so that no more than MaxErrors and one can fail.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const executeAutomation = defineAction({
  name: 'aws:executeAutomation',
  summary:
    'Runs another runbook: one that is found here as an execution below this one, any other by the service.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAutomation.html',
  example: `
- name: PatchOne
  action: aws:executeAutomation
  inputs:
    DocumentName: patch-postgresql.yaml
    RuntimeParameters: { Host: '{{ Host }}' }
`,
  inputs,
  outputs: strictObject({
    Output: texts,
    ExecutionId: Type.String(),
    Status: Type.String(),
    Targets: Type.Optional(texts),
    Succeeded: Type.Optional(texts),
    Failed: Type.Optional(texts),
    NotStarted: Type.Optional(texts),
  }),
  check: (inputs) => checkAutomation(inputs),
  checkInSsm: automationInSsm,
  // A runbook that Belay runs gets it as its own secret parameter; what Systems Manager runs it would keep.
  secretInputs: ({ DocumentName, TargetLocations }) =>
    typeof DocumentName !== 'string' ||
    isOfService(DocumentName) ||
    (TargetLocations !== undefined && !isRunbookFile(DocumentName))
      ? []
      : ['RuntimeParameters'],
  timeoutSeconds: undefined,
  listMaxInSsm: { TargetMaps: 300, Tags: 5 },
  permissions: ({ DocumentName, TargetLocations }) =>
    TargetLocations !== undefined && isRunbookFile(DocumentName)
      ? ['sts:AssumeRole']
      : isOfService(DocumentName) || TargetLocations !== undefined
        ? ['ssm:StartAutomationExecution', 'ssm:GetAutomationExecution', 'ssm:StopAutomationExecution']
        : [],
  targets: () => [],
  hasHostTargets: false,
  effect: {
    kind: 'begun',
    settleMs,
    begin: async (inputs, _before, context): Promise<Handle> => {
      refuseSecrets(inputs, context);
      const reply = await callAws(context.aws, startOf(inputs, context));
      return handleOf(reply, context);
    },
    // The service keeps the client token: the same start again answers with the execution that it began.
    adopt: async (inputs, _before, context) => {
      refuseSecrets(inputs, context);
      const reply = await callAws(context.aws, startOf(inputs, context));
      return { kind: 'running', handle: handleOf(reply, context) };
    },
    poll: async (begun, inputs, _before, context) => {
      const handle = idOf(begun);
      const execution = await automation(begun, context);
      if (execution === undefined) return pending(pollMs, `Systems Manager does not know ${handle} yet`);
      const status = embeddedText(execution['AutomationExecutionStatus'] ?? null);
      if (['Pending', 'InProgress', 'Waiting', 'Cancelling', 'RunbookInProgress'].includes(status))
        return pending(pollMs, `${inputs.DocumentName} ${handle}: ${status}`);
      const outputs = { Output: outputsIn(execution), ExecutionId: handle, Status: status };
      if (status === 'Success') return done(outputs, { note: `${inputs.DocumentName}, ${handle}` });
      const why = execution['FailureMessage'];
      const message = `${inputs.DocumentName} (${handle}) ended ${status}${typeof why === 'string' ? `: ${why}` : ''}`;
      return failed('CHILD_FAILED', message, { outputs });
    },
    stop: async (begun, _inputs, context) => {
      await callAws(context.aws, {
        service: 'ssm',
        operation: 'StopAutomationExecution',
        params: { AutomationExecutionId: idOf(begun), Type: 'Cancel' },
        signal: context.signal,
      });
    },
  },
  undo: {
    kind: 'none',
    reason: 'the service ran it, and does not tell what it changed',
    leavesChange: true,
  },
  flow: 'child',
});

function refuseSecrets({ DocumentName, RuntimeParameters }: Inputs, context: ActionContext): void {
  if (!context.isSecret((RuntimeParameters ?? null) as Json)) return;
  throw new ActionFailure({
    code: 'SECRET_IN_COMMAND',
    message: `a secret is in the RuntimeParameters of ${DocumentName}, which Systems Manager runs, and it would keep them where others read them; nothing was started`,
  });
}

/** By its name alone: a document that AWS owns, or an ARN. */
export function isOfService(name: string): boolean {
  return /^(?:arn:|AWS(?:Support|ConfigRemediation|DocumentDB|EC2|Kinesis|Migration|SAP|QuickSetup|FleetManager|QuickStarts)?-)/.test(
    name,
  );
}

/** As StartAutomationExecution takes parameters: lists of texts. */
function startOf(
  { DocumentName, DocumentVersion, RuntimeParameters = {}, ...control }: Inputs,
  { token, signal }: ActionContext,
): AwsCall {
  const given = Object.entries(RuntimeParameters as JsonObject);
  return {
    service: 'ssm',
    operation: 'StartAutomationExecution',
    params: {
      DocumentName,
      ...(DocumentVersion === undefined ? {} : { DocumentVersion: String(DocumentVersion) }),
      Parameters: Object.fromEntries(
        given.map(([name, value]) => [
          name,
          (Array.isArray(value) ? (value as readonly Json[]) : [value]).map(embeddedText),
        ]),
      ),
      ...rateControlOf(control),
      ...(control.Tags === undefined ? {} : { Tags: control.Tags }),
      ClientToken: uuidOf(token),
    },
    signal,
  };
}

/** The service goes over targets itself. */
function rateControlOf({
  Targets,
  TargetParameterName,
  TargetMaps,
  MaxConcurrency,
  MaxErrors,
  TargetLocations,
}: Omit<Inputs, 'DocumentName'>): JsonObject {
  return {
    ...(Targets === undefined ? {} : { Targets: Targets as Json }),
    ...(TargetMaps === undefined ? {} : { TargetMaps: TargetMaps as Json }),
    ...(TargetParameterName === undefined ? {} : { TargetParameterName }),
    ...(MaxConcurrency === undefined ? {} : { MaxConcurrency: String(MaxConcurrency) }),
    ...(MaxErrors === undefined ? {} : { MaxErrors: String(MaxErrors) }),
    ...(TargetLocations === undefined ? {} : { TargetLocations: TargetLocations as Json }),
  };
}

/** The service wants a UUID; the token ends in hex digits that name the effect. */
function uuidOf(token: string): string {
  const hex = token
    .replaceAll(/[^0-9a-f]/g, '')
    .slice(-32)
    .padStart(32, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function idIn(reply: JsonObject): string {
  const id = reply['AutomationExecutionId'];
  if (typeof id === 'string' && id !== '') return id;
  throw new ActionFailure({
    code: 'BAD_REPLY',
    message: 'Systems Manager gave no id of the execution that it was to start',
    effect: 'unknown',
  });
}

function handleOf(reply: JsonObject, context: ActionContext): Handle {
  return { Id: idIn(reply), FoundAt: context.now() };
}

const idOf = (handle: Handle): string => (typeof handle === 'string' ? handle : handle.Id);

/** Undefined: it was begun a moment ago, and the service does not know it everywhere yet. */
async function automation(handle: Handle, context: ActionContext): Promise<JsonObject | undefined> {
  const { aws, signal } = context;
  const id = idOf(handle);
  const call = {
    service: 'ssm',
    operation: 'GetAutomationExecution',
    params: { AutomationExecutionId: id },
    signal,
  };
  const reply = await callAws(aws, call).catch((error: unknown) => {
    const isNew = typeof handle !== 'string' && context.now() - handle.FoundAt < settleMs;
    if (isNew && error instanceof AwsFailure && error.code.startsWith('AutomationExecutionNotFound'))
      return undefined;
    throw error;
  });
  if (reply === undefined) return undefined;
  const { AutomationExecution: execution } = reply;
  if (isJsonObject(execution)) return execution;
  throw new ActionFailure({ code: 'BAD_REPLY', message: `Systems Manager told nothing of execution ${id}` });
}

/** In the order in which the service tells them. */
function outputsIn({ Outputs: outputs }: JsonObject): string[] {
  if (!isJsonObject(outputs)) return [];
  return Object.values(outputs).flatMap((values) =>
    Array.isArray(values) ? (values as readonly Json[]).map(embeddedText) : [],
  );
}
