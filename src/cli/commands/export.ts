/** belay export: a runbook in plain SSM Automation, or where it says what SSM cannot. */
import { stringify } from 'yaml';
import { exportDocument, renderDiagnostics, summarizeDiagnostics } from '../../document/index.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf } from '../options.ts';

export const body: CommandBody = async (cli, [file = ''], options) => {
  const belay = await cli.belay();
  const { source } = belay.check(file, { strictSsm: false });
  const { document, diagnostics } = exportDocument(source, belay.catalog, { drop: flagOf(options, 'drop') });
  if (diagnostics.length > 0)
    cli.talk(renderDiagnostics(diagnostics, [source], { color: cli.style.color }).trimEnd());
  if (document === undefined) {
    cli.talk(`${summarizeDiagnostics(diagnostics)} Nothing was exported.`);
    return exitCodes.usage;
  }
  // AWS reads YAML 1.1, in which more words have to stand in quotes.
  const isJson = textOf(options, 'format') === 'json';
  cli.out(
    isJson ? `${JSON.stringify(document, null, 2)}\n` : stringify(document, { version: '1.1', lineWidth: 0 }),
  );
  return exitCodes.done;
};
