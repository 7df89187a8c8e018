/**
 * Who answers on a connection: the first thing that is asked over it. The host may be of any kind and may lie, so what
 * it says is taken only in the form that it must have, and anything else is not known.
 */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import type { HostIdentity } from '../host.ts';
import type { Session } from './channel.ts';
import { shellWords } from './protocol/quote.ts';

const machineIdFiles = ['/etc/machine-id', '/var/lib/dbus/machine-id'];
const bootIdFile = '/proc/sys/kernel/random/boot_id';
const spaceLink = '/proc/self/ns/pid';
const containerMarks = ['/run/systemd/container', '/.dockerenv', '/run/.containerenv'];
/** The instance id on Nitro machines, and what cloud-init found out at this boot. */
const boardFile = '/sys/devices/virtual/dmi/id/board_asset_tag';
const cloudFile = '/run/cloud-init/.instance-id';
/** What login files or a refusal may print before the answer. */
const saidBytesMax = 64 * 1024;
/** What the session is told once it may become what was to be opened. */
const goOn = 'go';
const streams = ['stdout', 'stderr'] as const;
const instancePattern = /^m?i-[0-9a-f]{8,17}$/;

/**
 * One line for any login shell, csh and fish included: no single quote, backslash, exclamation mark or line break inside. It says
 * who answers, and becomes the opening words once it is told to go on. A container sees the hardware of the machine below it,
 * which says nothing of the container.
 */
export function identityLine(nonce: string, opening: readonly string[]): string {
  const program = [
    'm= b= s= d= c= k=',
    `for f in ${machineIdFiles.join(' ')}; do [ -n "$m" ] || { [ -r $f ] && IFS= read -r m <$f; }; done`,
    `[ -r ${bootIdFile} ] && IFS= read -r b <${bootIdFile}`,
    `s=$(readlink ${spaceLink} 2>/dev/null)`,
    `for f in ${containerMarks.join(' ')}; do [ -e $f ] && k=yes; done`,
    `[ -z "$k" ] && [ -r ${boardFile} ] && IFS= read -r d <${boardFile}`,
    `[ -r ${cloudFile} ] && IFS= read -r c <${cloudFile}`,
    `echo "${nonce} $m,$b,$s,$d,$c,"`,
    // The text of the opening words is run by this shell, which saves the host another one.
    `IFS= read -r g && [ "$g" = ${goOn} ] && { t=$3; shift 4; eval "$t"; }`,
  ].join('; ');
  return `exec /bin/sh -c '${program}' sh ${shellWords(opening)}`;
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
  | {
      readonly kind: 'identity';
      readonly identity: HostIdentity;
      /** The session becomes what was to be opened. What it said besides is there to be read. */
      readonly goOn: () => void;
    }
  | { readonly kind: 'silent' }
  | {
      readonly kind: 'ended';
      readonly exitCode: number | undefined;
      readonly stdout: string;
      readonly stderr: string;
    };

/** Listens to a session that was started with the line. Where it does not say who answers, the session is ended. */
export async function askIdentity(
  session: Session,
  nonce: string,
  timeoutMs: number,
): Promise<AskedIdentity> {
  const said = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  const answered = Promise.withResolvers<
    HostIdentity | 'silent' | { readonly exitCode: number | undefined }
  >();
  const timer = setTimeout(() => answered.resolve('silent'), timeoutMs);
  const listeners = { stdout: listener('stdout'), stderr: listener('stderr') };
  const closed = streams.map((name) => {
    const stream = session[name];
    stream.on('data', listeners[name]).on('error', () => {});
    stream.resume();
    return new Promise((resolve) => stream.once('close', resolve));
  });
  function listener(name: (typeof streams)[number]): (chunk: Buffer) => void {
    return (chunk) => {
      said[name] = Buffer.concat([said[name], chunk]).subarray(-saidBytesMax);
      const identity = name === 'stdout' ? readIdentity(said.stdout.toString('utf8'), nonce) : undefined;
      if (identity === undefined) return;
      // What comes now belongs to whoever goes on with the session.
      for (const one of streams) session[one].off('data', listeners[one]).pause();
      answered.resolve(identity);
    };
  }
  void session.ended.then(async (exitCode) => {
    await Promise.all(closed);
    answered.resolve({ exitCode });
  });
  const answer = await answered.promise;
  clearTimeout(timer);
  if (answer === 'silent') {
    session.kill();
    return { kind: 'silent' };
  }
  if ('exitCode' in answer) {
    const [stdout, stderr] = [said.stdout.toString('utf8'), said.stderr.toString('utf8')];
    return { kind: 'ended', exitCode: answer.exitCode, stdout, stderr };
  }
  const goOnWith = (): void => {
    const rest = said.stdout.subarray(endOfLine(said.stdout, nonce));
    if (rest.byteLength > 0) session.stdout.unshift(rest);
    if (said.stderr.byteLength > 0) session.stderr.unshift(said.stderr);
    session.stdin.write(`${goOn}\n`);
  };
  return { kind: 'identity', identity: answer, goOn: goOnWith };
}

/** Where the line that begins with the nonce has ended. */
function endOfLine(said: Buffer, nonce: string): number {
  return said.indexOf('\n', said.indexOf(`${nonce} `)) + 1;
}
