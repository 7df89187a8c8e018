/**
 * Who answers on a connection: the first thing that is asked over it. The host may be of any kind and may lie, so what
 * it says is taken only in the form that it must have, and anything else is not known.
 */
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import type { HostIdentity } from '../host.ts';
import type { Session } from './channel.ts';

const machineIdFiles = ['/etc/machine-id', '/var/lib/dbus/machine-id'];
const bootIdFile = '/proc/sys/kernel/random/boot_id';
const spaceLink = '/proc/self/ns/pid';
const containerMarks = ['/run/systemd/container', '/.dockerenv', '/run/.containerenv'];
/** The instance id on Nitro machines, and what cloud-init found out at this boot. */
const boardFile = '/sys/devices/virtual/dmi/id/board_asset_tag';
const cloudFile = '/run/cloud-init/.instance-id';
/** What login files or a refusal may print before the answer. */
const saidBytesMax = 64 * 1024;
/** How long a session that has answered may take to end. */
const endMsMax = 2_000;
const instancePattern = /^m?i-[0-9a-f]{8,17}$/;

/**
 * One line for any login shell, csh and fish included: no quote, backslash, exclamation mark or line break inside. A
 * container sees the hardware of the machine below it, which says nothing of the container.
 */
export function identityLine(nonce: string): string {
  const program = [
    'm= b= s= d= c= k=',
    `for f in ${machineIdFiles.join(' ')}; do [ -n "$m" ] || { [ -r $f ] && IFS= read -r m <$f; }; done`,
    `[ -r ${bootIdFile} ] && IFS= read -r b <${bootIdFile}`,
    `s=$(readlink ${spaceLink} 2>/dev/null)`,
    `for f in ${containerMarks.join(' ')}; do [ -e $f ] && k=yes; done`,
    `[ -z "$k" ] && [ -r ${boardFile} ] && IFS= read -r d <${boardFile}`,
    `[ -r ${cloudFile} ] && IFS= read -r c <${cloudFile}`,
    `echo "${nonce} $m,$b,$s,$d,$c,"`,
  ].join('; ');
  return `exec /bin/sh -c '${program}'`;
}

/** Undefined where the line has not come. */
export function readIdentity(said: string, nonce: string): HostIdentity | undefined {
  const start = said.indexOf(`${nonce} `);
  const end = start < 0 ? -1 : said.indexOf('\n', start);
  const line = end < 0 ? undefined : said.slice(start + nonce.length + 1, end);
  if (line === undefined) return undefined;
  const [machine = '', boot = '', space = '', board = '', cloud = ''] = line.split(',');
  return identityOf({ machine, boot, space, board, cloud });
}

/** The machine that Belay itself runs on. */
export function ownIdentity(): HostIdentity {
  const first = (file: string) => readFirstLine(file) ?? '';
  const isContainer = containerMarks.some((file) => existsSync(file));
  return identityOf({
    machine: machineIdFiles.map(first).find((text) => text !== '') ?? '',
    boot: first(bootIdFile),
    space: linkOf(spaceLink),
    board: isContainer ? '' : first(boardFile),
    cloud: first(cloudFile),
  });
}

function identityOf(
  said: Readonly<Record<'machine' | 'boot' | 'space' | 'board' | 'cloud', string>>,
): HostIdentity {
  const fitting = (text: string, pattern: RegExp) => (pattern.test(text.trim()) ? text.trim() : null);
  return {
    machineId: fitting(said.machine.toLowerCase(), /^(?!0{32})[0-9a-f]{32}$/),
    bootId: fitting(said.boot.toLowerCase(), /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    space: fitting(said.space, /^pid:\[\d{1,20}\]$/),
    instanceId: fitting(said.board, instancePattern) ?? fitting(said.cloud, instancePattern),
  };
}

function readFirstLine(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n')[0];
  } catch {
    return undefined;
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

export type AskedIdentity =
  | { readonly kind: 'identity'; readonly identity: HostIdentity }
  | { readonly kind: 'silent' }
  | {
      readonly kind: 'ended';
      readonly exitCode: number | undefined;
      readonly stdout: string;
      readonly stderr: string;
    };

/** Listens to a session that was started with the line. */
export async function askIdentity(
  session: Session,
  nonce: string,
  timeoutMs: number,
): Promise<AskedIdentity> {
  const said = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  const answered = Promise.withResolvers<AskedIdentity>();
  const timer = setTimeout(() => answered.resolve({ kind: 'silent' }), timeoutMs);
  const closed = (['stdout', 'stderr'] as const).map((name) => {
    const stream = session[name];
    stream.on('data', (chunk: Buffer) => {
      said[name] = Buffer.concat([said[name], chunk]).subarray(-saidBytesMax);
      const identity = name === 'stdout' ? readIdentity(said.stdout.toString('utf8'), nonce) : undefined;
      if (identity !== undefined) answered.resolve({ kind: 'identity', identity });
    });
    stream.on('error', () => {}).resume();
    return new Promise((resolve) => stream.once('close', resolve));
  });
  session.stdin.end();
  void session.ended.then(async (exitCode) => {
    await Promise.all(closed);
    const [stdout, stderr] = [said.stdout.toString('utf8'), said.stderr.toString('utf8')];
    answered.resolve({ kind: 'ended', exitCode, stdout, stderr });
  });
  try {
    const answer = await answered.promise;
    // The host may allow few sessions, so this one ends before the next begins.
    const patience = AbortSignal.timeout(endMsMax);
    if (answer.kind === 'identity') await Promise.race([session.ended, once(patience, 'abort')]);
    return answer;
  } finally {
    clearTimeout(timer);
    session.kill();
  }
}
