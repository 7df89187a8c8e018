/**
 * Logs in with one key alone and tells whether the host accepts it. The key goes over a pipe to an agent of its own,
 * which lives no longer than this process: after kill -9 the pipe closes, and agent and connection end.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostAddress, KeyProof, KeyToProve } from '../host.ts';
import type { Session } from './channel.ts';
import { cancelled, hostFailure } from './failure.ts';
import { startProcess } from './process.ts';
import { connectionArguments, destinationOf, type Jump } from './ssh-config.ts';
import { connectFailure } from './ssh-failure.ts';
import { progressOf, withoutDebug } from './ssh-log.ts';
import type { SshPaths } from './ssh-paths.ts';
import { proofConfig, userOf } from './ssh-proof-config.ts';

/** The agent forgets the key by itself after so long, whatever becomes of its processes. */
const keySecondsMax = 120;
const logBytesMax = 256 * 1024;
const lookAgainMs = 40;
const resolveMsMax = 10_000;
/** How long what is told to end may take. */
const endMsMax = 3_000;
const unusableExitCode = 90;

export interface ProofPlace {
  /** The private folder, and a name in it that nothing else has. */
  readonly folder: string;
  readonly name: string;
  /** The configuration that all connections share: the user's own, and what holds for an unattended runner. */
  readonly config: string;
  readonly paths: SshPaths;
  readonly jump: Jump | undefined;
  /** The bastion's name, and what its connection has said. */
  readonly through: { readonly name: string; readonly log: () => string } | undefined;
}

/** BYTES KEYSECONDS PUBLICKEYFILE LOG CONFIG DESTINATION USER; the key's bytes on standard input, which then stays open. */
const program = `exec 3<&0
unset DISPLAY WAYLAND_DISPLAY SSH_ASKPASS
SSH_ASKPASS_REQUIRE=never; export SSH_ASKPASS_REQUIRE
head -c "$1" <&3 | ssh-add -q -t "$2" - && ssh-add -L >"$3" || { kill "$SSH_AGENT_PID"; exit ${unusableExitCode}; }
# Banners go to standard error and never to the log.
ssh -E "$4" -F "$5" -l "$7" -N -T -- "$6" </dev/null 3<&- &
ssh=$!
{ cat <&3; kill "$ssh" "$SSH_AGENT_PID"; } >/dev/null 2>&1 &
wait "$ssh"
kill "$SSH_AGENT_PID"
exit 0`;

/** Rejects with HostFailure when it could not be found out. */
export async function proveKey(
  address: HostAddress,
  label: string,
  key: KeyToProve,
  place: ProofPlace,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<KeyProof> {
  const file = join(place.folder, place.name);
  const files = {
    agent: `${file}.agent`,
    publicKey: `${file}.pub`,
    config: `${file}.conf`,
    log: `${file}.log`,
    words: `${file}.words`,
  };
  const wanted = { host: label, name: address.name };
  try {
    const resolved = await resolve(address, place, files.words, signal);
    const way = { jump: place.jump, words: files.words, config: place.config };
    writeFileSync(files.config, proofConfig(resolved, files, way), { mode: 0o600 });
    const text = Buffer.from(key.privateKey.endsWith('\n') ? key.privateKey : `${key.privateKey}\n`);
    const session = await startProcess('ssh-agent', [
      '-a',
      files.agent,
      'sh',
      '-c',
      program,
      'sh',
      String(text.byteLength),
      String(keySecondsMax),
      files.publicKey,
      files.log,
      files.config,
      destinationOf(address),
      key.user ?? userOf(resolved) ?? userInfo().username,
    ]);
    session.stdin.write(text);
    const end = await followed(session, () => verdictOf(textOf(files.log)) === 'accepted', {
      signal,
      timeoutMs,
    });
    if (signal.aborted) throw cancelled(label, signal.reason);
    if (end.exitCode === unusableExitCode) {
      throw hostFailure({
        ...wanted,
        code: 'KEY_UNUSABLE',
        what: 'the text given is not a private key that ssh-add can take, or it has a passphrase',
        next: 'Give the whole file, from its BEGIN line to its END line, of a key without a passphrase.',
      });
    }
    const log = textOf(files.log);
    const publicKey = readFileSync(files.publicKey, 'utf8').trim().split(' ').slice(0, 2).join(' ');
    const verdict = verdictOf(log);
    if (verdict !== undefined) return { verdict, publicKey };
    throw connectFailure({
      ...wanted,
      destination: destinationOf(address),
      ...(place.through === undefined
        ? {}
        : { through: { name: place.through.name, log: place.through.log() } }),
      log: `${place.paths.readable(withoutDebug(log))}${end.isLate ? '\ntimed out during banner exchange' : ''}`,
      way: place.paths.readable(withoutDebug(textOf(files.words))),
      progress: progressOf(log),
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw hostFailure({
        ...wanted,
        code: 'TOOL_MISSING',
        what: `ssh-agent, ssh-add or ssh cannot be started: ${error.message}`,
        next: 'Install the OpenSSH client on this machine.',
        cause: error,
      });
    }
    throw error;
  } finally {
    for (const path of Object.values(files)) rmSync(path, { force: true });
  }
}

/**
 * Undefined: neither. `refused` wants all of it: the key was offered, and the host itself ended with Permission denied.
 * Messages of OpenSSH 7.4 to 10, sshconnect2.c; without DEBUG1 lines of the key a client may never have offered it.
 */
export function verdictOf(log: string): KeyProof['verdict'] | undefined {
  if (
    /^(?:debug1: Authentication succeeded \(publickey\)|Authenticated to .* using "publickey")/m.test(log)
  ) {
    return /with partial success/.test(log) ? undefined : 'accepted';
  }
  const isOffered = /^debug1: Offering (?:\S+ )?public key: /m.test(log);
  const isDenied = /^\S+@\S+: Permission denied \([^)]*\)\.?\s*$/m.test(log);
  const isHalf = /partial success|signing failed|agent refused|sign_and_send_pubkey/.test(log);
  return isOffered && isDenied && !isHalf ? 'refused' : undefined;
}

/** What the inventory and the user's own configuration say of the host. */
async function resolve(
  address: HostAddress,
  { jump, config, paths }: ProofPlace,
  words: string,
  signal: AbortSignal,
): Promise<string> {
  const options = connectionArguments(address, { config, words, paths }, jump);
  const asked = await startProcess('ssh', ['-G', ...options, '--', destinationOf(address)]);
  let said = '';
  asked.stdout.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-logBytesMax);
  });
  asked.stdout.resume();
  const drained = new Promise((done) => asked.stdout.once('close', done));
  await followed(asked, () => false, { signal, timeoutMs: resolveMsMax });
  await drained;
  return said;
}

/** Until the process ends, what is wanted is there or the time is over; then it and all that it started has ended. */
async function followed(
  session: Session,
  isThere: () => boolean,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<{ readonly exitCode: number | undefined; readonly isLate: boolean }> {
  session.stdout.resume();
  session.stderr.resume();
  const giveUpAt = Date.now() + timeoutMs;
  const ended = session.ended.then((exitCode) => ({ exitCode }));
  const soon = (ms: number) => delay(ms, undefined, { ref: false });
  let end: { readonly exitCode: number | undefined } | undefined;
  while (end === undefined && !isThere() && !signal.aborted && Date.now() < giveUpAt) {
    end = await Promise.race([ended, soon(lookAgainMs)]);
  }
  const isLate = end === undefined && !signal.aborted && Date.now() >= giveUpAt;
  // The pipe closes, and with it end ssh and the agent.
  session.stdin.end();
  await Promise.race([ended, soon(endMsMax)]);
  session.kill();
  return { exitCode: end?.exitCode, isLate };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-logBytesMax);
  } catch {
    return '';
  }
}
