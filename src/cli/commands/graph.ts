/** belay graph: where the flow of a runbook can lead, for Mermaid or Graphviz to draw. */
import { graphOf, renderDiagnostics, summarizeDiagnostics } from '../../document/index.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { textOf } from '../options.ts';
import { graphFormats, graphText } from '../view/graph-text.ts';

export const body: CommandBody = async (cli, [file = ''], options) => {
  const belay = await cli.belay();
  const { document, diagnostics, source } = belay.check(file, { strictSsm: false });
  if (document === undefined) {
    cli.talk(renderDiagnostics(diagnostics, [source], { color: cli.style.color }).trimEnd());
    cli.talk(`${summarizeDiagnostics(diagnostics)} Nothing was drawn.`);
    return exitCodes.usage;
  }
  const format = graphFormats.find((name) => name === textOf(options, 'format')) ?? 'mermaid';
  cli.out(graphText(graphOf(document), format));
  return exitCodes.done;
};
