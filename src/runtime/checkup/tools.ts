/** The programs that Belay itself starts, and the runtime that it runs on. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Finding } from './finding.ts';

const toolTimeoutMs = 5_000;
const nodeFloor = [24, 15] as const;
const run = promisify(execFile);

/** `needsSsh`: whether a host of the configuration is reached by it. */
export async function checkTools(needsSsh: boolean): Promise<Finding[]> {
  return [checkNode(process.versions.node), await checkSsh(needsSsh)];
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

async function checkSsh(isNeeded: boolean): Promise<Finding> {
  try {
    // OpenSSH prints its version on stderr (ssh(1), -V).
    const { stdout, stderr } = await run('ssh', ['-V'], { timeout: toolTimeoutMs });
    const says = `${stdout}${stderr}`.trim().split('\n')[0] ?? '';
    return { area: 'tools', what: 'ssh', verdict: 'good', says };
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
