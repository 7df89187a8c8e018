/**
 * The probes of checks on a real host that lacks one tool, or breaks off in its answer: the very text that Belay sends, in a shell whose PATH
 * has everything but the tool.
 */
import { composeProbes, readProbes, type ProbeAnswer } from '../../../src/actions/check/compose.ts';
import type { HostCheck } from '../../../src/actions/check/define-check.ts';
import { ActionFailure, checks } from '../../../src/actions/index.ts';
import type { Judged } from '../../../src/compliance/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Lab } from '../../lab/hosts/lab.ts';

/** A rule of hosts, as a compliance file has it. */
export interface HostRule {
  readonly Name: string;
  readonly Check: string;
  readonly Inputs?: JsonObject;
}

/** Without these there is no script at all. */
const needed = new Set(['sh', 'env', 'printf', 'sleep', 'kill', 'true', 'false', 'test', 'echo']);
const nonce = '00112233445566778899aabbccddeeff';

/** Programs that the probes name and that the host has. */
export async function toolsOf(rules: readonly HostRule[], lab: Lab, host: string): Promise<string[]> {
  const words = new Set(rules.flatMap((rule) => probeOf(rule).body.match(/[a-z][a-z0-9-]+/g) ?? []));
  const { stdout } = await lab.exec(
    host,
    `for one in ${[...words].join(' ')}; do [ ! -x /usr/bin/$one ] && [ ! -x /usr/sbin/$one ] || echo $one; done`,
  );
  return stdout
    .trim()
    .split('\n')
    .filter((tool) => !needed.has(tool))
    .toSorted();
}

/** What the host printed for all rules, which lacks the tool where one is named. */
export async function printedWithout(
  tool: string | undefined,
  rules: readonly HostRule[],
  lab: Lab,
  host: string,
): Promise<string> {
  const { text, args = [] } = composeProbes(rules.map(probeOf), nonce);
  const quoted = args.map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(' ');
  // Every script of Belay adds the folders of root's tools; here they are not there.
  const without = text.replaceAll(':/usr/local/sbin:/usr/sbin:/sbin', '');
  const { stdout } = await lab.exec(
    host,
    `less=$(mktemp -d) && ln -s /usr/bin/* "$less/" && ln -s /usr/sbin/* "$less/" 2>/dev/null
     rm=$(command -v rm); ${tool === undefined ? '' : `$rm -f "$less/${tool}"`}
     PATH=$less /bin/sh -s; $rm -rf "$less"`,
    { stdin: `BELAY_NONCE=${nonce}\nset -- ${quoted}\n${without}` },
  );
  return stdout;
}

/** What each rule makes of what the host printed. */
export function judged(rules: readonly HostRule[], printed: string): (readonly Judged[])[] {
  const answers = readProbes({ exitCode: 0, stdout: printed, stderr: '' }, nonce, rules.length);
  return rules.map((rule, index) => judge(rule, answers[index]));
}

/** What the host printed, broken off at each of its lines. */
export function* halves(printed: string): Generator<string> {
  const lines = printed.split('\n');
  for (const [index, line] of lines.entries())
    if (line.startsWith(nonce)) yield lines.slice(0, index).join('\n');
}

/**
 * Whether nothing is claimed that the whole answer does not say: every subject is as it was, or unknown; and unless all of it is as it was,
 * something is unknown.
 */
export function claimsNothingElse(whole: readonly Judged[], less: readonly Judged[]): boolean {
  const before = new Map(whole.map((each) => [each.subject, JSON.stringify(each)]));
  const others = less.filter(({ kind }) => kind !== 'unknown');
  const isUnknown = others.length < less.length;
  return (
    others.every((each) => before.get(each.subject) === JSON.stringify(each)) &&
    (isUnknown || others.length === whole.filter(({ kind }) => kind !== 'unknown').length)
  );
}

function judge({ Check, Inputs = {} }: HostRule, answer: ProbeAnswer | undefined): readonly Judged[] {
  if (answer === undefined) throw new Error(`${Check} was not answered`);
  const now = Date.now();
  try {
    return checkOf(Check).judge(answer, Inputs, { from: now - 60_000, until: now + 60_000 });
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    return [{ kind: 'unknown', subject: '', code: error.code, reason: error.message }];
  }
}

function probeOf({ Check, Inputs = {} }: HostRule) {
  return checkOf(Check).probe(Inputs);
}

function checkOf(name: string): HostCheck {
  const check = checks.get(name);
  if (check?.scope !== 'hosts') throw new Error(`${name} is not a check of hosts`);
  return check;
}
