/**
 * The ssm transport: the same protocol over SendCommand. Each request is one command of AWS-RunShellScript whose
 * output, base64, is the reply; output beyond what one invocation keeps is fetched by further requests. Hosts that are asked the
 * same at once are asked by one command (ssm-waves.ts), and a command that ends soon is begun, waited for and read by one.
 *
 * Everything that is sent stands in SendCommand's parameters, which AWS stores and shows: values that are secret are
 * refused. The agent runs as root, so `become` changes nothing.
 */
import type { Aws } from '../aws.ts';
import type { DialTarget, Host, HostAddress, HostScript } from '../host.ts';
import { HostFailure } from '../host.ts';
import { cancelled, hostFailure, notOverSsh } from './failure.ts';
import type { HostShell } from './protocol/shell.ts';
import { defaultShell } from './protocol/shell.ts';
import { folderOf, newNonce } from './protocol/token.ts';
import { SsmCommands } from './ssm-commands.ts';
import type { SsmTarget } from './ssm-exchange.ts';
import { ssmStop } from './ssm-follow.ts';
import { ssmRead, tidyRead } from './ssm-read.ts';
import { SsmWaves } from './ssm-waves.ts';

/** How much of each stream of a command is fetched; the rest stays on the host, and the log says so. */
export const ssmStreamBytesMax = 1024 * 1024;

/** Only tests have reason to change them. */
export interface SsmOptions {
  readonly shell?: HostShell;
  readonly streamBytesMax?: number;
}

/** All hosts that are reached over SSM in one account and region. */
export class SsmNetwork {
  readonly #waves: SsmWaves;

  constructor(aws: Aws) {
    this.#waves = new SsmWaves(aws);
  }

  /** Throws TypeError for an address without an instance. */
  host(address: HostAddress, options: SsmOptions = {}): Host {
    return ssmHost(address, this.#waves, options);
  }
}

function ssmHost(address: HostAddress, waves: SsmWaves, options: SsmOptions): Host {
  const { shell = defaultShell, streamBytesMax = ssmStreamBytesMax } = options;
  const { name, instanceId = name } = address;
  if (!/^m?i-[0-9a-f]+$/.test(instanceId)) {
    throw new TypeError(`${name} is reached over SSM and has no instance id`);
  }
  const label = instanceId === name ? `${name} (over SSM)` : `${name} (${instanceId} over SSM)`;
  const target: SsmTarget = { waves, instanceId, shell, host: label, name, toForget: [] };
  const commands = new SsmCommands(target, streamBytesMax);

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
      await commands.start(token, script, signal);
    },
    poll: (token, polling) => commands.poll(token, polling),
    stop: (token, { signal }) => ssmStop(target, { token, folder: folderOf(token) }, signal),
    forget: (token, { signal }) => commands.forget(token, signal),
    dial: async (to) => {
      throw dialForbidden(target, to);
    },
    proveKey: () => notOverSsh(label, name),
    close: async () => {
      await Promise.all([...tidying, commands.close()]);
    },
  };
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
    what: 'the script carries secret values, and over SSM they would be in the parameters of SendCommand, which AWS stores and shows',
    next: 'Reach the host by ssh, or let the host fetch the secret itself (Parameter Store, Secrets Manager).',
  });
}
