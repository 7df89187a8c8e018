/** The programs that Belay itself starts, and the runtime that it runs on. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ScriptTools } from '../../transports/scripts.ts';
import { fastFirst } from '../../transports/hosts/ssh-config.ts';
import { knownKeyExchanges } from '../../transports/hosts/ssh-offers.ts';
import { scriptTools } from '../../transports/scripts/tools.ts';
import type { Finding } from './finding.ts';

const toolTimeoutMs = 5_000;
const nodeFloor = [24, 15] as const;
const run = promisify(execFile);

/** `needsSsh`: whether a host of the configuration is reached by it. */
export async function checkTools(needsSsh: boolean, keyExchange: readonly string[] = []): Promise<Finding[]> {
  return [checkNode(process.versions.node), await checkSsh(needsSsh, keyExchange), ...checkScriptTools()];
}

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > nodeFloor[0] || (major === nodeFloor[0] && minor >= nodeFloor[1]);
  return {
    area: 'tools',
    what: 'node',
    verdict: isEnough ? 'good' : 'bad',
    says: version,
    ...(isEnough ? {} : { hint: `Belay needs Node ${nodeFloor.join('.')} or later` }),
  };
}

async function checkSsh(isNeeded: boolean, wanted: readonly string[]): Promise<Finding> {
  try {
    // OpenSSH prints its version on stderr (ssh(1), -V).
    const { stdout, stderr } = await run('ssh', ['-V'], { timeout: toolTimeoutMs });
    const version = `${stdout}${stderr}`.trim().split('\n')[0] ?? '';
    return { area: 'tools', what: 'ssh', ...keyExchangeOf(version, wanted) };
  } catch {
    return {
      area: 'tools',
      what: 'ssh',
      verdict: isNeeded ? 'bad' : 'note',
      says: isNeeded ? 'is not here, and belay.yaml has hosts with transport: ssh' : 'is not here',
      hint: 'install the OpenSSH client (openssh-client) to reach hosts over SSH',
    };
  }
}

/** How it agrees on keys; `KexAlgorithms` of the user's own configuration comes before Belay's order, and after belay.yaml. */
function keyExchangeOf(
  version: string,
  wanted: readonly string[],
): Pick<Finding, 'verdict' | 'says'> & { readonly hint?: string } {
  const offered = knownKeyExchanges();
  const [fastest] = fastFirst(offered);
  const first = wanted.length > 0 ? `${wanted.join(', ')}, as belay.yaml says` : (fastest ?? 'as ssh has it');
  const unknown = offered.length === 0 ? undefined : wanted.find((name) => !offered.includes(name));
  if (unknown === undefined) return { verdict: 'good', says: `${version}; key exchange: ${first}` };
  return {
    verdict: 'bad',
    says: `${version}; it does not know ${unknown}, which keyExchange of belay.yaml names`,
    hint: 'ssh -Q kex lists what it knows; name one of these, or leave keyExchange out',
  };
}

/** What aws:executeScript runs in. Not every runbook has scripts, so that nothing of it is bad. */
export function checkScriptTools(tools: ScriptTools = scriptTools): Finding[] {
  const python = tools.python('3');
  const powerShell = tools.powerShell();
  const shield = tools.shield();
  const finding = (what: string, says: string, hint?: string): Finding => ({
    area: 'tools',
    what,
    verdict: hint === undefined ? 'good' : 'note',
    says,
    ...(hint === undefined ? {} : { hint }),
  });
  return [
    python === undefined
      ? finding('python3', 'is not here', 'install python3 (3.6 or later) to run Python scripts of runbooks')
      : finding(
          'python3',
          `${python.version} (${python.file})${python.hasBoto3 ? '' : ', without boto3'}`,
          python.hasBoto3 ? undefined : `scripts that call AWS need it: ${python.file} -m pip install boto3`,
        ),
    powerShell === undefined
      ? finding('pwsh', 'is not here', 'install PowerShell 7 to run PowerShell scripts of runbooks')
      : finding('pwsh', `${powerShell.version} (${powerShell.file})`),
    shield.kind === 'bubblewrap'
      ? finding('bwrap', shield.file)
      : finding(
          'bwrap',
          shield.why,
          'install bubblewrap: scripts of runbooks then see neither your files nor your keys',
        ),
  ];
}
