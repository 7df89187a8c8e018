/** What a clean rollback may say of each target, and what stays because its author wrote that it needs no undo. Pure. */
import {
  accountOf,
  stayingByWord,
  takenBack,
  unsureBelow,
  type Account,
  type Ran,
  type StaysBy,
} from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { targetsText } from './change-text.ts';
import { clockText } from './durations.ts';
import { printable } from './printable.ts';

/** What was read again after its undo is told as a fact; what only the undo told is told as its word. */
export function asBeforeText(view: ExecutionView): string {
  const back = takenBack(accountOf(view));
  const { seen, told, elseSeen, elseTold, byList, again, byWord } = back;
  const at = clockText(view.startedAt ?? view.createdAt);
  const as = (targets: readonly string[]) =>
    `${targetsText(targets)} ${targets.length === 1 ? 'is as it was' : 'are as they were'} at ${at}`;
  const elseAs = (targets: readonly string[]) =>
    `else was changed on ${targetsText(targets)} is as it was at ${at}`;
  const ran = byWord.ran.map(({ step }) => step);
  return [
    ...(seen.length === 0 ? [] : [` ${as(seen)}.`]),
    ...(told.length === 0 ? [] : [` By what its undo told, ${as(told)}.`]),
    ...changedText(byList, (steps) => `is as ${itsOf(steps)} undo list left it`),
    ...listText(back.untoldByList),
    ...changedText(again, () => 'was put back, and a later undo changed it again'),
    ...changedText(byWord.told, (steps) => `stays, by ${itsOf(steps)} undo: none`),
    ...(byWord.unsure.length === 0 ? [] : [` ${unsureText(byWord.unsure)}.`]),
    ...(ran.length === 0 ? [] : [` ${ranText(ran, onText(byWord.ran))}.`]),
    ...(elseSeen.length === 0 ? [] : [` What ${elseAs(elseSeen)}.`]),
    ...(elseTold.length === 0 ? [] : [` By what its undo told, what ${elseAs(elseTold)}.`]),
  ].join('');
}

/** One sentence for all targets. */
function changedText(stays: readonly StaysBy[], become: (steps: readonly string[]) => string): string[] {
  if (stays.length === 0) return [];
  const steps = [...new Set(stays.flatMap((each) => each.steps))];
  const where = targetsText(stays.map(({ target }) => target));
  return [` What ${namesText(steps)} changed on ${where} ${become(steps)}.`];
}

/** What they did only their authors know, and what took it back, too. */
function listText(ran: readonly Ran[]): string[] {
  if (ran.length === 0) return [];
  const names = ran.map(({ step }) => step);
  return [` What ${namesText(names)} did${onText(ran)} is as ${itsOf(names)} undo list left it.`];
}

/** Nobody knows how far they came, and their authors wrote that they need no undo. */
function unsureText(unsure: readonly Ran[]): string {
  const names = unsure.map(({ step }) => step);
  const why = `by ${itsOf(names)} undo: none nothing takes that back`;
  return `${namesText(names)} may have changed something${onText(unsure)}; ${why}`;
}

export function ranText(names: readonly string[], on = ''): string {
  return `${namesText(names)} ran${on}; by ${itsOf(names)} undo: none there is nothing to take back`;
}

const itsOf = (names: readonly string[]): string => (names.length === 1 ? 'its' : 'their');

/** Steps that told nothing and need no undo by their authors' word: under what else is left. */
export function ranLines(account: Account): string[] {
  const { ran } = stayingByWord(account);
  const unsure = unsureBelow(account);
  const names = ran.map(({ step }) => step);
  return [
    ...(unsure.length === 0 ? [] : [`  ${unsureText(unsure)}`]),
    ...(ran.length === 0 ? [] : [`  ${ranText(names, onText(ran))}`]),
  ];
}

/** Where they ran; empty where that is not known of each. */
function onText(ran: readonly Ran[]): string {
  if (ran.some(({ targets }) => targets.length === 0)) return '';
  return ` on ${targetsText(ran.flatMap(({ targets }) => targets))}`;
}

/** So many names are said; the others are counted. */
const namesMax = 4;

export function namesText(names: readonly string[]): string {
  const shown = names.slice(0, namesMax).map(printable).join(', ');
  return names.length <= namesMax ? shown : `${shown} and ${names.length - namesMax} more`;
}
