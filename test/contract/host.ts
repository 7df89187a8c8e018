/**
 * What every transport that really runs shell text must do. A test file of a transport calls `hostContract` with a
 * way to open the host; the suite changes nothing on it outside a folder of its own and the state of its tokens.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Host } from '../../src/transports/host.ts';
import { dialContract } from './host/dial.ts';
import { followContract } from './host/follow.ts';
import { readContract } from './host/read.ts';
import { startContract } from './host/start.ts';
import { stopContract } from './host/stop.ts';

export interface Listener {
  readonly port: number;
  /** What it says first, or undefined where it says back what it is told. */
  readonly greeting?: RegExp;
}

export interface OpenedHost {
  readonly host: Host;
  /** The same host, reached as another runner would reach it. */
  readonly other: Host;
  /** Ends every connection of both, as a broken network does. Missing where there are none. */
  readonly cut?: () => Promise<void>;
  /** Something on the host that answers TCP connections, for the suite's part on dialling. */
  readonly listener?: Listener;
  /** Ends what the factory started. */
  close(): Promise<void>;
}

export interface HostCapabilities {
  /** Why the suite cannot run here. */
  readonly skip?: string;
  /** The parts of the suite to run; all of them where nothing is said. */
  readonly parts?: readonly (keyof typeof parts)[];
  /** Whether a request takes milliseconds, so that hundreds of them may be made. */
  readonly fast: boolean;
  /** Whether commands ignore SIGINT, because the host has no `setsid -f` (BusyBox). */
  readonly ignoresInterrupt?: boolean;
  /** How much of a stream is fetched, where the transport has a limit. */
  readonly streamBytesMax?: number;
  /** How long one test may take, where requests are slow. */
  readonly timeoutMs?: number;
}

/** What the parts of the suite share. */
export interface Suite {
  readonly capabilities: HostCapabilities;
  readonly timeoutMs: number;
  readonly opened: () => OpenedHost;
  /** A folder on the host for the test's own files, made before the first test and removed after the last. */
  readonly folder: () => string;
}

const parts = {
  read: readContract,
  start: startContract,
  follow: followContract,
  stop: stopContract,
  dial: dialContract,
} as const satisfies Record<string, (suite: Suite) => void>;

const readOptions = { signal: new AbortController().signal, timeoutMs: 60_000 };

export function hostContract(
  name: string,
  factory: () => Promise<OpenedHost>,
  capabilities: HostCapabilities,
): void {
  const title = capabilities.skip === undefined ? name : `${name} (skipped: ${capabilities.skip})`;
  describe.skipIf(capabilities.skip !== undefined)(title, () => {
    const state: { opened?: OpenedHost; folder?: string } = {};
    const timeoutMs = capabilities.timeoutMs ?? 60_000;

    beforeAll(async () => {
      state.opened = await factory();
      const folder = `/tmp/belay-contract-${randomBytes(6).toString('hex')}`;
      await state.opened.host.read({ text: 'mkdir -m 700 "$1"', args: [folder] }, readOptions);
      state.folder = folder;
    }, timeoutMs);

    afterAll(async () => {
      try {
        if (state.folder !== undefined) {
          await state.opened?.host.read({ text: 'rm -rf "$1"', args: [state.folder] }, readOptions);
        }
      } finally {
        await state.opened?.close();
      }
    }, timeoutMs);

    const suite: Suite = {
      capabilities,
      timeoutMs,
      opened: () => {
        if (state.opened === undefined) throw new Error('the host was not opened');
        return state.opened;
      },
      folder: () => {
        if (state.folder === undefined) throw new Error('the host has no folder for the tests');
        return state.folder;
      },
    };
    for (const [part, contract] of Object.entries(parts)) {
      if (capabilities.parts?.some((wanted) => wanted === part) ?? true) contract(suite);
    }
  });
}
