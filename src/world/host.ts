/**
 * The host port over the sandbox. Only scripts that Belay wrote itself are modelled, by their name; an author's shell
 * text is refused. A command's effect and its record are one write: a run that is killed finds either both or neither.
 */
import { frozenState } from './hosts/freeze.ts';
import { isUp } from './hosts/devices.ts';
import { NotModelled, type ScriptEnd, type ScriptModel } from './scripts/model.ts';
import { scriptModels } from './scripts/models.ts';
import { note } from './note.ts';
import type { Command, HostState, WorldState } from './state.ts';
import type { World } from './world.ts';
import {
  HostFailure,
  readBytesMax,
  type CommandState,
  type Host,
  type HostScript,
  type OutputOffsets,
} from '../transports/host.ts';

/** The names of the sandbox's hosts. */
export function sandboxHostNames(world: World): string[] {
  return Object.keys(world.look().hosts);
}

/** A host of the sandbox by its name or its instance id; undefined when there is none. */
export function sandboxHost(world: World, nameOrId: string): Host | undefined {
  const found = Object.values(world.look().hosts).find(
    ({ name, instanceId }) => name === nameOrId || instanceId === nameOrId,
  );
  return found && makeHost(world, found.name, nameOrId, found.instanceId);
}

function makeHost(world: World, key: string, name: string, instanceId: string): Host {
  const label = name === key ? `${name} (sandbox)` : `${name} (${key}, sandbox)`;
  const refuse = (
    code: 'NOT_MODELLED' | 'UNREACHABLE' | 'OUTPUT_TOO_LARGE' | 'STILL_RUNNING',
    message: string,
  ) =>
    new HostFailure({
      code,
      message: `${label}: ${message}`,
      retryable: code === 'UNREACHABLE',
      effect: 'none',
    });

  /** The host, when it is up to be asked. */
  const reach = (state: WorldState, signal: AbortSignal): HostState => {
    if (signal.aborted)
      throw new HostFailure({
        code: 'CANCELLED',
        message: `${label}: cancelled before it was asked`,
        retryable: false,
        effect: 'none',
      });
    const host = state.hosts[key];
    if (!host || !isUp(state, host))
      throw refuse(
        'UNREACHABLE',
        `no answer, its instance ${instanceId} is ${state.instances[instanceId]?.state ?? 'gone'}`,
      );
    return host;
  };
  const modelOf = (script: HostScript): ScriptModel & { readonly name: string } => {
    if (script.name === undefined)
      throw refuse(
        'NOT_MODELLED',
        'the sandbox does not run shell text, it only models actions such as host:service and host:package. Nothing was changed',
      );
    const model = scriptModels[script.name];
    if (!model)
      throw refuse('NOT_MODELLED', `the sandbox does not model ${script.name}. Nothing was changed`);
    return { ...model, name: script.name };
  };
  const run = (
    state: WorldState,
    host: HostState,
    script: HostScript,
  ): ScriptEnd & { model: ScriptModel } => {
    const model = modelOf(script);
    try {
      const end = model.run({
        state,
        host,
        text: script.text,
        args: script.args ?? [],
        env: script.env ?? {},
        stdin: script.stdin ?? new Uint8Array(),
        now: world.now(),
      });
      if (model.changes) note(state, world.now(), model.name, host.name);
      return { ...end, model };
    } catch (error) {
      if (!(error instanceof NotModelled)) throw error;
      throw refuse('NOT_MODELLED', `${model.name}: ${error.message}. Nothing was changed`);
    }
  };

  return {
    name,
    label,
    transport: name === key ? 'ssh' : 'ssm',
    instanceId,
    carriesSecrets: true,

    read: async (script, { signal }) => {
      const model = modelOf(script);
      const ask = (state: WorldState) => run(state, reach(state, signal), script);
      const end = model.changes ? await world.change(ask) : ask(structuredClone(world.look()));
      const { exitCode, stdout, stderr } = recordOf(end, script, world.now());
      if (Buffer.byteLength(stdout) > readBytesMax)
        throw refuse('OUTPUT_TOO_LARGE', `${model.name} printed more than ${readBytesMax} bytes`);
      return { exitCode, stdout, stderr };
    },

    start: (token, script, { signal }) =>
      world.change((state) => {
        const host = reach(state, signal);
        if (host.commands[token]) return;
        const frozen = frozenState(state, host, world.now());
        const end = run(state, host, script);
        if (frozenState(state, host, world.now()) !== frozen)
          throw refuse(
            'NOT_MODELLED',
            `${script.name} would write to a file system that is frozen, and the sandbox does not model writes that wait. Nothing was changed`,
          );
        host.commands[token] = recordOf(end, script, world.now());
      }),

    poll: async (token, { from, sink, waitMs, signal }): Promise<CommandState> => {
      const find = () => reach(world.look(), signal).commands[token];
      const found = find();
      const leftMs = found?.vanished === null ? found.endsAt - world.now() : 0;
      if (leftMs > 0 && waitMs > 0) await world.sleep?.(Math.min(leftMs, waitMs), signal);
      const command = find();
      if (!command) return { kind: 'absent' };
      const isRunning = command.vanished === null && command.endsAt > world.now();
      const stdout = Buffer.from(isRunning || command.vanished !== null ? command.early : command.stdout);
      const stderr = Buffer.from(isRunning ? '' : command.stderr);
      const next: OutputOffsets = {
        stdout: Math.max(from.stdout, stdout.length),
        stderr: Math.max(from.stderr, stderr.length),
      };
      if (stdout.length > from.stdout) await sink.write('stdout', stdout.subarray(from.stdout));
      if (stderr.length > from.stderr) await sink.write('stderr', stderr.subarray(from.stderr));
      if (command.vanished !== null) return { kind: 'vanished', reason: command.vanished, next };
      return isRunning ? { kind: 'running', next } : { kind: 'exited', exitCode: command.exitCode, next };
    },

    stop: (token, { signal }) =>
      world.change((state) => {
        const host = reach(state, signal);
        const now = world.now();
        const command = host.commands[token];
        if (!command) host.commands[token] = closedToken(now);
        else if (command.vanished === null && command.endsAt > now) {
          command.endsAt = now;
          command.exitCode = 143;
          // A freeze thaws when it is told to end, and says so.
          if (command.freezes.length === 0) command.stdout = command.early;
        }
      }),

    forget: (token, { signal }) =>
      world.change((state) => {
        const host = reach(state, signal);
        const command = host.commands[token];
        if (!command) return;
        if (command.vanished === null && command.endsAt > world.now())
          throw refuse('STILL_RUNNING', `the command ${token} still runs and cannot be forgotten`);
        delete host.commands[token];
      }),

    dial: async ({ address, port }) => {
      throw refuse(
        'NOT_MODELLED',
        `the sandbox models no servers to connect to, and was asked for ${address} port ${port}. Nothing was changed`,
      );
    },

    proveKey: () =>
      Promise.reject(
        refuse('NOT_MODELLED', 'the sandbox does not model logins with keys. Nothing was changed'),
      ),
    close: () => Promise.resolve(),
  };
}

function recordOf(end: ScriptEnd & { model: ScriptModel }, script: HostScript, now: number): Command {
  const printed = end.fields.map((line) => `${line}\n`).join('');
  const refusal = end.failed ? `failed=${end.failed.code} ${end.failed.text}\n` : '';
  const freezes = end.freezes ?? [];
  return {
    script: script.name ?? '',
    startedAt: now,
    endsAt: now + (end.durationMs ?? end.model.durationMs),
    exitCode: end.failed ? 1 : 0,
    early: end.freezes === undefined ? '' : printed,
    stdout: printed + refusal + freezes.map((mount) => `thawed=${mount}\n`).join(''),
    stderr: end.talk === undefined ? '' : `${end.talk}\n`,
    freezes,
    vanished: null,
  };
}

/** The record of a token that was stopped before it began: a start still under way comes to nothing. */
function closedToken(now: number): Command {
  return {
    script: '',
    startedAt: now,
    endsAt: now,
    exitCode: 0,
    early: '',
    stdout: '',
    stderr: '',
    freezes: [],
    vanished: 'it was stopped before it began',
  };
}
