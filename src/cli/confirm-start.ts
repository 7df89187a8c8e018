/** The one question before a run: what will run, with what, on what. */
import { resolveInputs, type Document, type RollbackWhen } from '../document/index.ts';
import type { NewExecution } from '../journal/index.ts';
import type { JsonObject } from '../json.ts';
import { parameterScope } from '../runtime/parameter-scope.ts';
import { maskPlaceholders } from '../runtime/secrets/placeholder.ts';
import { askYesNo } from './ask.ts';
import type { Cli } from './cli.ts';
import { limitText } from './view/durations.ts';
import { targetsOfInputs } from './view/input-targets.ts';
import { parametersText } from './view/output-lines.ts';
import { printable } from './view/printable.ts';
import { tableLines } from './view/table.ts';

export async function confirmStart(
  cli: Cli,
  { file, program, input, settings }: NewExecution,
): Promise<boolean> {
  const { document } = program;
  const parameters = maskPlaceholders(input.parameters);
  const places = namedTargets(document, parameters).map(printable).join(', ') || 'what its steps find';
  const rows = [
    ['steps', document.mainSteps.map(({ name }) => printable(name)).join(', ')],
    ...(Object.keys(parameters).length === 0 ? [] : [['with', parametersText(parameters)]]),
    ['on', settings.sandbox ? `${places}  (sandbox: nothing real is touched)` : places],
    ['fails', failureText(input.rollbackWhen, document.rollback.timeoutSeconds)],
  ];
  const what = document.description === undefined ? '' : `  ${printable(document.description)}`;
  cli.talk(`${printable(file)}${what}`, ...tableLines(rows).map((line) => `  ${line}`));
  return (await askYesNo('Start it?', { initial: true })) === true;
}

/** What happens when a step fails. */
function failureText(when: RollbackWhen, budgetSeconds: number): string {
  switch (when) {
    case 'onFailure':
      return `then it climbs down by itself, in at most ${limitText(budgetSeconds)}`;
    case 'never':
      return 'then it stays where it is; belay rollback takes it back';
    case 'ask':
      return 'then it asks whether to climb down';
    default:
      return when satisfies never;
  }
}

/** Hosts, instances and volumes that steps name by themselves or through a parameter, in that order. */
export function namedTargets({ mainSteps }: Document, parameters: JsonObject): string[] {
  const targets = mainSteps.flatMap(({ inputs }) => {
    // Inputs whose value is known only later are looked at one by one, so that the others still count.
    const known = Object.entries(inputs).flatMap(([name, input]) => {
      const resolved = resolveInputs(input, parameterScope(parameters));
      return resolved.ok ? [[name, resolved.value]] : [];
    });
    return targetsOfInputs(Object.fromEntries(known));
  });
  return [...new Set(targets)];
}
