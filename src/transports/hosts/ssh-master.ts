/**
 * Opens an OpenSSH master: one authenticated connection that goes to the background once it is there. Its own words go
 * to `log`; those of the ssh processes on its way (a ProxyJump or ProxyCommand) to `words`, so that neither passes for
 * the other.
 */
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import type { HostAddress } from '../host.ts';
import type { HostFailure } from '../host.ts';
import { hostFailure } from './failure.ts';
import type { Semaphore } from './semaphore.ts';
import { connectionArguments, destinationOf, masterArguments, type Jump } from './ssh-config.ts';
import { connectFailure } from './ssh-failure.ts';
import { foreignSocket, hasForeignSocket } from './ssh-record.ts';
import type { SshPaths } from './ssh-paths.ts';
import type { Started, Starter } from './ssh-starter.ts';
import { progressOf, stageText, withoutDebug } from './ssh-log.ts';

/** Agents may ask for a touch or a confirmation, and sshd itself gives up after two minutes. */
const openMsMax = 60_000;
/** How often the log of a master that is connecting is looked at. */
const lookAgainMs = 500;
const logBytesRead = 64 * 1024;
const logBytesMax = 1024 * 1024;
/** How a shell says that a program is missing or cannot be run; ssh itself ends with 255. */
const noSuchProgram = new Set([126, 127]);
/** sshd drops some of many simultaneous connections (MaxStartups); such a refusal is tried again after a random wait. */
export const openTriesMax = 4;

export interface MasterFiles {
  readonly socket: string;
  readonly log: string;
  readonly words: string;
  /** The configuration that all connections share. */
  readonly config: string;
  readonly paths: SshPaths;
}

/** How a master comes to be. */
export interface MasterWay {
  /** Paces new connections to whatever is dialled directly. */
  readonly gate: Semaphore;
  readonly bastion: MasterBastion | undefined;
  readonly starter: Starter;
}

/** The bastion of `via:`, over whose master this one goes. */
export interface MasterBastion {
  readonly name: string;
  /** Connects it where needed. */
  jump(): Promise<Jump>;
  isAlive(): Promise<boolean>;
  log(): string;
}

export interface Wanted {
  /** The label and name of the host that is wanted in the end. */
  readonly host: string;
  readonly name: string;
}

/** Resolves when the master has authenticated and gone to the background. Rejects with HostFailure; nothing was sent. */
export async function openMaster(
  address: HostAddress,
  wanted: Wanted,
  files: MasterFiles,
  { gate, bastion, starter }: MasterWay,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const jump = await bastion?.jump();
    discard(files);
    const release = await gate.acquire();
    try {
      if (await runToBackground(address, wanted, files, { jump, bastion, starter })) return;
    } finally {
      release();
    }
    const failure = failureOf(address, wanted, files, bastion);
    const again = wasDropped(files) || (await bastion?.isAlive()) === false;
    if (attempt >= openTriesMax || !again) throw failure;
    await new Promise((resolve) => {
      setTimeout(resolve, (200 + Math.random() * 800) * attempt);
    });
  }
}

/** False when it failed; the files say why. */
async function runToBackground(
  address: HostAddress,
  wanted: Wanted,
  files: MasterFiles,
  { jump, bastion, starter }: Omit<MasterWay, 'gate'> & { readonly jump: Jump | undefined },
): Promise<boolean> {
  const master = startMaster(address, files, { jump, starter });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    master.kill();
  }, openMsMax);
  // Without a socket of its own it would stay in the foreground, and whoever has the socket would take its sessions.
  const watch = setInterval(() => {
    if (hasForeignSocket(saidBy(files.log))) master.kill();
  }, lookAgainMs);
  const exitCode = await master.ended;
  clearTimeout(timer);
  clearInterval(watch);
  if (hasForeignSocket(saidBy(files.log))) throw notProven(wanted, foreignSocket);
  if (late) {
    const added = `connection to ${destinationOf(address)} timed out during banner exchange`;
    throw failureOf(address, wanted, files, bastion, added);
  }
  if (exitCode !== undefined && noSuchProgram.has(exitCode)) throw noSsh(wanted, saidBy(files.words).trim());
  return exitCode === 0;
}

/** Its words go to a file, not a pipe: the master and the processes on its way outlive a killed runner. */
function startMaster(
  address: HostAddress,
  files: MasterFiles,
  { jump, starter }: { readonly jump: Jump | undefined; readonly starter: Starter },
): Started {
  writeFileSync(files.words, '', { flag: 'a', mode: 0o600 });
  const words = [
    'ssh',
    ...masterArguments(files),
    ...connectionArguments(address, files, jump),
    '-N',
    '-T',
    '--',
    destinationOf(address),
  ];
  return starter.start(words, files.words);
}

function failureOf(
  address: HostAddress,
  wanted: Wanted,
  files: MasterFiles,
  bastion: MasterBastion | undefined,
  added = '',
): HostFailure {
  const { name, port } = address;
  const destination = destinationOf(address);
  return connectFailure({
    ...wanted,
    ...(name === wanted.name ? {} : { hop: name }),
    ...(bastion === undefined ? {} : { through: { name: bastion.name, log: bastion.log() } }),
    destination: port === undefined || port === 22 ? destination : `[${destination}]:${port}`,
    log: files.paths.readable(`${saidBy(files.log)}\n${added}`),
    way: files.paths.readable(saidBy(files.words)),
    progress: progressOf(wholeLog(files.log)),
  });
}

/** sshd itself closed the connection before it had even greeted: it has too many unauthenticated ones. */
function wasDropped(files: MasterFiles): boolean {
  // Where a process on the way has said why it ended, the connection that it carried only tells that it did.
  const way = saidBy(files.words).trim();
  const said = way === '' ? saidBy(files.log) : way;
  if (/forwarding request failed|Control socket/i.test(said)) return false;
  return /^(?:kex|ssh)_exchange_identification: (?:Connection closed|read: Connection reset)|Exceeded MaxStartups/m.test(
    said,
  );
}

function wholeLog(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What a master was doing, for whoever waits no longer. */
export function seenOf(files: MasterFiles): string {
  return stageText(progressOf(wholeLog(files.log)));
}

/** The end of what a file of a connection says to people. */
export function saidBy(file: string): string {
  try {
    const bytes = statSync(file).size;
    return withoutDebug(
      readFileSync(file)
        .subarray(Math.max(0, bytes - logBytesRead))
        .toString('utf8'),
    );
  } catch {
    return '';
  }
}

/** A master writes debug lines for as long as it lives; the beginning has been read, and of the rest the latest matter. */
export function shorten(files: MasterFiles): void {
  for (const file of [files.log, files.words]) {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) truncateSync(file);
  }
}

/** What a master left that is gone. */
export function discard(files: MasterFiles): void {
  for (const file of [files.socket, files.log, files.words]) rmSync(file, { force: true });
}

export function isSpawnError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn');
}

/** What an unproven connection says; nothing has been sent over it. */
export function notProven(wanted: Wanted, trouble: string): HostFailure {
  return hostFailure({
    ...wanted,
    code: 'HOST_NOT_PROVEN',
    what: `ssh connected, but it is not proven that the connection ends at ${wanted.name}: ${trouble}`,
    next: `Look at what  ssh -v ${wanted.name}  says and does; Belay needs OpenSSH 7.4 or later.`,
  });
}

export function noSsh(wanted: Wanted, cause: unknown): HostFailure {
  const why = cause instanceof Error ? cause.message : String(cause);
  return hostFailure({
    ...wanted,
    code: 'TOOL_MISSING',
    what: `ssh could not be started on this machine: ${why}`,
    next: 'Belay uses the OpenSSH client; install it (openssh-client, openssh-clients).',
    cause,
  });
}
