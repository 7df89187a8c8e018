/** The one question before a run: what will run, with what, on what. */
import type { Document } from '../document/index.ts';
import type { StartRequest } from '../runtime/belay.ts';
import { askYesNo } from './ask.ts';
import type { Cli } from './cli.ts';
import { defaultsOf } from './view/head-lines.ts';
import { parametersText } from './view/output-lines.ts';
import { printable } from './view/printable.ts';
import { tableLines } from './view/table.ts';

export async function confirmStart(cli: Cli, request: StartRequest, document: Document): Promise<boolean> {
  const defaults = defaultsOf(document.parameters);
  const secrets = Object.keys(request.secrets).map((name) => [name, '***']);
  const parameters = { ...defaults, ...request.values, ...request.texts, ...Object.fromEntries(secrets) };
  const rows = [
    ['steps', document.mainSteps.map(({ name }) => printable(name)).join(', ')],
    ...(Object.keys(parameters).length === 0 ? [] : [['with', parametersText(parameters)]]),
    ['on', request.sandbox ? 'the sandbox: nothing real is touched' : 'the real world'],
    ['fails', `then rollback: ${request.rollback ?? document.rollback.when}`],
  ];
  const what = document.description === undefined ? '' : `  ${printable(document.description)}`;
  cli.talk(`${printable(request.file)}${what}`, ...tableLines(rows).map((line) => `  ${line}`));
  return (await askYesNo('Start it?', { initial: true })) === true;
}
