/**
 * aws:runCommand: one command on many targets. Instance ids and tags go through SSM's SendCommand; hosts of the inventory
 * that SSM does not carry are reached over their own transport. Both halves run under one token and end as one.
 */
import { Type } from 'typebox';
import { isExpression, referencesIn } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { canNameHost, type Host } from '../../transports/host.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { hostRun } from './command/host-run.ts';
import { anyBegun, followHosts, forgetOnHosts, startOnHosts, stopOnHosts } from './command/host-half.ts';
import type { NotStarted, Readings } from './command/host-half.ts';
import {
  checkRunCommand,
  documentNameOf,
  isInstanceId,
  runCommandInputs,
  runCommandInSsm,
  shellRun,
  withTargets,
  type RunCommandInputs,
  type ShellRun,
} from './command/inputs.ts';
import { failureSentence, type Invocation } from './command/output.ts';
import { cancelWaves, findWaves, followWaves, sendWaves, type Sent, type Wave } from './command/ssm-waves.ts';

type Handle = {
  readonly Token: string;
  /** Null: nothing goes through SSM. */
  readonly CommandId: string | null;
  /** In ms since 1970. */
  readonly StartedAt: number;
  /** Of the SSM half, in the command above; empty with Targets. */
  readonly Instances: readonly string[];
  /** Further commands, where one takes too few instances. */
  readonly More?: readonly Wave[];
  readonly Hosts: readonly string[];
  /** Those of Hosts where nobody knows whether it began. */
  readonly Unsure: readonly string[];
  readonly NotStarted: NotStarted;
  /** What runs on Hosts. Absent in handles of Belay 0.1: AWS-RunShellScript. */
  readonly TimeoutSeconds?: number;
  readonly Plugins?: number;
};

type Outputs = {
  readonly CommandId: string;
  readonly Status: string;
  readonly ResponseCode: number | null;
  readonly Output: string | null;
};

/** Listings of SSM may lag behind SendCommand by so much. */
const settleMs = 15_000;
const pollMs = 2_000;

export const runCommand = defineAction({
  name: 'aws:runCommand',
  summary: 'Runs a Command document on instances through SSM, and on hosts of the inventory by itself.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-runcommand.html',
  example: `
- name: ReloadNginx
  action: aws:runCommand
  inputs:
    DocumentName: AWS-RunShellScript
    InstanceIds: ['{{ InstanceId }}', lb1]
    Parameters:
      commands: [nginx -t, systemctl reload nginx]
      executionTimeout: '60'
`,
  inputs: runCommandInputs,
  outputs: strictObject({
    CommandId: Type.String({
      description: "SSM's id of the command, or Belay's token where SSM carried nothing.",
    }),
    Status: Type.String(),
    ResponseCode: Type.Union([Type.Integer(), Type.Null()], {
      description: 'The exit code; null unless there is exactly one target and the document has one step.',
    }),
    Output: Type.Union([Type.String(), Type.Null()], {
      description:
        'At most 2,500 characters, as SSM cuts them; null like ResponseCode. All of it is in the log.',
    }),
  }),
  timeoutSeconds: undefined,
  listMaxInSsm: { InstanceIds: 50 },
  permissions: (inputs) =>
    mayUseSsm(inputs)
      ? [
          'ssm:SendCommand',
          'ssm:ListCommands',
          'ssm:GetCommandInvocation',
          'ssm:ListCommandInvocations',
          'ssm:CancelCommand',
        ]
      : [],
  targets: ({ InstanceIds, Targets }) =>
    InstanceIds ?? (Targets ?? []).map(({ Key, Values }) => `${Key}=${Values.join(',')}`),
  hasHostTargets: true,
  check: (inputs, tools) => checkRunCommand(inputs, (value) => tools.isExpression(value)),
  checkInSsm: runCommandInSsm,
  typesHoldInSsm: true,
  ready: async (inputs, context) => {
    const { DocumentName, InstanceIds = [] } = inputs;
    if (isExpression(DocumentName) || !Array.isArray(InstanceIds)) return;
    const known = InstanceIds.filter((id) => !isExpression(id) && canNameHost(id));
    const { hosts } = split({ ...inputs, InstanceIds: known }, context);
    if (hosts.length === 0) return;
    await hostRun(isUnresolved(inputs.Parameters) ? { DocumentName } : inputs, context).catch(
      (error: unknown) => {
        // Values that only steps can tell are looked at when they are there.
        if (
          error instanceof ActionFailure &&
          error.code === 'BAD_PARAMETERS' &&
          isUnresolved(inputs.Parameters)
        )
          return;
        throw error;
      },
    );
  },

  effect: {
    kind: 'begun',
    begin: async (given, _before, context): Promise<Handle> => {
      const inputs = withTargets(given);
      refuseSecrets(inputs, context);
      const { instances, hosts } = split(inputs, context);
      const run = hosts.length === 0 ? shellRun({}) : await hostRun(inputs, context);
      // SSM first: when it refuses, nothing has begun anywhere.
      const usesSsm = inputs.Targets !== undefined || instances.length > 0;
      const sent = usesSsm ? await sendWaves(inputs, instances, context) : nothingSent;
      const started = await startOnHosts(hosts, run, context);
      const refused = Object.values(started.notStarted)[0];
      if (refused !== undefined && !usesSsm && started.hosts.length === 0) throw new ActionFailure(refused);
      return {
        Token: context.token,
        ...commandsOf(sent),
        StartedAt: context.now(),
        Hosts: started.hosts,
        Unsure: started.unsure,
        NotStarted: { ...sent.notSent, ...started.notStarted },
        ...boundsOf(run),
      };
    },
    adopt: async (given, _before, context) => {
      const inputs = withTargets(given);
      const { instances, hosts } = split(inputs, context);
      const usesSsm = inputs.Targets !== undefined || instances.length > 0;
      const sent = usesSsm ? await findWaves(inputs, instances, context) : nothingSent;
      if (sent === undefined) return { kind: 'absent' };
      if (!usesSsm && !(await anyBegun(hosts, context))) return { kind: 'absent' };
      const handle: Handle = {
        Token: context.token,
        ...commandsOf(sent),
        StartedAt: context.now(),
        Hosts: hosts.map(({ name }) => name),
        Unsure: hosts.map(({ name }) => name),
        NotStarted: sent.notSent,
        // What is begun goes on, whatever has become of the document's file since.
        ...(await hostRun(inputs, context).then(boundsOf, () => ({}))),
      };
      return { kind: 'running', handle };
    },
    poll: (handle: Handle, inputs, _before, context) => follow(handle, inputs, context),
    stop: async (handle, _inputs, context) => {
      await Promise.all([
        cancelWaves(wavesOf(handle), context),
        stopOnHosts(hostsNamed(handle.Hosts, context), handle.Token, context.signal),
      ]);
    },
    release: (handle, _inputs, context) => {
      const { Token: token, Hosts } = handle;
      const forgotten = { token, readings: readingsIn(context) };
      return forgetOnHosts(hostsNamed(Hosts, context), forgotten, context.signal);
    },
    settleMs,
  },
  undo: {
    kind: 'none',
    reason: 'nobody but its author knows what a command changed; give the step an undo: of its own',
    leavesChange: true,
  },
});

async function follow(
  handle: Handle,
  inputs: RunCommandInputs,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  const { Token, CommandId, StartedAt, Hosts, Unsure, NotStarted } = handle;
  const readings = readingsIn(context);
  const { TimeoutSeconds = shellRun(inputs.Parameters).timeoutSeconds, Plugins: plugins = 1 } = handle;
  const run = (): Promise<ShellRun> => hostRun(inputs, context);
  const asked = {
    token: Token,
    run,
    timeoutSeconds: TimeoutSeconds,
    plugins,
    startedAt: StartedAt,
    unsure: Unsure,
    readings,
  };
  const onHosts = await followHosts(hostsNamed(Hosts, context), asked, context);
  const overSsm = await followWaves(wavesOf(handle), StartedAt, context);
  const notices = onHosts.running.length === 0 ? [] : [`the command runs on ${onHosts.running.join(', ')}`];
  if (overSsm.kind === 'running') return pending(pollMs, [...notices, overSsm.notice].join('; '));
  if (onHosts.running.length > 0) return pending(100, notices.join());
  const invocations = [
    ...overSsm.invocations,
    ...onHosts.ended,
    ...Object.entries(NotStarted).map(([target, { code, message }]) => notStarted(target, code, message)),
  ];
  const isSuccess = overSsm.status === 'Success' && invocations.every(({ status }) => status === 'Success');
  const only = invocations.length === 1 && invocations[0]?.output !== null ? invocations[0] : undefined;
  const outputs: Outputs = {
    CommandId: CommandId ?? Token,
    Status: isSuccess ? 'Success' : overSsm.status === 'Success' ? 'Failed' : overSsm.status,
    ResponseCode: only?.exitCode ?? null,
    Output: only?.output ?? null,
  };
  if (isSuccess) return done(outputs);
  return failed('COMMAND_FAILED', failureSentence(documentNameOf(inputs.DocumentName), invocations), {
    outputs,
  });
}

/** What has been read of the hosts' output; a new runner reads from the start. */
function readingsIn(context: ActionContext): Readings {
  return context.kept('readings', (): Readings => new Map());
}

const nothingSent: Sent = { waves: [], notSent: {} };

function commandsOf({ waves: [first, ...others] }: Sent): Pick<Handle, 'CommandId' | 'Instances' | 'More'> {
  return {
    CommandId: first?.CommandId ?? null,
    Instances: first?.Instances ?? [],
    ...(others.length > 0 ? { More: others } : {}),
  };
}

function wavesOf({ CommandId, Instances, More = [] }: Handle): readonly Wave[] {
  return CommandId === null ? [] : [{ CommandId, Instances }, ...More];
}

function notStarted(target: string, code: string, message: string): Invocation {
  return { target, status: code, exitCode: null, output: null, said: message };
}

/**
 * Who carries the command to which target. What the inventory knows under a name or an id goes over the transport that it
 * states there; everything else that is an instance id goes through SSM.
 */
function split(
  { InstanceIds, DocumentName }: RunCommandInputs,
  context: Pick<ActionContext, 'host'>,
): { readonly instances: readonly string[]; readonly hosts: readonly Host[] } {
  const instances = new Set<string>();
  const hosts = new Map<string, Host>();
  for (const target of InstanceIds ?? []) {
    const host = context.host(target);
    const instance = isInstanceId(target) ? target : host.instanceId;
    // SSM knows no file of this machine: over its own shell, the host runs it as any other does.
    if (host.transport === 'ssm' && instance !== undefined && !isDocumentFile(DocumentName))
      instances.add(instance);
    else hosts.set(host.name, host);
  }
  return { instances: [...instances], hosts: [...hosts.values()] };
}

function boundsOf({ timeoutSeconds, plugins = 1 }: ShellRun): Pick<Handle, 'TimeoutSeconds' | 'Plugins'> {
  return { TimeoutSeconds: timeoutSeconds, Plugins: plugins };
}

function hostsNamed(names: readonly string[], context: ActionContext): readonly Host[] {
  return names.map((name) => context.host(name));
}

function refuseSecrets({ Parameters, Comment }: RunCommandInputs, context: ActionContext): void {
  if (!context.isSecret([Parameters ?? null, Comment ?? null])) return;
  throw new ActionFailure({
    code: 'SECRET_IN_COMMAND',
    message:
      'a secret is in the Parameters of aws:runCommand, where SSM would store it and every user of the host could read it; nothing was run. Use host:command and pass it through Env',
  });
}

/** A path of this machine instead of a name. */
function isDocumentFile(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name);
}

function isUnresolved(parameters: RunCommandInputs['Parameters']): boolean {
  return parameters !== undefined && referencesIn(parameters).length > 0;
}

/** Inputs as written: an expression may become an instance id. */
function mayUseSsm({ InstanceIds, Targets }: JsonObject | RunCommandInputs): boolean {
  if (Targets !== undefined || !Array.isArray(InstanceIds)) return true;
  return (InstanceIds as readonly Json[]).some(
    (target) =>
      typeof target !== 'string' || target.includes('{{') || isInstanceId(target) || isJsonObject(target),
  );
}
