/**
 * The port to what the scripts of runbooks run in: interpreters of the machine that Belay itself runs on, and what keeps a
 * script from the rest of that machine. `scripts/` looks for them; the scripts themselves run over the `Host` port.
 */
import type { Host, HostScript } from './host.ts';

export interface Interpreter {
  /** `3.11.7`, `7.4.1`. */
  readonly version: string;
  /** The program, as an absolute path. */
  readonly file: string;
  /** Where it reads its modules from, in its order. Absolute. */
  readonly modulePaths: readonly string[];
  /** Folders that must be there for it to run; `modulePaths` lie in or beside them. Absolute. */
  readonly folders: readonly string[];
  /** Python only: whether the module boto3 is found. */
  readonly hasBoto3: boolean;
}

/** What stands between a script and the machine. */
export type Shield =
  | { readonly kind: 'bubblewrap'; readonly file: string }
  /** `why` is a clause: `bwrap is not installed`. */
  | { readonly kind: 'none'; readonly why: string };

export interface ScriptTools {
  /** The Python for `3.11`: the one of just that version, else the machine's python3. Undefined: there is none from 3.6 on. */
  python(version: string): Interpreter | undefined;
  powerShell(): Interpreter | undefined;
  shield(): Shield;
}

export interface ScriptRun {
  readonly interpreter: Interpreter;
  /** Of the interpreter. Hold no values of the runbook: any user of the machine can read them. */
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
}

/** Where the scripts of one execution run. */
export interface ScriptPlace {
  /** The machine that Belay runs on. */
  readonly host: Host;
  /**
   * The run as a command for `host`. Its environment is PATH, HOME, TMPDIR (a folder of its own, 0700, also where it
   * begins), LANG and the two by which the host finds it. Behind the shield where `tools` have one.
   */
  command(run: ScriptRun): HostScript;
  readonly tools: ScriptTools;
  /** False in the sandbox: nothing real may be reached, so that scripts run without a network and only behind a shield. */
  readonly mayReachNetwork: boolean;
}
