/**
 * An effect that is one detached command on one host: begun under the token, found again by it.
 * Host actions and their undos are made of it; they only say which script to run and what its end means.
 */
import {
  ActionFailure,
  pending,
  type ActionContext,
  type BegunEffect,
  type Done,
  type Failed,
  type Poll,
  failed,
} from '../define-action.ts';
import type { CommandState, Host, HostScript, OutputSink } from '../../transports/host.ts';
import { captureOutput, type Capture } from './capture.ts';
import type { OutputText } from './output-text.ts';
import { lastLines, parseFields, refusal, type Fields } from '../scripts/fields.ts';

/** How long one question to the host waits there for the command's end. */
const waitOnHostMs = 10_000;
/** Enough for the longest list of packages that one transaction changes. */
const fieldBytesMax = 512 * 1024;

export type DetachedHandle = { readonly Host: string; readonly Token: string };

export interface DetachedEnd {
  readonly host: Host;
  readonly exitCode: number;
  /** The first `outputBytesMax` bytes of each stream. */
  readonly stdout: string;
  readonly stderrTail: string;
  /** The same of either stream, and whether it holds bytes that are no text. */
  readonly text: (stream: 'stdout' | 'stderr') => OutputText;
}

export interface DetachedCommand<I, B, O> {
  /** A name of the inventory, or the host itself. */
  host(inputs: I, context: ActionContext): string | Host;
  script(inputs: I, before: B, context: ActionContext): HostScript | Promise<HostScript>;
  /** Where its output goes; left out, both streams to the host's own log. */
  log?(context: ActionContext): OutputSink;
  /** What the command's end means. */
  finish(end: DetachedEnd, inputs: I, before: B, context: ActionContext): Done<O> | Failed;
  /** For the live view: `waiting for postgresql@15-main to become active`. */
  waitingFor(inputs: I): string;
  /** Whether a command that vanished (the host was rebooted under it) may simply be started anew. */
  readonly mayStartAnew: boolean;
  readonly outputBytesMax?: number;
}

export function detached<I, B, O>(command: DetachedCommand<I, B, O>): BegunEffect<I, B, DetachedHandle, O> {
  const hostOf = (inputs: I, context: ActionContext): Host => {
    const host = command.host(inputs, context);
    return typeof host === 'string' ? context.host(host) : host;
  };
  const ask = async (handle: DetachedHandle, inputs: I, context: ActionContext, waitMs: number) => {
    const host = hostOf(inputs, context);
    const log = command.log?.(context) ?? context.log(host.name);
    // Read again from the start by the runner that resumes.
    const capture = context.kept(`output of ${handle.Token} on ${host.name}`, () =>
      captureOutput(log, command.outputBytesMax ?? fieldBytesMax),
    );
    const state = await host.poll(handle.Token, {
      from: capture.next(),
      sink: capture.sink,
      waitMs,
      signal: context.signal,
    });
    return { host, capture, state };
  };
  const ending = (
    state: Extract<CommandState, { kind: 'exited' }>,
    host: Host,
    capture: Capture,
    inputs: I,
    before: B,
    context: ActionContext,
  ) =>
    command.finish(
      {
        host,
        exitCode: state.exitCode,
        stdout: capture.stdout(),
        stderrTail: capture.stderrTail(),
        text: (stream) => capture.text(stream),
      },
      inputs,
      before,
      context,
    );
  return {
    kind: 'begun',
    // A start that is still on its way when "absent" is seen does no harm: the token begins one command only.
    settleMs: 2_000,
    begin: async (inputs, before, context) => {
      const host = hostOf(inputs, context);
      const script = await command.script(inputs, before, context);
      await host.start(context.token, script, { signal: context.signal });
      return { Host: host.name, Token: context.token };
    },
    adopt: async (inputs, before, context) => {
      const handle: DetachedHandle = { Host: hostOf(inputs, context).name, Token: context.token };
      const { host, capture, state } = await ask(handle, inputs, context, 0);
      if (state.kind === 'absent') return { kind: 'absent' };
      if (state.kind === 'running') return { kind: 'running', handle };
      if (state.kind === 'exited') return ending(state, host, capture, inputs, before, context);
      return command.mayStartAnew
        ? vanished(host, state.reason)
        : { kind: 'unknown', why: vanished(host, state.reason).message };
    },
    poll: async (handle, inputs, before, context): Promise<Poll<O>> => {
      const { host, capture, state } = await ask(handle, inputs, context, waitOnHostMs);
      if (state.kind === 'running') return pending(200, command.waitingFor(inputs));
      if (state.kind === 'exited') return ending(state, host, capture, inputs, before, context);
      const failure = vanished(
        host,
        state.kind === 'absent' ? 'the host knows nothing of it any more' : state.reason,
      );
      if (command.mayStartAnew) return failure;
      throw new ActionFailure({ code: failure.code, message: failure.message, effect: 'unknown' });
    },
    stop: (handle, inputs, context) => hostOf(inputs, context).stop(handle.Token, { signal: context.signal }),
    release: (handle, inputs, context) =>
      hostOf(inputs, context).forget(handle.Token, { signal: context.signal }),
  };
}

function vanished(host: Host, reason: string): Failed {
  return failed('COMMAND_VANISHED', `${host.label}: the command left no result: ${reason}`, {
    retryable: true,
  });
}

/** Codes of failures that pass by themselves. */
const passingCodes = new Set(['PACKAGES_LOCKED']);

/**
 * The end of one of Belay's own changing scripts: its fields, or its refusal. `given` adds what is known although it
 * failed.
 */
export function fieldsOrFailure(
  end: DetachedEnd,
  given: (fields: Fields) => Pick<Failed, 'outputs' | 'changes'> = () => ({}),
): { readonly fields: Fields } | { readonly failure: Failed } {
  const fields = parseFields(end.stdout);
  const said = refusal(fields);
  if (said) {
    return {
      failure: failed(said.code, `${end.host.label}: ${said.text}`, {
        retryable: passingCodes.has(said.code),
        ...given(fields),
      }),
    };
  }
  if (end.exitCode === 0) return { fields };
  const how =
    end.exitCode > 128 ? `was ended by signal ${end.exitCode - 128}` : `ended with exit code ${end.exitCode}`;
  return {
    failure: failed(
      'SCRIPT_FAILED',
      `${end.host.label}: the script ${how}: ${lastLines(end.stderrTail) || 'it said nothing'}`,
      given(fields),
    ),
  };
}
