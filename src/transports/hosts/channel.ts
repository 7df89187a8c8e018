/** What the protocol needs of a connection: a shell on the host whose three streams it owns. */
import type { Duplex, Readable, Writable } from 'node:stream';
import type { Host, HostFailure } from '../host.ts';
import type { HostShell } from './protocol/shell.ts';

/** One command line that runs on the host. */
export interface Session {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with the exit code, undefined where a signal ended it; never rejects. */
  readonly ended: Promise<number | undefined>;
  /** Ends this side of it. Harmless when it has ended. */
  kill(): void;
  /** From now on it does not keep this process alive; what waits for it does. */
  unref?(): void;
}

/** A session that ended before the whole answer had come. */
export interface BrokenSession {
  /** Whether the program on the host had begun to speak. */
  readonly begun: boolean;
  readonly exitCode: number | undefined;
  /** What came on standard error, the last 64 KiB of it. */
  readonly stderr: string;
  /** What came on standard output, where that is told apart. */
  readonly stdout?: string;
  /** How often the same request has been tried, this time included. */
  readonly attempt: number;
}

export interface Channel {
  readonly shell: HostShell;
  /** Connects where needed and starts the protocol's opening line. Rejects with HostFailure, then nothing was sent. */
  open(options: { readonly become: 'none' | 'sudo'; readonly signal: AbortSignal }): Promise<Session>;
  /** How far a connection has come that is being made, as the end of a sentence; undefined: there is none. */
  readonly seen?: () => string | undefined;
  /** Why it broke; `again` when the request never reached the host and a new session may. */
  explain(broken: BrokenSession): Promise<HostFailure | 'again'>;
  /** As Host says. */
  dial(...dialled: Parameters<Host['dial']>): Promise<Duplex>;
  /** As Host says; missing where no key leads to the host. */
  readonly proveKey?: Host['proveKey'];
  close(): Promise<void>;
}
