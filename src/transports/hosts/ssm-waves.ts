/**
 * What many hosts are asked at the same time goes out as one SendCommand for each wave of them, and one listing tells how all of them
 * are. A question waits a moment for others: lanes of one step ask within milliseconds, and a command takes a second anyway.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { AwsFailure, type Aws } from '../aws.ts';
import { HostFailure } from '../host.ts';
import { cancelled, inputTooLarge } from './failure.ts';
import type { Asked } from './ssm-api.ts';
import { apiFailure } from './ssm-failure.ts';
import { followAll, followOne } from './ssm-outcome.ts';
import { sendOverSsm, SendRefused } from './ssm-send.ts';

/** Instances that one SendCommand takes. Source: API reference, SendCommand, InstanceIds. */
export const waveMax = 50;
/** What one request may have in characters; AWS refuses documents that have more than 64 KB with their parameters. */
const lineCharactersMax = 48 * 1024;
/** How long nobody else may have asked before a wave is sent, and how long it is gathered at most. */
const quietMs = { alone: 10, several: 75 };
const gatherMsMax = 1_000;
/** Said by an agent that does not tell its scripts which instance they are on: it is asked by a command of its own. */
const unnamed = 'belay-which-instance';

/** What one host is asked. */
export interface WaveQuestion extends Asked {
  /** Goes ahead of the program. */
  readonly own: Buffer;
  readonly verb: string;
  readonly about: string;
  /** Of this question alone: a lost reply is looked up by it. */
  readonly nonce: string;
}

/** What is the same for all hosts of a wave. */
export interface WaveCommon {
  /** The words that read and evaluate a program. */
  readonly opening: string;
  readonly program: Buffer;
  readonly executionSeconds: number;
}

interface Member {
  readonly question: WaveQuestion;
  readonly resolve: (stdout: string) => void;
  readonly reject: (error: Error) => void;
  isGone: boolean;
}

interface Gathering {
  readonly common: WaveCommon;
  readonly members: Member[];
  readonly since: number;
  timer: NodeJS.Timeout;
}

export class SsmWaves {
  readonly #aws: Aws;
  readonly #gatherings = new Map<string, Gathering>();
  readonly #instances = new Set<string>();
  readonly #unnamed = new Set<string>();

  constructor(aws: Aws) {
    this.#aws = aws;
  }

  /** Resolves with what the line printed on standard output there. Rejects with HostFailure. */
  async ask(question: WaveQuestion, common: WaveCommon, signal: AbortSignal): Promise<string> {
    if (signal.aborted) throw cancelled(question.host, signal.reason);
    this.#instances.add(question.instanceId);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const member: Member = { question, resolve, reject, isGone: false };
    const abort = (): void => {
      member.isGone = true;
      reject(cancelled(question.host, signal.reason));
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (this.#unnamed.has(question.instanceId)) void this.#send([member], common);
      else this.#gather(member, common);
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #gather(member: Member, common: WaveCommon): void {
    const { opening, program, executionSeconds } = common;
    const hash = createHash('sha256').update(program).digest('hex');
    const key = JSON.stringify([opening, executionSeconds, hash]);
    const flush = (): void => {
      const gathered = this.#gatherings.get(key);
      this.#gatherings.delete(key);
      if (gathered === undefined) return;
      clearTimeout(gathered.timer);
      for (const wave of wavesOf(gathered.members)) void this.#send(wave, common);
    };
    const waitMs = this.#instances.size > 1 ? quietMs.several : quietMs.alone;
    const known = this.#gatherings.get(key);
    if (known === undefined) {
      const since = Date.now();
      this.#gatherings.set(key, { common, members: [member], since, timer: setTimeout(flush, waitMs) });
      return;
    }
    known.members.push(member);
    clearTimeout(known.timer);
    if (known.members.length >= waveMax) flush();
    else
      known.timer = setTimeout(flush, Math.min(waitMs, Math.max(0, known.since + gatherMsMax - Date.now())));
  }

  /** Tells each member what came of it; never rejects. */
  async #send(all: readonly Member[], common: WaveCommon): Promise<void> {
    const members = all.filter(({ isGone }) => !isGone);
    const [first] = members;
    if (first === undefined) return;
    const line = lineOf(members, common);
    if (line.length > lineCharactersMax) return this.#apart(members, common, tooLarge(first, common));
    const given = new AbortController();
    const watch = setInterval(() => members.every(({ isGone }) => isGone) && given.abort(), 250);
    const command = {
      instances: members.map(({ question }) => question),
      line,
      comment: commentOf(members),
      executionSeconds: common.executionSeconds,
      signal: given.signal,
    };
    try {
      const id = await sendOverSsm(this.#aws, command);
      if (members.length === 1) first.resolve(await followOne(this.#aws, command, first.question, id));
      else await followAll(this.#aws, command, id, (asked, said) => this.#tell(members, common, asked, said));
    } catch (error) {
      if (error instanceof SendRefused) {
        const isOneOfThem = !error.began && /^(?:InvalidInstanceId|AccessDenied)/.test(error.failure.code);
        if (isOneOfThem && members.length > 1) return await this.#apart(members, common);
        for (const { question, reject } of members)
          reject(apiFailure(question, 'sending a command', error.failure, error.began));
      } else for (const { question, reject } of members) reject(failureFor(question, error));
    } finally {
      clearInterval(watch);
    }
  }

  /** One that the service does not know or the caller may not command, or a line that is too long, is no reason to leave out the others. */
  async #apart(members: readonly Member[], common: WaveCommon, alone?: HostFailure): Promise<void> {
    if (members.length === 1 && alone !== undefined) {
      members[0]?.reject(alone);
      return;
    }
    const half = Math.ceil(members.length / 2);
    await Promise.all([members.slice(0, half), members.slice(half)].map((part) => this.#send(part, common)));
  }

  #tell(members: readonly Member[], common: WaveCommon, instanceId: string, said: string | Error): void {
    const member = members.find(({ question }) => question.instanceId === instanceId);
    if (member === undefined) return;
    if (typeof said !== 'string') member.reject(said);
    else if (said.trim() === unnamed) {
      this.#unnamed.add(instanceId);
      void this.#send([member], common);
    } else member.resolve(said);
  }
}

/** At most so many in each, and no instance twice. */
function wavesOf(members: readonly Member[]): Member[][] {
  const waves: Member[][] = [];
  for (const member of members) {
    const { instanceId } = member.question;
    const wave = waves.find(
      (one) => one.length < waveMax && one.every(({ question }) => question.instanceId !== instanceId),
    );
    if (wave === undefined) waves.push([member]);
    else wave.push(member);
  }
  return waves;
}

/** Compressed only where it must be: a plain line needs one tool less on the host. */
function lineOf(members: readonly Member[], { opening, program }: WaveCommon): string {
  const own = ownText(members);
  const around = (text: string): string =>
    `${own}; { printf %s "$b" | base64 -d; ${text}; } | ${opening} | base64`;
  const plain = around(`printf %s '${program.toString('base64')}' | base64 -d`);
  if (plain.length <= lineCharactersMax) return plain;
  return around(`printf %s '${gzipSync(program).toString('base64')}' | base64 -d | gzip -dc`);
}

/** The agent tells a script the instance by AWS_SSM_INSTANCE_ID. Source: amazon-ssm-agent, agent/plugins, environment of scripts. */
function ownText(members: readonly Member[]): string {
  const [first] = members;
  if (members.length === 1) return `b=${first?.question.own.toString('base64')}`;
  const cases = members.map(
    ({ question }) => `${question.instanceId}) b=${question.own.toString('base64')} ;;`,
  );
  return `case $AWS_SSM_INSTANCE_ID in ${cases.join(' ')} *) echo ${unnamed}; exit 0 ;; esac`;
}

/** At most 100 characters: what is done, with how many others, and the nonce of the first. */
function commentOf(members: readonly Member[]): string {
  const [first] = members;
  if (first === undefined) throw new Error('a wave has members');
  const { verb, about, nonce } = first.question;
  const more = members.length === 1 ? '' : ` +${members.length - 1}`;
  return `belay ${verb} ${about.replaceAll(/[^\w.:/-]/g, '_').slice(0, 50)}${more} ${nonce.slice(-24)}`;
}

function tooLarge({ question }: Member, { program }: WaveCommon): HostFailure {
  return inputTooLarge(question.host, program.byteLength, lineCharactersMax, 'SSM, compressed,');
}

function failureFor(question: WaveQuestion, error: unknown): Error {
  if (error instanceof HostFailure) return error;
  if (error instanceof AwsFailure)
    return apiFailure(question, 'asking for the outcome of a command', error, true);
  return error instanceof Error ? error : new Error(String(error));
}
