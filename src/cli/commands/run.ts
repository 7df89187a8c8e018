/** belay run: checks, asks once on a terminal, starts, and stays in front. */
import { renderDiagnostics } from '../../document/index.ts';
import type { Diagnostic, SourceText } from '../../document/index.ts';
import type { NewExecution } from '../../journal/index.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { Cli } from '../cli.ts';
import type { CommandBody } from '../command-spec.ts';
import { runInFront } from '../front.ts';
import { Declined } from '../interrupted.ts';
import { flagOf, textsOf } from '../options.ts';
import { overTargets } from '../over-targets.ts';
import { runWords } from '../run-request.ts';
import { defaultsOf, headLines, shownOutputLines } from '../view/head-lines.ts';
import { printable } from '../view/printable.ts';

export const body: CommandBody = async (cli, [file = ''], options) => {
  const belay = await cli.belay();
  const given = textsOf(options, 'targets');
  const checked = belay.checkRun(file, given.length === 0 ? undefined : given);
  const { document, diagnostics, source } = checked;
  const { request: single, borrowed } = runWords(file, options, document);
  const request = checked.isCommand ? single : overTargets(single, document, options);
  const json = flagOf(options, 'json');
  const mayAsk = cli.canAsk && !json && !flagOf(options, 'yes');
  if (document !== undefined && !json) tellWarnings(cli, diagnostics, source);
  const confirm = async (execution: NewExecution): Promise<void> => {
    if (!mayAsk) return;
    const { confirmStart } = await import('../confirm-start.ts');
    if (!(await confirmStart(cli, execution))) throw new Declined();
  };
  const { id } = await belay.start(request, confirm).catch((error: unknown) => {
    throw error instanceof Refusal ? withNothingStarted(error) : error;
  });
  const head = headLines(await belay.view(id), defaultsOf((await belay.document(id)).parameters), cli.style);
  const wait = options['wait'] !== false;
  const shown = shownOutputLines(await belay.document(id));
  return runInFront(cli, belay, id, {
    json,
    wait,
    toDaemon: flagOf(options, 'leaveToDaemon'),
    endsAs: 'run',
    head: [
      ...head,
      ...configLines((await belay.row(id)).settings.inventoryFile, cli.env),
      ...borrowed,
      ...shown,
    ],
  });
};

/** Which hosts are meant is decided by a file that is not the one of this folder. */
function configLines(file: string | null, env: NodeJS.ProcessEnv): string[] {
  const isGiven = file !== null && (env['BELAY_CONFIG'] ?? '') !== '';
  return isGiven ? [`  hosts and approvers are those of ${printable(file)} (--config)`] : [];
}

/** A refusal says what was not done; one with diagnostics ends in that sentence already. */
function withNothingStarted(refusal: Refusal): Refusal {
  const { kind, code, message, hint, diagnostics, sources } = refusal;
  if (diagnostics.length > 0) return refusal;
  const lines = [...(hint === undefined ? [] : [hint]), 'Nothing was started.'];
  return new Refusal(kind, code, message, { hint: lines.join('\n  '), sources });
}

/** What has no way back is one line here. `belay validate` shows the place, and what its author can do. */
function tellWarnings(cli: Cli, warnings: readonly Diagnostic[], source: SourceText): void {
  const others = warnings.filter(({ code }) => code !== 'NO_UNDO');
  if (others.length > 0) cli.talk(renderDiagnostics(others, [source], { color: cli.style.color }).trimEnd());
  const names = warnings
    .filter(({ code }) => code === 'NO_UNDO')
    .flatMap(({ message }) => /^step "([^"]+)"/.exec(message)?.[1] ?? []);
  if (names.length === 0) return;
  const what = names.length === 1 ? 'it changes' : 'they change';
  cli.talk(`No way back from ${names.map(printable).join(', ')}: nothing takes back what ${what}.`);
}
