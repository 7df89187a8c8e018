/** belay run: checks, asks once on a terminal, starts, and stays in front. */
import { renderDiagnostics } from '../../document/index.ts';
import type { Diagnostic, SourceText } from '../../document/index.ts';
import type { Cli } from '../cli.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { runInFront } from '../front.ts';
import { flagOf } from '../options.ts';
import { runWords } from '../run-request.ts';
import { defaultsOf, headLines } from '../view/head-lines.ts';

export const body: CommandBody = async (cli, [file = ''], options) => {
  const belay = await cli.belay();
  const { document } = belay.check(file, { strictSsm: false });
  const { request, borrowed } = runWords(file, options, document);
  const json = flagOf(options, 'json');
  if (document !== undefined && cli.canAsk && !json && !flagOf(options, 'yes')) {
    const { confirmStart } = await import('../confirm-start.ts');
    if (!(await confirmStart(cli, request, document))) {
      cli.talk('Nothing was started.');
      return exitCodes.failed;
    }
  }
  const { id, warnings, source } = await belay.start(request);
  const head = headLines(belay.view(id), defaultsOf(belay.row(id).program.document.parameters), cli.style);
  if (!json) tellWarnings(cli, warnings, source);
  const wait = options['wait'] !== false;
  return runInFront(cli, belay, id, { json, wait, endsAs: 'run', head: [...head, ...borrowed] });
};

function tellWarnings(cli: Cli, warnings: readonly Diagnostic[], source: SourceText): void {
  if (warnings.length === 0) return;
  cli.talk(renderDiagnostics(warnings, [source], { color: cli.style.color }).trimEnd());
}
