/** Runs Belay's own scripts on a host under test, and reads what they print. */
import { parseFields, type Fields } from '../../src/actions/scripts/fields.ts';
import type { CommandState, Host, HostScript } from '../../src/transports/host.ts';

export interface ScriptRunner {
  readonly read: (script: HostScript) => Promise<Fields>;
  /** Starts the script, waits for its end and forgets it. */
  readonly run: (
    script: HostScript,
  ) => Promise<{ readonly exitCode: number | CommandState['kind']; readonly fields: Fields }>;
  /** How the command under the token ended. */
  readonly ending: (token: string) => Promise<{ readonly state: CommandState; readonly fields: Fields }>;
  /** What the command has printed once it has printed the field. */
  readonly until: (token: string, field: string) => Promise<Fields>;
}

const start = { stdout: 0, stderr: 0 };

export function scriptRunner(host: () => Host, signal: AbortSignal): ScriptRunner {
  let count = 0;

  const poll = async (token: string, from = start) => {
    let stdout = '';
    const sink = {
      write: (stream: string, chunk: Uint8Array) => {
        if (stream === 'stdout') stdout += Buffer.from(chunk).toString('utf8');
      },
    };
    const state = await host().poll(token, { from, sink, waitMs: 2_000, signal });
    return { state, stdout };
  };
  const ending = async (token: string) => {
    let printed = '';
    let state: CommandState = { kind: 'running', next: start };
    while (state.kind === 'running') {
      const answer = await poll(token, state.next);
      printed += answer.stdout;
      ({ state } = answer);
    }
    return { state, fields: parseFields(printed) };
  };
  return {
    read: async (script) => parseFields((await host().read(script, { signal, timeoutMs: 60_000 })).stdout),
    run: async (script) => {
      const token = `contract-${process.pid}-run-${(count += 1)}`;
      await host().start(token, script, { signal });
      const { state, fields } = await ending(token);
      await host().forget(token, { signal });
      return { exitCode: state.kind === 'exited' ? state.exitCode : state.kind, fields };
    },
    ending,
    until: async (token, field) => {
      for (let looks = 0; looks < 100; looks += 1) {
        const fields = parseFields((await poll(token)).stdout);
        if (fields.one(field) !== undefined) return fields;
      }
      throw new Error(`${token} never printed ${field}`);
    },
  };
}
