/** `belay explain` for people. Pure. */
import type { ActionExplanation, Field } from '../explain-action.ts';
import { limitText } from './durations.ts';
import type { Style } from './style.ts';
import { tableLines } from './table.ts';

export function actionListLines(
  actions: readonly { readonly name: string; readonly summary: string }[],
  style: Style,
): string[] {
  const width = Math.max(0, ...actions.map(({ name }) => name.length));
  return actions.map(({ name, summary }) => `${style.paint('strong', name.padEnd(width))}  ${summary}`);
}

export function actionLines(action: ActionExplanation, style: Style): string[] {
  const limit =
    action.timeoutSeconds === null ? [] : [['limit', `${limitText(action.timeoutSeconds)} per attempt`]];
  const names = action.before.map((name) => `{{ before.${name} }}`).join(' ');
  const before = names === '' ? [] : [['', `an undo list of your own reads ${names}`]];
  const facts = [
    ['undo', action.undo],
    ...before,
    ['calls', action.permissions.length === 0 ? 'nothing in AWS' : action.permissions.join(', ')],
    ...(action.connection === null ? [] : [['hosts', action.connection]]),
    ...limit,
    ['source', action.source],
  ];
  return [
    `${style.paint('strong', action.name)}  ${action.summary}`,
    '',
    ...action.example.split('\n').map((line) => `  ${line}`),
    '',
    ...sectionLines('Inputs', action.inputs, style),
    ...sectionLines('Outputs', action.outputs, style),
    ...tableLines(facts),
  ];
}

function sectionLines(title: string, fields: readonly Field[], style: Style): string[] {
  if (fields.length === 0) return [];
  const nameWidth = Math.max(...fields.map(({ name }) => name.length));
  const lines = fields.flatMap(({ name, type, required, says }) => [
    `  ${name.padEnd(nameWidth)}  ${type}${required || title === 'Outputs' ? '' : style.paint('faint', ', may be left out')}`,
    ...(says === '' ? [] : [`  ${' '.repeat(nameWidth)}    ${says}`]),
  ]);
  return [style.paint('strong', title), ...lines, ''];
}
