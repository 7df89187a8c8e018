/**
 * The ssm transport: the same protocol over SendCommand. Each request is one command of AWS-RunShellScript whose
 * output, base64, is the reply; output beyond what one invocation keeps is fetched by further requests.
 *
 * Everything that is sent stands in SendCommand's parameters, which AWS stores and shows: values that are secret are
 * refused. The agent runs as root, so `become` changes nothing.
 */
import type { Aws } from '../aws.ts';
import type { CommandState, DialTarget, Host, HostAddress, HostScript, OutputSink } from '../host.ts';
import { HostFailure } from '../host.ts';
import { cancelled, hostFailure, notOverSsh } from './failure.ts';
import type { Reply } from './protocol/reply.ts';
import type { HostShell } from './protocol/shell.ts';
import { defaultShell } from './protocol/shell.ts';
import { startRequest } from './protocol/one-shot.ts';
import { neverAnswered } from './protocol/state.ts';
import { folderOf, newNonce } from './protocol/token.ts';
import type { SsmTarget } from './ssm-exchange.ts';
import { ssmExchange } from './ssm-exchange.ts';
import type { SsmPoll } from './ssm-follow.ts';
import { ssmForget, ssmPoll, ssmStop } from './ssm-follow.ts';
import { ssmRead, tidyRead } from './ssm-read.ts';

/** How much of each stream of a command is fetched; the rest stays on the host, and the log says so. */
export const ssmStreamBytesMax = 1024 * 1024;

/** Only tests have reason to change them. */
export interface SsmOptions {
  readonly shell?: HostShell;
  readonly streamBytesMax?: number;
}

/** Throws TypeError for an address without an instance. */
export function ssmHost(address: HostAddress, aws: Aws, options: SsmOptions = {}): Host {
  const { shell = defaultShell, streamBytesMax = ssmStreamBytesMax } = options;
  const { name, instanceId = name } = address;
  if (!/^m?i-[0-9a-f]+$/.test(instanceId)) {
    throw new TypeError(`${name} is reached over SSM and has no instance id`);
  }
  const label = instanceId === name ? `${name} (over SSM)` : `${name} (${instanceId} over SSM)`;
  const target: SsmTarget = { aws, instanceId, shell, host: label, name };
  const commandOf = (token: string) => ({ token, folder: folderOf(token) });

  const tidying = new Set<Promise<void>>();
  /** The caller has its answer and does not wait; `close` does. */
  const tidyLater = (nonce: string): void => {
    const done = tidyRead(target, nonce)
      .catch(() => {})
      .finally(() => tidying.delete(done));
    tidying.add(done);
  };

  return {
    name,
    label,
    transport: 'ssm',
    instanceId,
    carriesSecrets: false,

    read: async (script, { signal, timeoutMs }) => {
      refuseSecrets(target, script);
      const nonce = newNonce();
      try {
        return await ssmRead(target, script, { nonce, signal, timeoutMs });
      } catch (error) {
        if (!(error instanceof HostFailure) || error.effect === 'unknown') tidyLater(nonce);
        if (signal.aborted) throw cancelled(label, signal.reason);
        throw error;
      }
    },

    start: async (token, script, { signal }) => {
      refuseSecrets(target, script);
      const nonce = newNonce();
      const bytes = startRequest(shell, folderOf(token), nonce, { token, script });
      const { words } = await ssmExchange(target, { verb: 'start', about: token, bytes, nonce, signal });
      if (words !== 'begun' && words !== 'already') neverAnswered(words, label);
    },

    poll: (token, polling) => pollAndClose(target, token, { ...polling, streamBytesMax }),
    stop: (token, { signal }) => ssmStop(target, commandOf(token), signal),
    forget: (token, { signal }) => ssmForget(target, commandOf(token), signal),
    dial: async (to) => {
      throw dialForbidden(target, to);
    },
    proveKey: () => notOverSsh(label, name),
    close: async () => {
      await Promise.all(tidying);
    },
  };
}

/** Writes a last line to the sink for each stream that was cut at its limit, once the command has ended. */
async function pollAndClose(target: SsmTarget, token: string, polling: SsmPoll): Promise<CommandState> {
  const folder = folderOf(token);
  const { state, reply } = await ssmPoll(target, { token, folder }, polling);
  if (state.kind !== 'exited' && state.kind !== 'vanished') return state;
  const next = { ...state.next };
  for (const stream of ['stdout', 'stderr'] as const) {
    const left = leftOf(reply, stream, next[stream]);
    if (left === 0) continue;
    const { stateBase } = target.shell;
    const root = stateBase === undefined ? '/var/lib/belay' : `${stateBase}/belay-0`;
    const where = `${root}/${folder}/${stream}`;
    await closeStream(
      polling.sink,
      stream,
      `${left} more bytes were not fetched over SSM; they are on the host in ${where}`,
    );
    next[stream] += left;
  }
  return { ...state, next };
}

function leftOf({ sizes }: Reply, stream: 'stdout' | 'stderr', fetched: number): number {
  return Math.max(0, (sizes?.[stream] ?? 0) - fetched);
}

async function closeStream(sink: OutputSink, stream: 'stdout' | 'stderr', why: string): Promise<void> {
  await sink.write(stream, Buffer.from(`\n[belay: ${why}]\n`));
}

function dialForbidden({ host, name }: SsmTarget, { address, port }: DialTarget): HostFailure {
  return hostFailure({
    host,
    name,
    code: 'DIAL_FORBIDDEN',
    what: `connecting to ${address} port ${port} from it needs a connection to the host, and SendCommand carries only commands`,
    next: 'Give the host transport: ssh in belay.yaml, with via: where it lies behind a bastion.',
  });
}

function refuseSecrets({ host, name }: SsmTarget, script: HostScript): void {
  if (script.secret !== true) return;
  throw hostFailure({
    host,
    name,
    code: 'SECRET_OVER_SSM',
    what: 'the script carries secret values, and over SSM they would stand in SendCommand parameters, which AWS stores and shows',
    next: 'Reach the host by ssh, or let the host fetch the secret itself (Parameter Store, Secrets Manager).',
  });
}
