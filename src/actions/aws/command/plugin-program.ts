/** What one plugin of a Command document runs on a host. */
import { whyAgentOnly, type PlannedPlugin } from '../../../document/index.ts';
import { isJsonObject, type Json } from '../../../json.ts';
import { ActionFailure } from '../../define-action.ts';
import { executionSecondsDefault, secondsOf } from './inputs.ts';

export interface PluginProgram {
  readonly kind: 'shell' | 'powershell';
  readonly platforms: readonly string[];
  readonly text: string;
  readonly timeoutSeconds: number;
}

/** Throws ActionFailure UNSUPPORTED_DOCUMENT; of a plugin that is skipped in any case nothing is asked. */
export function pluginProgram(document: string, plugin: PlannedPlugin): PluginProgram {
  const { action, inputs, platform, isSkipped } = plugin;
  const timeoutSeconds = secondsOf(inputs['timeoutSeconds']) ?? executionSecondsDefault;
  const never: PluginProgram = {
    kind: 'shell',
    platforms: ['Linux', 'MacOS', 'Windows'],
    text: '',
    timeoutSeconds,
  };
  // Belay's hosts are none of Windows, and the host itself says that it is skipped.
  if (isSkipped || platform === 'Windows') return never;
  switch (action) {
    case 'aws:runShellScript':
      return {
        kind: 'shell',
        platforms: ['Linux', 'MacOS'],
        text: linesOf(inputs['runCommand']),
        timeoutSeconds,
      };
    case 'aws:runPowerShellScript':
      return {
        kind: 'powershell',
        platforms: ['Linux', 'MacOS', 'Windows'],
        text: linesOf(inputs['runCommand']),
        timeoutSeconds,
      };
    case 'aws:downloadContent':
      return { ...never, text: download(document, plugin) };
    default:
      throw unsupported(document, plugin, whyAgentOnly(action) ?? 'it is not a plugin that Belay knows');
  }
}

function linesOf(commands: Json | undefined): string {
  return Array.isArray(commands)
    ? (commands as readonly Json[])
        .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
        .join('\n')
    : textOf(commands);
}

/** Over HTTP, with what the host has for it; the values stand in single quotes. */
function download(document: string, plugin: PlannedPlugin): string {
  const { inputs } = plugin;
  const type = textOf(inputs['sourceType']);
  if (type !== 'HTTP')
    throw unsupported(
      document,
      plugin,
      `it takes content over HTTP there, and not from ${type || 'nowhere'}`,
    );
  const info = infoOf(inputs['sourceInfo']);
  const url = isJsonObject(info) ? textOf(info['url']) : '';
  if (!/^https?:\/\/\S+$/.test(url)) throw unsupported(document, plugin, 'sourceInfo holds no url');
  if (isJsonObject(info) && textOf(info['authMethod']) !== '' && textOf(info['authMethod']) !== 'None')
    throw unsupported(document, plugin, 'it takes content that needs no login');
  const to = textOf(inputs['destinationPath']);
  const name = new URL(url).pathname.split('/').at(-1) || 'content';
  const file = to === '' ? name : to.endsWith('/') ? `${to}${name}` : to;
  return [
    `url=${quoted(url)} file=${quoted(file)}`,
    '[ ! -d "$file" ] || file=$file/' + quoted(name),
    'if command -v curl >/dev/null; then curl -fsSL --proto =http,https -o "$file" -- "$url"',
    'elif command -v wget >/dev/null; then wget -q -O "$file" -- "$url"',
    "else echo 'belay: neither curl nor wget is on this host' >&2; exit 127; fi",
  ].join('\n');
}

function infoOf(value: Json | undefined): Json {
  if (typeof value !== 'string') return value ?? null;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return null;
  }
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Why the plugin cannot be carried, as a failure. */
function unsupported(name: string, { name: step, action }: PlannedPlugin, why: string): ActionFailure {
  return new ActionFailure({
    code: 'UNSUPPORTED_DOCUMENT',
    message: `${name}: ${step} is ${action}, which Belay does not run on hosts that SSM does not reach (${why}); nothing was run`,
  });
}
