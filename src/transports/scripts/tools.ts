/** Looks for interpreters and for bubblewrap on this machine, once per process and only when somebody asks. */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import type { Interpreter, ScriptTools, Shield } from '../scripts.ts';
import { shieldProbe } from './shield.ts';

const probeTimeoutMs = 10_000;
const probeBytesMax = 256 * 1024;

/** Prints one line of JSON. Any Python from 3.6 on runs it; an older one fails. */
const pythonProbe = `
import sys, os, json
from importlib.util import find_spec
assert sys.version_info >= (3, 6)
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "file": sys.executable,
    "modulePaths": [p for p in sys.path if p and os.path.exists(p)],
    "folders": sorted(set([sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix])),
    "hasBoto3": find_spec("boto3") is not None,
}))`;

const powerShellProbe =
  '[Console]::Out.WriteLine((@{ version = $PSVersionTable.PSVersion.ToString(); file = (Get-Process -Id $PID).Path; home = $PSHOME } | ConvertTo-Json -Compress))';

/** This machine's; looked for once per process. */
export const scriptTools: ScriptTools = {
  python: (version) => found().python(version),
  powerShell: () => found().powerShell(),
  shield: () => found().shield(),
};
let own: ScriptTools | undefined;
const found = (): ScriptTools => (own ??= findScriptTools());

/** `env` is the environment in whose PATH programs are looked for. */
export function findScriptTools(env: NodeJS.ProcessEnv = process.env): ScriptTools {
  const pythons = new Map<string, Interpreter | undefined>();
  let powerShell: Interpreter | undefined | 'notAsked' = 'notAsked';
  let shield: Shield | undefined;
  const run = (file: string, args: readonly string[]): string | undefined => probe(file, args, env);
  const python = (name: string): Interpreter | undefined => {
    if (!pythons.has(name)) pythons.set(name, readPython(run(name, ['-c', pythonProbe])));
    return pythons.get(name);
  };
  return {
    python: (version) => {
      const exact = python(`python${version}`);
      return exact?.version.startsWith(`${version}.`) === true ? exact : (python('python3') ?? exact);
    },
    powerShell: () =>
      powerShell === 'notAsked'
        ? (powerShell = readPowerShell(
            run('pwsh', ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', powerShellProbe]),
          ))
        : powerShell,
    shield: () => (shield ??= findShield(env)),
  };
}

function findShield(env: NodeJS.ProcessEnv): Shield {
  const file = run('sh', ['-c', 'command -v bwrap'], env)?.trim();
  if (file === undefined || !file.startsWith('/')) return { kind: 'none', why: 'bwrap is not installed' };
  try {
    execFileSync(file, shieldProbe, {
      timeout: probeTimeoutMs,
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
    });
    return { kind: 'bubblewrap', file };
  } catch (error) {
    const said = isFailedRun(error) ? String(error.stderr).trim().split('\n')[0] : undefined;
    return { kind: 'none', why: `bwrap cannot make namespaces here (${said ?? 'it did not start'})` };
  }
}

function probe(file: string, args: readonly string[], env: NodeJS.ProcessEnv): string | undefined {
  return run(file, args, env);
}

/** What the program printed; undefined where it is missing, failed or took too long. */
function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): string | undefined {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = homedir() } = env;
  try {
    return execFileSync(file, args, {
      cwd: '/',
      env: { PATH, HOME, LANG: 'C.UTF-8', POWERSHELL_TELEMETRY_OPTOUT: '1' },
      timeout: probeTimeoutMs,
      maxBuffer: probeBytesMax,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
  } catch {
    return undefined;
  }
}

function isFailedRun(error: unknown): error is { readonly stderr: unknown } {
  return typeof error === 'object' && error !== null && 'stderr' in error && error.stderr !== null;
}

function readPython(text: string | undefined): Interpreter | undefined {
  const said = readJson(text);
  if (said === undefined) return undefined;
  const { version, file, modulePaths, folders, hasBoto3 } = said;
  if (typeof version !== 'string' || typeof file !== 'string' || !file.startsWith('/')) return undefined;
  return {
    version,
    file,
    modulePaths: texts(modulePaths),
    folders: [...new Set([dirname(file), dirname(realpathSync(file)), ...texts(folders)])],
    hasBoto3: hasBoto3 === true,
  };
}

function readPowerShell(text: string | undefined): Interpreter | undefined {
  const said = readJson(text);
  if (said === undefined) return undefined;
  const { version, file, home } = said;
  if (typeof version !== 'string' || typeof file !== 'string' || !file.startsWith('/')) return undefined;
  return { version, file, modulePaths: [], folders: [dirname(file), ...texts([home])], hasBoto3: false };
}

function readJson(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function texts(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item: unknown): item is string => typeof item === 'string' && item.startsWith('/'));
}
