/**
 * The port through which Belay acts on a host. Three transports (local, ssh, ssm) and the sandbox implement it with
 * the same semantics; test/contract/host.ts holds them to it.
 *
 * Two ways to run a script: `read` for short questions that change nothing, and `start`/`poll`/`stop` for everything
 * that may change the host. A started command runs detached under its token: a dropped connection or a dead runner
 * re-attaches by the token and reads the first result; a second `start` under the same token does nothing.
 */
import type { Duplex } from 'node:stream';
import { TransportFailure } from './failure.ts';

export interface HostScript {
  /**
   * Names a script that Belay wrote itself (`service/observe`), so that the sandbox can model what it does.
   * Undefined for an author's shell text, which only real hosts can run.
   */
  readonly name?: string;
  /** POSIX sh, or any interpreter when it opens with `#!`. Values never go in here: they come as args, env or stdin. */
  readonly text: string;
  readonly args?: readonly string[];
  /** Travels over the connection's standard input: never in an argument list, never in a file. May hold secrets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Given to the script's standard input; same care as `env`. */
  readonly stdin?: Uint8Array;
  /** `env` or `stdin` hold secret values: a transport that a third party stores refuses them (SECRET_OVER_SSM). */
  readonly secret?: boolean;
  readonly workingDirectory?: string;
  /** Run as the connection's user even where the inventory says `become: sudo`. */
  readonly withoutBecome?: boolean;
}

export interface CommandResult {
  readonly exitCode: number;
  /** At most `readBytesMax`; a script that prints more fails with OUTPUT_TOO_LARGE. */
  readonly stdout: string;
  readonly stderr: string;
  /** What it printed is not what stands in `stdout`: some bytes are no UTF-8. Absent: it is. */
  readonly isGarbled?: true;
}

/** How many bytes of each stream a `read` may print. */
export const readBytesMax = 1024 * 1024;

export interface OutputOffsets {
  readonly stdout: number;
  readonly stderr: number;
}

/** Receives output as it comes. `write` may return a promise; the transport waits for it (back-pressure). */
export interface OutputSink {
  write(stream: 'stdout' | 'stderr', chunk: Uint8Array): void | Promise<void>;
}

export type CommandState =
  /** Nothing was ever begun under this token. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly next: OutputOffsets }
  /** Ended, and all of its output has been handed to the sink. 128 + n for signal n. */
  | { readonly kind: 'exited'; readonly exitCode: number; readonly next: OutputOffsets }
  /** It was begun, is gone and left no result: the host was rebooted, or the command was killed from outside. */
  | { readonly kind: 'vanished'; readonly reason: string; readonly next: OutputOffsets };

/** Where a connection from a host goes, as the host itself sees it: `127.0.0.1` is the host. */
export interface DialTarget {
  /** An address or a name that the host resolves. */
  readonly address: string;
  readonly port: number;
}

/**
 * Whether a host or an instance can be called so. Published runbooks have words such as `*` for a parameter, and branch on them before
 * the step that would take them for an id.
 */
export const canNameHost = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name);

export interface Host {
  /** The inventory's name, or the instance id. */
  readonly name: string;
  /** For people, in errors: `db1 (10.77.1.20 via bastion1)`. */
  readonly label: string;
  /** How it is reached: decides whether aws:runCommand goes over this port or over SSM's own SendCommand. */
  readonly transport: HostAddress['transport'];
  /** ssh: the address or name that is connected to, as the inventory has it. */
  readonly address?: string;
  /** The EC2 instance that the host is, where the inventory knows it or the host is named by it. */
  readonly instanceId?: string;
  /** Whether values of `env` and `stdin` reach the host without being stored by a third party. False for ssm. */
  readonly carriesSecrets: boolean;

  /** Runs a reading script to its end. Safe to repeat. Rejects with HostFailure. */
  read(
    script: HostScript,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<CommandResult>;

  /**
   * Starts a script detached under the token and resolves once the host has recorded that it began.
   * Repeatable: a token that has begun is left alone. Rejects with HostFailure; `effect: 'unknown'` when the
   * connection broke after sending.
   */
  start(token: string, script: HostScript, options: { readonly signal: AbortSignal }): Promise<void>;

  /**
   * Hands new output from `from` on to the sink, waits on the host up to `waitMs` for the end, and says how it stands.
   * Bounded memory whatever the command prints. A reply may come early. Rejects with HostFailure.
   */
  poll(
    token: string,
    options: {
      readonly from: OutputOffsets;
      readonly sink: OutputSink;
      readonly waitMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<CommandState>;

  /**
   * Stops the command and everything it started: TERM, after a grace of five seconds KILL, and resolves only when the
   * host confirms that no process of it lives. Harmless when it has ended. Rejects with HostFailure (STILL_RUNNING).
   * A token that never began is closed, so that a start still under way comes to nothing: `poll` then says `vanished`.
   */
  stop(token: string, options: { readonly signal: AbortSignal }): Promise<void>;

  /** Removes what `start` left on the host. Harmless when there is nothing; STILL_RUNNING while the command runs. */
  forget(token: string, options: { readonly signal: AbortSignal }): Promise<void>;

  /**
   * A TCP connection made from the host, its bytes carried here: what listens only behind a bastion or on the host's
   * loopback is asked without a tool on the host, and what is said over it stays in the memory of both ends. Resolves
   * when the host has connected. The caller destroys it; `close` ends what is left. Rejects with HostFailure
   * (PORT_REFUSED: the host is reached and nothing listens there).
   */
  dial(
    to: DialTarget,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<Duplex>;

  /**
   * Opens a connection of its own with nothing but this key, on the way that the inventory says (bastions with their own
   * keys), and tells whether the host accepts it. Nothing is run on the host; safe to repeat. Rejects with HostFailure
   * whenever that could not be found out: `refused` means that sshd was offered the key and said no, and nothing else.
   * NOT_OVER_SSH from hosts that are reached otherwise.
   */
  proveKey(
    key: KeyToProve,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<KeyProof>;

  /** Ends connections that this object opened. */
  close(): Promise<void>;
}

export interface KeyToProve {
  /** OpenSSH's or PEM's text, without a passphrase. It goes to an agent of its own over a pipe: no file, no argument list. */
  readonly privateKey: string;
  /** Whom to log in as; left out: as the inventory says. */
  readonly user?: string;
}

export interface KeyProof {
  readonly verdict: 'accepted' | 'refused';
  /** The public half: `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
}

export const hostFailureCodes = [
  /** No route, refused, name not found, connect timed out. */
  'UNREACHABLE',
  /** Connected, and then silence. */
  'NO_REPLY',
  'AUTH_REFUSED',
  'HOST_KEY_UNKNOWN',
  'HOST_KEY_CHANGED',
  /** Connected, and ssh's own record does not prove that the connection ends at the host that was asked for. */
  'HOST_NOT_PROVEN',
  /** Another machine answers under this name than the one that is meant. */
  'WRONG_HOST',
  /** A step over many hosts names this machine under two names. */
  'SAME_MACHINE',
  /** `become: sudo` asked for a password or was refused. */
  'SUDO_REFUSED',
  /** A tool that the transport itself needs is missing on the host or here. */
  'TOOL_MISSING',
  /** The host is reached, and nothing listens on the port that was dialled from it. */
  'PORT_REFUSED',
  /** The way to the host carries no connections made from it: sshd forbids forwarding, or it is reached over SSM. */
  'DIAL_FORBIDDEN',
  'CONNECTION_LOST',
  'OUTPUT_TOO_LARGE',
  /** The script with its args, env and stdin is more than the transport can carry. */
  'INPUT_TOO_LARGE',
  /** The folder in which the host keeps begun commands cannot be made, is full or belongs to somebody else. */
  'STATE_UNUSABLE',
  'STILL_RUNNING',
  /** The host can start no further process (ulimit -u, a control group, memory). */
  'NO_PROCESS',
  /** What the host said does not follow the protocol. */
  'BAD_REPLY',
  'SECRET_OVER_SSM',
  /** A key was to be proven on a host that no key leads to. */
  'NOT_OVER_SSH',
  /** The text is not a private key, or one with a passphrase. */
  'KEY_UNUSABLE',
  /** The sandbox was asked for something that it does not model. */
  'NOT_MODELLED',
  'TIMED_OUT',
  'CANCELLED',
] as const;
export type HostFailureCode = (typeof hostFailureCodes)[number];

/** Why the host could not be asked or told. A script that ran and said no is a CommandResult, not a failure. */
export class HostFailure extends TransportFailure<HostFailureCode> {
  override readonly name = 'HostFailure';
}

/** Who answered, as far as the host said so: each is null where it has none or it cannot be read. A host may lie. */
export interface HostIdentity {
  /** /etc/machine-id: 32 hex digits. Cloned machines may share it. */
  readonly machineId: string | null;
  /** Of the running kernel, a UUID: new with each boot, and the same in all containers of one machine. */
  readonly bootId: string | null;
  /** The process namespace, `pid:[4026531836]`: tells containers of one image on one machine apart. */
  readonly space: string | null;
  /** The EC2 instance, `i-0123456789abcdef0`. */
  readonly instanceId: string | null;
}

/** Called with who answered before anything else is done over a new connection. Throws HostFailure to refuse it. */
export type VerifyHost = (address: HostAddress, identity: HostIdentity) => void | Promise<void>;

/** Where a host is and how to get there; the inventory makes these. */
export interface HostAddress {
  readonly name: string;
  readonly transport: 'local' | 'ssh' | 'ssm';
  /** ssh: the address or name to connect to; defaults to `name`. */
  readonly address?: string;
  readonly port?: number;
  readonly user?: string;
  readonly identityFile?: string;
  /** ssh: where the host's key is known from, beside the user's own known_hosts files. Absolute. */
  readonly knownHostsFile?: string;
  /** ssh: bastions to jump through, first hop first; each is itself an ssh address. */
  readonly via?: readonly HostAddress[];
  readonly become: 'none' | 'sudo';
  /** ssm: the instance to send commands to; otherwise the instance that must answer, where it can be read. */
  readonly instanceId?: string;
  /** The machine-id that must answer. */
  readonly machineId?: string;
  readonly tags: Readonly<Record<string, string>>;
}
