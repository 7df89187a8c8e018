/** aws:branch: the one action whose inputs the language itself understands. Shape of its choices and conditions. */
import { numericOperators, operators, stringOperators } from '../condition.ts';
import type { StepDraft } from '../draft.ts';
import { isExpression } from '../expression.ts';
import type { Report } from '../report.ts';
import { describeNode, scalarText, type Entry, type MapNode, type Span, type TreeNode } from '../tree.ts';
import type { ValidationContext } from './context.ts';

export const branchAction = 'aws:branch';

const connectives = ['And', 'Or', 'Not'];

export interface BranchTarget {
  readonly step: string;
  readonly key: 'NextStep' | 'Default';
  readonly span: Span;
}

/** Every step that a branch names, in order. */
export function branchTargets(draft: StepDraft): BranchTarget[] {
  const inputs = draft.node.entries.get('inputs')?.value;
  if (inputs?.kind !== 'map') return [];
  const targets: BranchTarget[] = [];
  const choices = inputs.entries.get('Choices')?.value;
  for (const choice of choices?.kind === 'list' ? choices.items : []) {
    const next = choice.kind === 'map' ? choice.entries.get('NextStep')?.value : undefined;
    if (next !== undefined && scalarText(next) !== '') {
      targets.push({ step: scalarText(next), key: 'NextStep', span: next.span });
    }
  }
  const fallback = inputs.entries.get('Default')?.value;
  if (fallback !== undefined && scalarText(fallback) !== '') {
    targets.push({ step: scalarText(fallback), key: 'Default', span: fallback.span });
  }
  return targets;
}

export function validateBranch(draft: StepDraft, { report }: ValidationContext): void {
  const what = `step "${draft.step.name}"`;
  const inputs = draft.node.entries.get('inputs');
  const map = inputs?.value.kind === 'map' ? inputs.value : undefined;
  for (const { key, keySpan } of map?.entries.values() ?? []) {
    if (key === 'Choices' || key === 'Default') continue;
    const hint = report.suggest(key, ['Choices', 'Default']);
    report.error('UNKNOWN_INPUT', keySpan, `aws:branch has no input ${key}`, hint);
  }
  const choices = map?.entries.get('Choices');
  if (choices === undefined) {
    const at = inputs?.keySpan ?? draft.nameSpan;
    report.error('MISSING_INPUT', at, `${what} (aws:branch) needs the input Choices`);
    return;
  }
  if (choices.value.kind !== 'list' || choices.value.items.length === 0) {
    const message = `Choices of ${what} must be a list with at least one choice`;
    report.error('WRONG_INPUT', choices.keySpan, message);
    return;
  }
  for (const choice of choices.value.items) {
    if (choice.kind === 'map') validateChoice(choice, what, report);
    else {
      const message = `a choice of ${what} must be a map, but is ${describeNode(choice)}`;
      report.error('BAD_CONDITION', choice.span, message);
    }
  }
  const fallback = map?.entries.get('Default');
  if (fallback !== undefined && scalarText(fallback.value) === '') {
    report.error('WRONG_INPUT', fallback.keySpan, `Default of ${what} must be the name of a step`);
  }
}

function validateChoice(choice: MapNode, what: string, report: Report): void {
  const next = choice.entries.get('NextStep');
  if (next === undefined) {
    report.error('BAD_CONDITION', firstKeyOf(choice), `a choice of ${what} needs NextStep`);
  } else if (scalarText(next.value) === '') {
    report.error('BAD_CONDITION', next.keySpan, `NextStep of ${what} must be the name of a step`);
  }
  validateCondition(choice, what, true, report);
}

export function validateCondition(node: MapNode, what: string, isChoice: boolean, report: Report): void {
  const connective = [...node.entries.values()].filter(({ key }) => connectives.includes(key));
  const comparisons = [...node.entries.values()].filter(({ key }) => operators.some((name) => name === key));
  const allowed = [...(isChoice ? ['NextStep'] : []), 'Variable', ...connectives, ...operators];
  let hasUnknown = false;
  for (const { key, keySpan } of node.entries.values()) {
    if (allowed.includes(key)) continue;
    hasUnknown = true;
    report.error('BAD_CONDITION', keySpan, `a condition has no ${key}`, unknownKeyHint(key, allowed, report));
  }
  const tests = connective.length + comparisons.length;
  if (tests > 1) {
    const second = [...connective, ...comparisons].toSorted((a, b) => a.keySpan.start - b.keySpan.start)[1];
    report.error(
      'BAD_CONDITION',
      second?.keySpan ?? firstKeyOf(node),
      `a condition of ${what} tests two things at once`,
      'Put them into And or Or.',
    );
  } else if (tests === 0 && !hasUnknown) {
    report.error('BAD_CONDITION', firstKeyOf(node), `a condition of ${what} has no operator`);
  }
  for (const entry of connective) validateConnective(entry, what, report);
  const variable = node.entries.get('Variable');
  for (const entry of comparisons) {
    validateConstant(entry, what, report);
    if (variable === undefined) {
      report.error('BAD_CONDITION', entry.keySpan, `${entry.key} of ${what} needs a Variable to look at`);
    }
  }
  if (variable !== undefined && !isExpression(variable.value.kind === 'scalar' ? variable.value.value : '')) {
    report.warn(
      'BAD_CONDITION',
      variable.value.span,
      `Variable of ${what} is ${describeNode(variable.value)}, so the choice is always the same`,
      'A variable is an expression: "{{ Step.Output }}".',
    );
  }
}

function unknownKeyHint(key: string, allowed: readonly string[], report: Report): string | undefined {
  const negated = /^(String|Numeric|Boolean)?Not(Equals\w*)$/.exec(key);
  const positive = `${negated?.[1] ?? 'String'}${negated?.[2] ?? ''}`;
  if (negated !== null && allowed.includes(positive)) {
    return `Write Not: { Variable: …, ${positive}: … }.`;
  }
  return report.suggest(key, allowed);
}

function validateConnective(entry: Entry, what: string, report: Report): void {
  const { value } = entry;
  const operands: readonly TreeNode[] =
    entry.key === 'Not' ? [value] : value.kind === 'list' ? value.items : [];
  if (operands.length === 0) {
    report.error('BAD_CONDITION', entry.keySpan, `${entry.key} of ${what} must be a list of conditions`);
  }
  for (const operand of operands) {
    if (operand.kind === 'map') validateCondition(operand, what, false, report);
    else {
      const message = `${entry.key} of ${what} holds ${describeNode(operand)} where a condition must be`;
      report.error('BAD_CONDITION', entry.keySpan, message);
    }
  }
}

function validateConstant({ key, value, keySpan }: Entry, what: string, report: Report): void {
  const constant = value.kind === 'scalar' ? value.value : null;
  if (constant === null) {
    report.error(
      'BAD_CONDITION',
      keySpan,
      `${key} of ${what} must be one value, but is ${describeNode(value)}`,
    );
    return;
  }
  if (isExpression(constant)) return;
  const text = String(constant);
  if (numericOperators.some((name) => name === key) && (text.trim() === '' || Number.isNaN(Number(text)))) {
    report.error(
      'BAD_CONDITION',
      value.span,
      `${key} of ${what} compares with ${describeNode(value)}, no number`,
    );
  }
  if (key === 'BooleanEquals' && !/^(true|false)$/i.test(text)) {
    const message = `${key} of ${what} compares with ${describeNode(value)}, neither true nor false`;
    report.error('BAD_CONDITION', value.span, message);
  }
  if (stringOperators.some((name) => name === key) && typeof constant !== 'string') {
    const message = `${key} of ${what} compares text with ${text}; AWS wants it in quotes`;
    report.warn('BAD_CONDITION', value.span, message, `Write "${text}".`);
  }
}

function firstKeyOf(node: MapNode): Span {
  const [first] = node.entries.values();
  return first?.keySpan ?? node.span;
}
