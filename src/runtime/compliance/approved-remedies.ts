/**
 * Remedies that wait for a person. Each is an execution of its own, whose id follows from what it would mend: however often a check comes
 * by, it is asked for once. A check goes on with what was approved, and takes back the question where there is nothing to mend any more.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { remedyArguments, type Finding, type Remedy, type Rule } from '../../compliance/index.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { executionIdOf, isExecutionId } from '../execution-id.ts';
import type { CheckOutcome, Mended } from './outcome.ts';
import { remedyRunbook } from './remedy-runbook.ts';

/** `live`: a process runs it now. */
export type Standing = 'absent' | 'open' | 'live' | 'ended';

export interface ApprovedPorts {
  readonly stateDir: string;
  /** Runs `belay` with these words to its end; its exit code, null when a signal ended it. */
  readonly belay: (words: readonly string[]) => Promise<number | null>;
  readonly standing: (executionId: string) => Promise<Standing>;
}

/** What of one target a remedy is for. */
interface About {
  readonly set: string;
  readonly rule: string;
  readonly target: string;
}

interface Kept extends About {
  readonly executionId: string;
}

/** Of one rule whose Mode is approve. `mendable`: what it could mend now, by target. */
export async function approvedRemedies(
  rule: Rule,
  remedy: Remedy,
  mendable: ReadonlyMap<string, readonly Finding[]>,
  { ruleSet, looks }: Pick<CheckOutcome, 'ruleSet' | 'looks'>,
  ports: ApprovedPorts,
): Promise<Mended[]> {
  const mine = (await keptIn(ports)).filter(
    ({ set, rule: name }) => set === ruleSet.name && name === rule.name,
  );
  const wanted = new Map(
    [...mendable].map(([target, findings]) => [
      idOf(ruleSet.name, rule, remedy, target, findings),
      { target, findings },
    ]),
  );
  const all: Mended[] = [];
  const add = (target: string, executionId: string, result: Mended['result']): void =>
    void all.push({ rule: rule.name, target, executionId, result });

  let waiting = 0;
  for (const { executionId, target } of mine) {
    if (wanted.has(executionId)) continue;
    // Whoever was not looked at, or could not be, is still in need of it as far as anybody knows.
    const isKnown = looks.some(
      (look) =>
        look.rule === rule.name &&
        look.target === target &&
        look.judged.every(({ kind }) => kind !== 'unknown'),
    );
    const standing = await ports.standing(executionId);
    if (!isKnown || standing === 'live') waiting += 1;
    else if (standing === 'open')
      add(target, executionId, withdrawnBy(await ports.belay(['cancel', executionId])));
    else forget(executionId, ports);
  }
  const inTurn = await Promise.all(
    Array.from(wanted, async ([executionId, of]) => ({
      executionId,
      ...of,
      standing: await ports.standing(executionId),
    })),
  );
  waiting += inTurn.filter(({ standing }) => standing === 'live').length;
  // What was asked for already goes on before anything new is asked.
  for (const { executionId, target } of inTurn.filter(({ standing }) => standing === 'open')) {
    const result = resultOf(await ports.belay(['resume', executionId, '--no-wait']));
    add(target, executionId, result);
    if (result === 'waits') waiting += 1;
    else if (result !== 'mended') return all;
  }
  // Asked once: a no, and a remedy that did not help, are an answer until the finding is another one.
  for (const { executionId, target, findings } of inTurn.filter(({ standing }) => standing === 'absent')) {
    if (waiting >= remedy.targetsMax) break;
    const about = { set: ruleSet.name, rule: rule.name, target };
    const words = asked(executionId, about, { rule, remedy, findings }, ports);
    const result = resultOf(await ports.belay(words));
    add(target, executionId, result);
    if (result === 'waits') waiting += 1;
    else if (result !== 'mended') break;
  }
  return all;
}

function idOf(set: string, rule: Rule, remedy: Remedy, target: string, findings: readonly Finding[]): string {
  const words = findings.map((finding) => JSON.stringify(remedyArguments(remedy, finding)));
  const since = Math.min(...findings.map(({ firstSeenAt }) => firstSeenAt));
  return executionIdOf(since, [set, rule.name, target, String(since), ...words.toSorted()]);
}

/** Writes the runbook down; the words that start it. */
function asked(
  executionId: string,
  about: About,
  {
    rule,
    remedy,
    findings,
  }: { readonly rule: Rule; readonly remedy: Remedy; readonly findings: readonly Finding[] },
  { stateDir }: ApprovedPorts,
): string[] {
  const { document, parameters, secrets } = remedyRunbook(about.set, rule, remedy, about.target, findings);
  const folder = join(folderOf(stateDir), executionId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, what: object): string => {
    const file = join(folder, name);
    writeFileSync(file, `${JSON.stringify(what, null, 2)}\n`, { mode: 0o600 });
    return file;
  };
  write(aboutFile, about);
  const given = write('parameters.json', parameters);
  const runbook = write(`mend-${rule.name}.json`, document);
  const words = Object.entries(secrets).flatMap(([name, reference]) => ['--secret', `${name}=${reference}`]);
  return ['run', runbook, '--id', executionId, '--params-file', given, ...words, '-y', '--no-wait'];
}

const aboutFile = 'about.json';

function folderOf(stateDir: string): string {
  return join(stateDir, 'remedies');
}

/** Those that were asked for and whose folder is still there. What has ended is forgotten here. */
async function keptIn(ports: ApprovedPorts): Promise<Kept[]> {
  const folder = folderOf(ports.stateDir);
  if (!existsSync(folder)) return [];
  const kept: Kept[] = [];
  for (const executionId of readdirSync(folder).filter(isExecutionId)) {
    const about = aboutIn(join(folder, executionId, aboutFile));
    if (about === undefined || (await ports.standing(executionId)) === 'ended') forget(executionId, ports);
    else kept.push({ ...about, executionId });
  }
  return kept;
}

/** Undefined: it was cut off while it was written. */
function aboutIn(file: string): About | undefined {
  let read: Json;
  try {
    read = JSON.parse(readFileSync(file, 'utf8')) as Json;
  } catch {
    return undefined;
  }
  if (!isJsonObject(read)) return undefined;
  const { set, rule, target } = read;
  return typeof set === 'string' && typeof rule === 'string' && typeof target === 'string'
    ? { set, rule, target }
    : undefined;
}

function forget(executionId: string, { stateDir }: ApprovedPorts): void {
  rmSync(join(folderOf(stateDir), executionId), { recursive: true, force: true });
}

/** By the exit codes of an execution. */
function resultOf(code: number | null): Mended['result'] {
  switch (code) {
    case 0:
      return 'mended';
    case 3:
      return 'takenBack';
    case 4:
      return 'notTakenBack';
    case 5:
      return 'refused';
    case 6:
      return 'waits';
    default:
      return 'failed';
  }
}

function withdrawnBy(code: number | null): Mended['result'] {
  return code === 4 ? 'notTakenBack' : 'withdrawn';
}
