/** A host that runs nothing: it begins a command once per token, says how long it runs, and how it ends. */
import { HostFailure, type Host, type HostScript } from '../../../../src/transports/host.ts';

export interface HostAnswer {
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** How often a poll says running first. */
  readonly rounds?: number;
  readonly transport?: Host['transport'];
  readonly instanceId?: string;
  /** The connection does not stand: nothing is begun. */
  readonly unreachable?: boolean;
  /** The first start arrives, and its answer does not. */
  readonly losesStart?: boolean;
  /** The first start does not arrive, and nobody knows. */
  readonly dropsStart?: boolean;
  /** It is begun and leaves no result. */
  readonly vanishes?: boolean;
}

export interface FakeHost extends Host {
  /** Scripts that were really begun, by token. */
  readonly begun: ReadonlyMap<string, HostScript>;
  readonly stopped: readonly string[];
  readonly forgotten: readonly string[];
}

export function fakeHost(name: string, answer: HostAnswer): FakeHost {
  const begun = new Map<string, HostScript>();
  const stopped: string[] = [];
  const forgotten: string[] = [];
  let rounds = answer.rounds ?? 0;
  let starts = 0;
  const trouble = (code: 'UNREACHABLE' | 'CONNECTION_LOST', effect: 'none' | 'unknown') =>
    new HostFailure({ code, message: `${name} cannot be reached: ${code}`, retryable: true, effect });
  return {
    name,
    label: `${name} (fake)`,
    transport: answer.transport ?? 'ssh',
    ...(answer.instanceId === undefined ? {} : { instanceId: answer.instanceId }),
    carriesSecrets: true,
    begun,
    stopped,
    forgotten,
    read: () => Promise.reject(trouble('UNREACHABLE', 'none')),
    dial: () => Promise.reject(trouble('UNREACHABLE', 'none')),
    start: (token, script) => {
      starts += 1;
      if (answer.unreachable === true) return Promise.reject(trouble('UNREACHABLE', 'none'));
      if (answer.dropsStart === true && starts === 1)
        return Promise.reject(trouble('CONNECTION_LOST', 'unknown'));
      if (!begun.has(token)) begun.set(token, script);
      if (answer.losesStart === true && starts === 1)
        return Promise.reject(trouble('CONNECTION_LOST', 'unknown'));
      return Promise.resolve();
    },
    poll: async (token, { from, sink }) => {
      if (!begun.has(token)) return { kind: 'absent' };
      const stdout = Buffer.from(answer.stdout ?? '').subarray(from.stdout);
      const stderr = Buffer.from(answer.stderr ?? '').subarray(from.stderr);
      if (stdout.length > 0) await sink.write('stdout', stdout);
      if (stderr.length > 0) await sink.write('stderr', stderr);
      const next = { stdout: from.stdout + stdout.length, stderr: from.stderr + stderr.length };
      if (answer.vanishes === true) return { kind: 'vanished', reason: 'the host was rebooted', next };
      if (rounds > 0 && !stopped.includes(token)) {
        rounds -= 1;
        return { kind: 'running', next };
      }
      return { kind: 'exited', exitCode: answer.code ?? 0, next };
    },
    stop: (token) => {
      stopped.push(token);
      return Promise.resolve();
    },
    forget: (token) => {
      forgotten.push(token);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
