/** A step's script as a command: which interpreter, with what in its environment, and all else over standard input. */
import type { Json } from '../../../json.ts';
import { AwsFailure } from '../../../transports/aws.ts';
import type { HostScript } from '../../../transports/host.ts';
import type { Interpreter, ScriptPlace } from '../../../transports/scripts.ts';
import { ActionFailure, type ActionContext } from '../../define-action.ts';
import { eventsOf, importsBoto3, runtimeOf, type ExecuteScriptInputs, type Runtime } from './inputs.ts';
import { powerShellLoader, powerShellRunner } from './powershell-runner.ts';
import { pythonLoader, pythonRunner } from './python-runner.ts';

/** Bytes of the result as JSON. AWS keeps 100 KB. */
export const payloadBytesMax = 256 * 1024;
/** Bytes of everything that the program around the script says of its end: the result as text within JSON, twice escaped at worst. */
export const reportBytesMax = 4 * payloadBytesMax;
/** Bytes that are kept of what a script prints. */
const logBytesMax = 16 * 1024 * 1024;
const attachmentLimits = { files: 10_000, bytes: 256 * 1024 * 1024 };
/** setrlimit(2). Memory as address space, which a thread of Python reserves generously. */
const limits = { RLIMIT_AS: 8 * 1024 ** 3, RLIMIT_FSIZE: 1024 ** 3, RLIMIT_CORE: 0, RLIMIT_NOFILE: 4096 };

/** What the Python program is given. */
interface Job {
  readonly runner: string;
  /** What the log opens with. */
  readonly opening: string;
  readonly script: string | null;
  readonly handler: string;
  readonly events: Json;
  readonly env: Readonly<Record<string, string>>;
  readonly attachment: Attachment | null;
  readonly modulePaths: readonly string[];
  /** Never shown in the log or the report. */
  readonly masked: readonly string[];
  readonly payloadBytesMax: number;
  readonly reportBytesMax: number;
  readonly logBytesMax: number;
  readonly limits: Readonly<Record<string, number>>;
  /** What the script left running has to be ended: no namespace of processes goes with it. */
  readonly endsOthers: boolean;
}

interface Attachment {
  readonly name: string;
  /** base64 */
  readonly bytes: string;
  readonly limits: typeof attachmentLimits;
}

/** Throws ActionFailure, also where the context has no place for scripts. */
export function placeOf({ scripts }: Pick<ActionContext, 'scripts'>): ScriptPlace {
  if (scripts !== undefined) return scripts;
  throw new ActionFailure({ code: 'NOT_MODELLED', message: 'scripts cannot be run here; nothing was run' });
}

export interface Chosen {
  readonly runtime: Runtime;
  readonly interpreter: Interpreter;
}

/** Throws ActionFailure NO_INTERPRETER, and NOT_MODELLED in a sandbox without a shield. */
export function chooseInterpreter(runtimeText: string, place: ScriptPlace): Chosen {
  const runtime = runtimeOf(runtimeText);
  if (runtime === undefined)
    throw new ActionFailure({
      code: 'INVALID_INPUT',
      message: `${runtimeText} is not a Runtime; nothing was run`,
    });
  const shield = place.tools.shield();
  if (!place.mayReachNetwork && shield.kind === 'none') {
    throw new ActionFailure({
      code: 'NOT_MODELLED',
      message: `in the sandbox a script runs only where it can reach nothing real, and ${shield.why}; nothing was run. Install bubblewrap, or run it without --sandbox`,
    });
  }
  const interpreter =
    runtime.language === 'python' ? place.tools.python(runtime.version) : place.tools.powerShell();
  if (interpreter !== undefined) return { runtime, interpreter };
  const wanted = runtime.language === 'python' ? 'python3 of 3.6 or later' : 'pwsh (PowerShell 7)';
  throw new ActionFailure({
    code: 'NO_INTERPRETER',
    message: `${runtimeText} needs ${wanted} on this machine, which has none; nothing was run`,
  });
}

export async function scriptCommand(
  inputs: ExecuteScriptInputs,
  context: ActionContext,
): Promise<HostScript> {
  const place = placeOf(context);
  const { runtime, interpreter } = chooseInterpreter(inputs.Runtime, place);
  const env = place.mayReachNetwork ? await awsEnvironment(inputs, context) : withoutAws;
  const attachment = await attachmentOf(inputs.Attachment, context);
  const opening = firstLine({ runtime, interpreter }, place, env, inputs);
  const events = eventsOf(inputs.InputPayload);
  const script = inputs.Script ?? '';
  const masked = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].flatMap((name) => env[name] ?? []);
  const shared = { env, attachment, opening, payloadBytesMax };
  if (runtime.language === 'powershell') {
    const job = { ...shared, runner: powerShellRunner, script, inputPayload: JSON.stringify(events) };
    const args = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', powerShellLoader];
    return place.command({ interpreter, args, stdin: Buffer.from(JSON.stringify(job)) });
  }
  const job: Job = {
    ...shared,
    runner: pythonRunner,
    script: script.trim() === '' && attachment !== null ? null : script,
    handler: inputs.Handler ?? '',
    events,
    modulePaths: interpreter.modulePaths,
    masked,
    reportBytesMax,
    logBytesMax,
    limits,
    endsOthers: place.tools.shield().kind === 'none',
  };
  const args = ['-I', '-B', '-c', pythonLoader];
  return place.command({ interpreter, args, stdin: Buffer.from(JSON.stringify(job)) });
}

/** A script gets what Belay has, and finds nothing by itself: no files of a home, no role of the machine. */
const withoutAws: Readonly<Record<string, string>> = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
};

async function awsEnvironment(
  { Script }: ExecuteScriptInputs,
  { aws, signal }: ActionContext,
): Promise<Readonly<Record<string, string>>> {
  try {
    return { ...withoutAws, ...(await aws.environment?.(signal)) };
  } catch (error) {
    // A script that does not speak to AWS needs nobody to be known there.
    if (!(error instanceof AwsFailure) || importsBoto3(Script)) throw error;
    return withoutAws;
  }
}

async function attachmentOf(name: string | undefined, context: ActionContext): Promise<Attachment | null> {
  if (name === undefined) return null;
  if (context.attachment === undefined)
    throw new ActionFailure({
      code: 'NO_ATTACHMENT',
      message: `${name} cannot be read here; nothing was run`,
    });
  const bytes = await context.attachment(name);
  return { name, bytes: Buffer.from(bytes).toString('base64'), limits: attachmentLimits };
}

/** `belay: Python 3.11.7 (/usr/bin/python3), asked for 3.8; behind bubblewrap; AWS as AKIA…` */
function firstLine(
  { runtime, interpreter }: Chosen,
  { tools, mayReachNetwork }: ScriptPlace,
  env: Readonly<Record<string, string>>,
  { Script }: ExecuteScriptInputs,
): string {
  const language = runtime.language === 'python' ? 'Python' : 'PowerShell';
  const asked = interpreter.version.startsWith(`${runtime.version}.`) ? '' : `, asked for ${runtime.version}`;
  const shield = tools.shield();
  const behind =
    shield.kind === 'bubblewrap'
      ? `behind bubblewrap${mayReachNetwork ? '' : ' without a network'}`
      : `without isolation: ${shield.why}`;
  const key = env['AWS_ACCESS_KEY_ID'];
  const aws = key === undefined ? (importsBoto3(Script) ? '; no AWS credentials' : '') : `; AWS as ${key}`;
  return `belay: ${language} ${interpreter.version} (${interpreter.file})${asked}; ${behind}${aws}\n`;
}
