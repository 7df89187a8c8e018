/** A command that Belay carries itself: a Command document's plugins as one shell script, detached on hosts under one token. */
import { captureOutput, type Capture } from '../../effects/capture.ts';
import {
  HostFailure,
  type CommandState,
  type Host,
  type HostScript,
  type OutputSink,
} from '../../../transports/host.ts';
import type { ActionContext } from '../../define-action.ts';
import { continuedRun, timedOutSentence } from './driver.ts';
import type { ShellRun } from './inputs.ts';
import { commandOutput, type Invocation } from './output.ts';
import { forgetRuns, rebootExitCode, rebootOnce, runToken, stopRuns } from './passes.ts';

/** How many hosts are asked at the same time: a question costs no process here, and new connections pace themselves. */
const hostsAtOnce = 64;
/** How long one round waits on the hosts for the command's end. */
const waitOnHostMs = 10_000;
/** What the agent keeps of standard output; enough for Output whatever the characters are. */
const headBytesMax = 24_000;
const tailBytesMax = 2_048;

/** A script ends with it to succeed and have what follows skipped. */
const successExitCode = 168;

export type Refusal = { readonly code: string; readonly message: string; readonly retryable: boolean };
export type NotStarted = { readonly [host: string]: Refusal };

export interface Started {
  readonly hosts: readonly string[];
  /** Those of the hosts whose start was not answered. */
  readonly unsure: readonly string[];
  /** Refused before anything ran there. */
  readonly notStarted: NotStarted;
}

/** Starts the text on every host. Where nobody knows whether it began, following it finds out. */
export async function startOnHosts(
  hosts: readonly Host[],
  run: ShellRun,
  { token, signal }: ActionContext,
): Promise<Started> {
  const started: string[] = [];
  const unsure: string[] = [];
  const notStarted: Record<string, Refusal> = {};
  await inBatches(hosts, async (host) => {
    try {
      await host.start(token, scriptOf(run), { signal });
      started.push(host.name);
    } catch (error) {
      if (!(error instanceof HostFailure)) throw error;
      if (error.effect === 'unknown') unsure.push(host.name);
      else notStarted[host.name] = refusalOf(error);
    }
  });
  return { hosts: [...started, ...unsure], unsure, notStarted };
}

function refusalOf({ code, message, retryable }: HostFailure): Refusal {
  return { code, message, retryable };
}

/** Throws the trouble with one host when no other says that it has begun. */
export async function anyBegun(hosts: readonly Host[], { token, signal }: ActionContext): Promise<boolean> {
  const states: CommandState[] = [];
  let trouble: HostFailure | undefined;
  await inBatches(hosts, async (host) => {
    try {
      const from = { stdout: 0, stderr: 0 };
      states.push(await host.poll(token, { from, sink: { write: () => undefined }, waitMs: 0, signal }));
    } catch (error) {
      if (!(error instanceof HostFailure)) throw error;
      trouble = error;
    }
  });
  if (states.some(({ kind }) => kind !== 'absent')) return true;
  if (trouble !== undefined) throw trouble;
  return false;
}

/** What has been read of one host's output, and how the command ended there. */
interface Reading {
  readonly capture: Capture;
  readonly stdoutTail: () => string;
  /** Counts from 1: another one after each reboot that a plugin asked for. */
  readonly run: number;
  /** Since when this run goes on, as far as this runner knows; undefined: since the command began. */
  readonly startedAt: number | undefined;
  /** Since when it is known that the run asks for a reboot. */
  rebootSince?: number;
  ended: Invocation | undefined;
}
export type Readings = Map<string, Reading>;

export interface Asked {
  readonly token: string;
  readonly timeoutSeconds: number;
  /** How many steps the document has. */
  readonly plugins: number;
  /** What is begun, where it has to be begun again. */
  readonly run: () => Promise<ShellRun>;
  /** Since when the command runs, in ms since 1970. */
  readonly startedAt: number;
  /** Where an absent command is begun; elsewhere it has been there and is gone. */
  readonly unsure: readonly string[];
  /** Kept by the caller between the rounds. */
  readonly readings: Readings;
}

/** One round over all hosts; those that still run are left without an invocation. */
export async function followHosts(
  hosts: readonly Host[],
  asked: Asked,
  context: ActionContext,
): Promise<{ readonly ended: readonly Invocation[]; readonly running: readonly string[] }> {
  const waitMs = Math.floor(waitOnHostMs / Math.max(1, Math.ceil(hosts.length / hostsAtOnce)));
  await inBatches(hosts, (host) => followHost(host, asked, waitMs, context));
  const ended: Invocation[] = [];
  const running: string[] = [];
  for (const { name } of hosts) {
    const invocation = asked.readings.get(name)?.ended;
    if (invocation === undefined) running.push(name);
    else ended.push(invocation);
  }
  return { ended, running };
}

async function followHost(host: Host, asked: Asked, waitMs: number, context: ActionContext): Promise<void> {
  const { run, timeoutSeconds, unsure, readings } = asked;
  const reading = readings.get(host.name) ?? read(context.log(host.name), 1, undefined);
  readings.set(host.name, reading);
  if (reading.ended !== undefined) return;
  if (reading.rebootSince !== undefined) return reboot(host, asked, reading, context);
  const token = runToken(asked.token, reading.run);
  const startedAt = reading.startedAt ?? asked.startedAt;
  const { signal } = context;
  const leftMs = startedAt + timeoutSeconds * 1000 - context.now();
  const state = await host.poll(token, {
    from: reading.capture.next(),
    sink: reading.capture.sink,
    waitMs: Math.max(0, Math.min(waitMs, leftMs)),
    signal,
  });
  switch (state.kind) {
    case 'exited':
      if (state.exitCode === rebootExitCode) {
        reading.rebootSince = context.now();
        return reboot(host, asked, reading, context);
      }
      reading.ended = invocationOf(host, state.exitCode, reading, asked.plugins);
      return;
    case 'vanished':
      reading.ended = {
        ...withoutCode(host, reading),
        status: 'Failed',
        said: `it left no result: ${state.reason}`,
      };
      return;
    case 'absent':
      if (unsure.includes(host.name)) {
        // Its start was never answered, and did not arrive. The token lets it begin once.
        await host.start(token, scriptOf(await run()), { signal });
        return;
      }
      reading.ended = {
        ...withoutCode(host, reading),
        status: 'Failed',
        said: 'it left no result: the host knows nothing of it any more',
      };
      return;
    case 'running':
      if (context.now() < startedAt + timeoutSeconds * 1000) return;
      await host.stop(token, { signal });
      reading.ended = {
        ...withoutCode(host, reading),
        status: 'ExecutionTimedOut',
        said: `it ran longer than executionTimeout (${timeoutSeconds} s) and was ended`,
      };
      return;
    default:
      return state satisfies never;
  }
}

/** The plugin of that run asks for a reboot: there is another run once the host is back. */
async function reboot(host: Host, asked: Asked, reading: Reading, context: ActionContext): Promise<void> {
  const { token, readings } = asked;
  const { run, rebootSince: since = context.now() } = reading;
  const rebooted = await rebootOnce(host, { token, run, since }, context);
  if (rebooted.kind === 'waiting') return;
  if (rebooted.kind === 'failed') {
    const ended = invocationOf(host, rebootExitCode, reading, asked.plugins);
    reading.ended = { ...ended, status: 'Failed', said: rebooted.said };
    return;
  }
  const script = scriptOf(continuedRun(await asked.run(), reading.capture.stderrTail()));
  await host.start(runToken(token, run + 1), script, { signal: context.signal });
  readings.set(host.name, read(context.log(host.name), run + 1, context.now()));
}

function read(log: OutputSink, run: number, startedAt: number | undefined): Reading {
  let tail = Buffer.alloc(0);
  const capture = captureOutput(
    {
      write: (stream, chunk) => {
        if (stream === 'stdout') tail = Buffer.from(Buffer.concat([tail, chunk]).subarray(-tailBytesMax));
        return log.write(stream, chunk);
      },
    },
    headBytesMax,
  );
  return { capture, stdoutTail: () => tail.toString('utf8'), run, startedAt, ended: undefined };
}

function invocationOf(host: Host, exitCode: number, reading: Reading, plugins: number): Invocation {
  const invocation = {
    target: host.name,
    exitCode,
    // As in Automation: of one step only.
    output: plugins === 1 ? commandOutput(reading.capture.stdout(), reading.capture.stderr()) : null,
    said: reading.capture.stderrTail().trim() || reading.stdoutTail().trim(),
  };
  if (exitCode === 0 || exitCode === successExitCode) return { ...invocation, status: 'Success' };
  if (timedOutSentence.test(reading.capture.stderrTail()))
    return { ...invocation, status: 'ExecutionTimedOut' };
  return { ...invocation, status: 'Failed' };
}

function withoutCode(host: Host, reading: Reading): Omit<Invocation, 'status' | 'said'> {
  const output = commandOutput(reading.capture.stdout(), reading.capture.stderr());
  return { target: host.name, exitCode: null, output };
}

/** Resolves when every host has confirmed that nothing of it runs. */
export async function stopOnHosts(hosts: readonly Host[], token: string, signal: AbortSignal): Promise<void> {
  await inBatches(hosts, (host) => stopRuns(host, token, signal));
}

export async function forgetOnHosts(
  hosts: readonly Host[],
  { token, readings }: { readonly token: string; readonly readings: Readings | undefined },
  signal: AbortSignal,
): Promise<void> {
  await inBatches(hosts, (host) => {
    const runs = readings?.get(host.name)?.run ?? 1;
    return forgetRuns(host, { token, runs }, signal);
  });
}

function scriptOf({ text, args, env, workingDirectory }: ShellRun): HostScript {
  return {
    text,
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
  };
}

/** Acts on all, a few at a time, and then reports the first trouble: nothing is left running behind the caller's back. */
async function inBatches<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const troubles: unknown[] = [];
  for (let from = 0; from < items.length; from += hostsAtOnce) {
    const answers = await Promise.allSettled(items.slice(from, from + hostsAtOnce).map(act));
    for (const answer of answers) if (answer.status === 'rejected') troubles.push(answer.reason);
  }
  if (troubles.length > 0) throw troubles[0];
}
