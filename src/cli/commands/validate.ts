/** belay validate: everything that is wrong with runbooks, at once. */
import {
  parseParameterFile,
  renderDiagnostics,
  summarizeDiagnostics,
  type Diagnostic,
  type SourceText,
} from '../../document/index.ts';
import { readText } from '../../runtime/read-text.ts';
import type { Belay } from '../../runtime/belay.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf } from '../options.ts';
import { runbookBeside } from '../parameter-file.ts';

export const body: CommandBody = async (cli, files, options) => {
  const belay = await cli.belay();
  const strictSsm = flagOf(options, 'strictSsm');
  const diagnostics: Diagnostic[] = [];
  const sources: SourceText[] = [];
  for (const file of files) {
    const checked = checkFile(belay, file, strictSsm);
    diagnostics.push(...checked.diagnostics);
    sources.push(checked.source);
  }
  const hasErrors = diagnostics.some(({ severity }) => severity === 'error');
  if (flagOf(options, 'json')) {
    cli.out(`${JSON.stringify({ schemaVersion: 1, valid: !hasErrors, files, diagnostics }, null, 2)}\n`);
  } else {
    if (diagnostics.length > 0)
      cli.talk(renderDiagnostics(diagnostics, sources, { color: cli.style.color }).trimEnd());
    const what = files.length === 1 ? `${files[0]} is` : `${files.length} files are`;
    cli.talk(
      hasErrors
        ? `${summarizeDiagnostics(diagnostics)} Nothing was started.`
        : `${what} sound. ${summarizeDiagnostics(diagnostics)}`.trimEnd(),
    );
  }
  return hasErrors ? exitCodes.usage : exitCodes.done;
};

/** The parameters for a sandbox run are held to the runbook beside them: where that is not sound, it is told instead. */
function checkFile(belay: Belay, file: string, strictSsm: boolean): Pick<Checked, 'diagnostics' | 'source'> {
  const runbook = runbookBeside(file);
  // AWS looks for runbooks of other names when it comes to them.
  if (runbook === undefined) return belay.check(file, { strictSsm, children: !strictSsm });
  const checked = belay.check(runbook, { strictSsm: false });
  if (checked.document === undefined) return checked;
  const source = readText(file);
  return { source, diagnostics: parseParameterFile(source, checked.document).diagnostics };
}

type Checked = ReturnType<Belay['check']>;
