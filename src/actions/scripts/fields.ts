/** Reads what Belay's own scripts print: lines `key=value`, see names.ts. */
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { HostFailure, type Host, type HostScript } from '../../transports/host.ts';

export interface Fields {
  /** The last value under the key. */
  one(key: string): string | undefined;
  /** All values, in the order printed. */
  all(key: string): readonly string[];
  /** The values cut into words. */
  rows(key: string): readonly (readonly string[])[];
}

export function parseFields(text: string): Fields {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const cut = line.indexOf('=');
    if (cut < 1) continue;
    const key = line.slice(0, cut);
    const known = values.get(key);
    if (known) known.push(line.slice(cut + 1));
    else values.set(key, [line.slice(cut + 1)]);
  }
  const all = (key: string) => values.get(key) ?? [];
  return { one: (key) => all(key).at(-1), all, rows: (key) => all(key).map((value) => value.split(' ')) };
}

/** `failed=CODE text`, or undefined when the script did not say no. */
export function refusal(fields: Fields): { code: string; text: string } | undefined {
  const line = fields.one('failed');
  if (line === undefined) return undefined;
  const cut = line.indexOf(' ');
  return cut < 0 ? { code: line, text: line } : { code: line.slice(0, cut), text: line.slice(cut + 1) };
}

/** The last lines that a person should see of what a command said. */
export function lastLines(text: string, lines = 3): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-lines)
    .join(' | ');
}

/**
 * Runs one of Belay's reading scripts. Throws ActionFailure with the script's own code when it says no, and
 * SCRIPT_FAILED when it ended without saying why; HostFailure comes through.
 */
export async function readFields(
  host: Host,
  script: HostScript,
  context: Pick<ActionContext, 'signal'>,
  timeoutMs = 30_000,
): Promise<Fields> {
  const options = { signal: context.signal, timeoutMs };
  const result = await host.read(script, options).catch((error: unknown) => {
    // It changes nothing, so a connection that broke meanwhile is no reason to fail: it is asked once more.
    const isLost = error instanceof HostFailure && error.code === 'CONNECTION_LOST';
    if (!isLost || context.signal.aborted) throw error;
    return host.read(script, options);
  });
  const fields = parseFields(result.stdout);
  const said = refusal(fields);
  if (said) throw new ActionFailure({ code: said.code, message: `${host.label}: ${said.text}` });
  if (result.exitCode !== 0) {
    throw new ActionFailure({
      code: 'SCRIPT_FAILED',
      message: `${host.label}: ${script.name ?? 'the script'} ended with exit code ${result.exitCode}: ${lastLines(result.stderr) || 'it said nothing'}`,
    });
  }
  return fields;
}
