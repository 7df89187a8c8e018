/**
 * An Aws that knows SSM's Run Command only and really runs the commands, on this machine, as the agent would: a script
 * file under `sh`, output cut at what the service keeps, invocations that are unknown at first, replies that get lost.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Aws, AwsCall, JsonObject } from '../../../src/transports/aws.ts';
import { AwsFailure } from '../../../src/transports/aws.ts';
import type { Json } from '../../../src/json.ts';
import { isJsonObject } from '../../../src/json.ts';

const stdoutCharactersMax = 24_000;
const stderrCharactersMax = 8_000;

/** What the next calls of an operation do instead of answering. */
export type Fault =
  /** The service acts and the reply is lost. */
  | 'lost-reply'
  /** The connection breaks before the service has seen the call. */
  | 'lost-request'
  | 'throttled'
  | 'denied'
  | 'not-connected'
  /** The agent never takes the command. */
  | 'undeliverable';

interface Invocation {
  readonly id: string;
  readonly instanceId: string;
  readonly comment: string;
  readonly sentAt: number;
  status: string;
  stdout: string;
  stderr: string;
}

export interface SsmFake {
  readonly aws: Aws;
  /** Parameters of every SendCommand that the service saw. */
  readonly sent: JsonObject[];
  readonly calls: string[];
  /** For the next calls of the operation, one fault each. */
  fault(operation: string, ...faults: Fault[]): void;
  /** For how long an accepted command is unknown to GetCommandInvocation and ListCommands. */
  unknownMs: number;
  /** Instances whose agent does not tell a script where it runs. */
  readonly unnamed: Set<string>;
  close(): void;
}

export function ssmFake(...instanceIds: string[]): SsmFake {
  const folder = mkdtempSync(join(tmpdir(), 'belay-ssm-'));
  const invocations = new Map<string, Invocation[]>();
  const all = (): Invocation[] => [...invocations.values()].flat();
  const isKnown = ({ sentAt }: Invocation): boolean => Date.now() - sentAt >= fake.unknownMs;
  const faults = new Map<string, Fault[]>();
  const fake: SsmFake = {
    aws: {
      call: async (call) => answer(call),
      identity: () => Promise.reject(new Error('nobody asks who calls')),
      assume: () => fake.aws,
    },
    sent: [],
    calls: [],
    unknownMs: 150,
    unnamed: new Set(),
    fault: (operation, ...more) => {
      faults.set(operation, [...(faults.get(operation) ?? []), ...more]);
    },
    close: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };

  async function answer({ service, operation, params, signal }: AwsCall): Promise<JsonObject> {
    signal?.throwIfAborted();
    if (service !== 'ssm') throw new Error(`unexpected service ${service}`);
    fake.calls.push(operation);
    const fault = faults.get(operation)?.shift();
    if (fault !== undefined && fault !== 'lost-reply' && fault !== 'undeliverable') throw refusal(fault);
    const reply = act(operation, params, fault);
    if (fault === 'lost-reply') throw refusal(fault);
    return Promise.resolve(reply);
  }

  function act(operation: string, params: JsonObject, fault: Fault | undefined): JsonObject {
    switch (operation) {
      case 'SendCommand':
        return sendCommand(params, fault);
      case 'GetCommandInvocation': {
        const invocation = (invocations.get(textOf(params['CommandId'])) ?? []).find(
          ({ instanceId }) => instanceId === params['InstanceId'],
        );
        if (invocation === undefined || !isKnown(invocation)) {
          throw failure('InvocationDoesNotExist', 'no such invocation');
        }
        return {
          Status: invocation.status,
          StatusDetails: invocation.status,
          StandardOutputContent: invocation.stdout,
          StandardErrorContent: invocation.stderr,
        };
      }
      case 'ListCommandInvocations': {
        const listed = (invocations.get(textOf(params['CommandId'])) ?? []).filter(isKnown);
        return {
          CommandInvocations: listed.map(({ instanceId, status, stdout }) => ({
            InstanceId: instanceId,
            Status: status,
            CommandPlugins: [{ Name: 'aws:runShellScript', Status: status, Output: cut(stdout, 2_500) }],
          })),
        };
      }
      case 'ListCommands': {
        const newestFirst = all()
          .filter(isKnown)
          .toReversed()
          .map(({ id, comment }) => ({ CommandId: id, Comment: comment }));
        return { Commands: newestFirst };
      }
      case 'CancelCommand':
        return {};
      default:
        throw new Error(`unexpected operation ${operation}`);
    }
  }

  function sendCommand(params: JsonObject, fault: Fault | undefined): JsonObject {
    const { InstanceIds, DocumentName, Parameters, Comment } = params;
    const targets = Array.isArray(InstanceIds) ? (InstanceIds as readonly Json[]).map(textOf) : [];
    if (targets.length < 1 || targets.length > 50) throw failure('ValidationException', '1 to 50 instances');
    const stranger = targets.find((target) => !instanceIds.includes(target));
    if (stranger !== undefined || DocumentName !== 'AWS-RunShellScript') {
      throw failure('InvalidInstanceId', `unexpected target ${stranger ?? ''}`);
    }
    if (textOf(Comment).length > 100) throw failure('ValidationException', 'the comment is too long');
    if (JSON.stringify(Parameters).length > 64 * 1024)
      throw failure('MaxDocumentSizeExceeded', 'beyond 64 KB');
    fake.sent.push(params);
    const id = randomUUID();
    const sent = targets.map((instanceId) => ({
      id,
      instanceId,
      comment: textOf(Comment),
      sentAt: Date.now(),
      status: 'Pending',
      stdout: '',
      stderr: '',
    }));
    invocations.set(id, sent);
    const lines = linesOf(isJsonObject(Parameters) ? Parameters['commands'] : undefined);
    for (const invocation of sent) {
      if (fault === 'undeliverable') invocation.status = 'Undeliverable';
      else runAsAgent(folder, invocation, lines, fake.unnamed.has(invocation.instanceId));
    }
    return { Command: { CommandId: id } };
  }

  return fake;
}

function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw failure('ValidationException', 'no text where one belongs');
  return value;
}

function linesOf(commands: unknown): string {
  if (!Array.isArray(commands)) throw failure('InvalidParameters', 'commands is not a list');
  return commands.join('\n');
}

function runAsAgent(folder: string, invocation: Invocation, text: string, isUnnamed: boolean): void {
  const script = join(folder, `${invocation.id}.${invocation.instanceId}.sh`);
  writeFileSync(script, text, { mode: 0o700 });
  invocation.status = 'InProgress';
  const child = spawn('sh', [script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      ...(isUnnamed ? {} : { AWS_SSM_INSTANCE_ID: invocation.instanceId }),
    },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk));
  child.once('close', (code) => {
    invocation.stdout = cut(output.stdout, stdoutCharactersMax);
    invocation.stderr = cut(output.stderr, stderrCharactersMax);
    invocation.status = code === 0 ? 'Success' : 'Failed';
  });
}

function cut(output: string, charactersMax: number): string {
  const mark = '--output truncated--';
  return output.length <= charactersMax ? output : `${output.slice(0, charactersMax - mark.length)}${mark}`;
}

function refusal(fault: Fault): AwsFailure {
  switch (fault) {
    case 'lost-reply':
    case 'lost-request':
      return failure('NO_REPLY', 'the connection was reset', { retryable: true, effect: 'unknown' });
    case 'throttled':
      return failure('ThrottlingException', 'Rate exceeded', { retryable: true });
    case 'denied':
      return failure('AccessDeniedException', 'not authorized to perform: ssm:SendCommand');
    case 'not-connected':
      return failure('InvalidInstanceId', 'Instances not in a valid state for account');
    case 'undeliverable':
      return failure('InternalServerError', 'not an error of the API');
    default:
      return fault satisfies never;
  }
}

function failure(
  code: string,
  message: string,
  { retryable = false, effect = 'none' }: { retryable?: boolean; effect?: 'none' | 'unknown' } = {},
): AwsFailure {
  return new AwsFailure({ code, message, retryable, effect });
}
