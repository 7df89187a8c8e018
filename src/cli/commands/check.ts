/** belay check: looks whether everything holds, remembers what does not, and says what has changed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readRuleFiles, ruleFolder, soundRuleSets } from '../../runtime/compliance/rule-files.ts';
import type { Belay } from '../../runtime/belay.ts';
import type { Standing } from '../../runtime/compliance/approved-remedies.ts';
import type { CheckOutcome } from '../../runtime/compliance/outcome.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { Cli } from '../cli.ts';
import type { CommandBody } from '../command-spec.ts';
import { withCompliance } from '../compliance-desk.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { flagOf, textOf, textsOf, type RawOptions } from '../options.ts';
import { outcomeJson } from '../view/check-json.ts';
import { printable } from '../view/printable.ts';
import { checkLines, endingLine, verdictOfAll } from '../view/check-lines.ts';
import { junitText } from '../view/junit.ts';

const codes: Readonly<Record<CheckOutcome['verdict'], ExitCode>> = {
  COMPLIANT: exitCodes.done,
  NON_COMPLIANT: exitCodes.nonCompliant,
  UNDETERMINED: exitCodes.undetermined,
};

const checksPlotted = 1_000;

export const body: CommandBody = async (cli, [where], options) => {
  if (flagOf(options, 'json') && flagOf(options, 'junit'))
    throw new Refusal('usage', 'BAD_OPTIONS', '--json and --junit both want stdout; give one of them');
  const ruleSets = soundRuleSets(readRuleFiles(where, { cwd: cli.cwd, env: cli.env }));
  const stop = new AbortController();
  let code: ExitCode = exitCodes.interrupted;
  const onInterrupt = (): void => stop.abort();
  const onTerminate = (): void => {
    code = exitCodes.terminated;
    stop.abort();
  };
  process.once('SIGINT', onInterrupt).once('SIGTERM', onTerminate);
  try {
    const belay = await cli.belay();
    return await withCompliance(cli, async (compliance) => {
      const rules = textsOf(options, 'rule');
      const limit = textsOf(options, 'limit')
        .flatMap((text) => text.split(','))
        .filter((text) => text !== '');
      const folder = ruleFolder(where, { cwd: cli.cwd, env: cli.env });
      for (const [name, values, isGiven] of [
        ['limit', limit, textsOf(options, 'limit').length > 0],
        ['rule', rules.filter((rule) => rule !== ''), rules.length > 0],
      ] as const)
        if (isGiven && values.length === 0)
          throw new Refusal('usage', 'BAD_OPTIONS', `--${name} names nothing, so nothing was checked`, {
            hint: `belay check without --${name} checks everything`,
          });
      const outcomes = await compliance.check(ruleSets, {
        signal: stop.signal,
        ...(folder === undefined ? {} : { folder }),
        ...(rules.length === 0 ? {} : { rules }),
        ...(limit.length === 0 ? {} : { limit }),
        ...(flagOf(options, 'mend')
          ? {
              mend: {
                belay: (words) => runBelay(cli, belay.stateDir, words),
                standing: (id) => standingOf(belay, id),
              },
            }
          : {}),
      });
      await tell(cli, outcomes, options);
      for (const { set, file, retired } of outcomes.flatMap(({ gone = [] }) => gone))
        cli.talk(
          `${printable(set)} is not checked any more: ${printable(file)} is gone, or has another Name. ${retired === 0 ? 'Nothing of it was open.' : `What was open of it (${retired}) is retired, which does not say fixed.`}`,
        );
      for (const { ruleSet, alsoIn } of outcomes)
        if (alsoIn !== undefined)
          cli.talk(
            `${printable(ruleSet.name)} was ${printable(alsoIn)} before, which is still there: findings are remembered by the Name of a file. Give one of the two another Name.`,
          );
      for (const trouble of outcomes.flatMap(({ reportTroubles }) => reportTroubles))
        cli.talk(`${cli.style.paint('warn', 'Not reported')}  ${printable(trouble)}`);
      const html = textOf(options, 'html');
      if (html !== undefined) {
        const { reportHtml } = await import('../view/report-html.ts');
        const findings = compliance.findings({});
        const checks = compliance.checks(undefined, checksPlotted);
        writeReport(resolve(cli.cwd, html), reportHtml({ outcomes, findings, checks, now: cli.now() }));
        cli.talk(`The report is in ${printable(html)}.`);
      }
      return codes[verdictOfAll(outcomes)];
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    cli.talk('Interrupted: nothing was remembered of this check, and nothing is said to be compliant.');
    return code;
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  }
};

async function tell(cli: Cli, outcomes: readonly CheckOutcome[], options: RawOptions): Promise<void> {
  if (flagOf(options, 'json')) {
    const verdict = verdictOfAll(outcomes);
    await cli.pour(
      `${JSON.stringify({ schemaVersion: 1, verdict, checks: outcomes.map(outcomeJson) }, null, 2)}\n`,
    );
    return;
  }
  if (flagOf(options, 'junit')) await cli.pour(junitText(outcomes));
  else
    for (const outcome of outcomes)
      cli.out(
        checkLines(outcome, cli.outStyle)
          .map((line) => `${line}\n`)
          .join(''),
      );
  cli.talk(endingLine(outcomes, cli.style));
}

async function standingOf(belay: Belay, id: string): Promise<Standing> {
  if ((await belay.journal.execution(id)) === undefined) return 'absent';
  const { endedAt, closing, isLive } = await belay.view(id);
  if (isLive) return 'live';
  return endedAt === null && closing === null ? 'open' : 'ended';
}

/** In a process of its own, as a person would type it; what it says goes to the same terminal. Ctrl-C reaches both. */
async function runBelay(cli: Cli, stateDir: string, words: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [process.argv[1] ?? '', '--state', stateDir, ...words], {
    cwd: cli.cwd,
    env: cli.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal('usage', 'UNWRITABLE_FILE', `the report cannot be written: ${why}`, {
      hint: 'What was found is remembered: belay findings',
    });
  }
}
