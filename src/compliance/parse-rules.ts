/** A compliance file → RuleSet, or everything that is wrong with it. */
import {
  checkKeys,
  describeNode,
  entryOf,
  makeReport,
  readList,
  readMap,
  readText,
  readTexts,
  readTree,
  wrongType,
  type Diagnostic,
  type MapReader,
  type Report,
  type SourceText,
  type Span,
  type TreeNode,
} from '../document/index.ts';
import type { CheckCatalog } from './checks.ts';
import { reportRule } from './errors.ts';
import { readRule } from './parse-rule.ts';
import type { ReportTo, Rule, RuleSet } from './types.ts';

export interface RulesOptions {
  /** Makes paths of the file absolute: relative ones to its folder, `~` to the home. Default: paths stay as written. */
  readonly resolvePath?: (path: string) => string;
  /** Whether there is a file of that resolved path; left out, nobody looks. */
  readonly isThere?: (path: string) => boolean;
}

export interface ParsedRules {
  /** Present when no diagnostic is an error. */
  readonly ruleSet?: RuleSet;
  readonly diagnostics: readonly Diagnostic[];
}

/** More rules are more files. */
export const rulesMax = 500;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const ssmTypePattern = /^Custom:[A-Za-z0-9_-]{1,93}$/;
const namespacePattern = /^[A-Za-z0-9][A-Za-z0-9_.\-/#]{0,254}$/;

export function parseRules(
  source: SourceText,
  catalog: CheckCatalog,
  options: RulesOptions = {},
): ParsedRules {
  const report = makeReport(source);
  const root = readTree(source, report);
  const ruleSet = root === undefined ? undefined : readRuleSet(root, catalog, options, report);
  const diagnostics = report.finish();
  return report.hasErrors || ruleSet === undefined ? { diagnostics } : { ruleSet, diagnostics };
}

function readRuleSet(
  root: TreeNode,
  catalog: CheckCatalog,
  options: RulesOptions,
  report: Report,
): RuleSet | undefined {
  const top = { start: root.span.start, end: root.span.start };
  if (root.kind !== 'map') {
    report.error('NOT_A_MAP', top, 'a compliance file is a map of keys', 'Name: base');
    return undefined;
  }
  const reader: MapReader = { node: root, what: 'the compliance file', report };
  checkKeys(reader, ['Name', 'Description', 'Targets', 'Report', 'Notify', 'Rules']);
  const name = readName(reader, top);
  const description = readText(reader, 'Description');
  const { resolvePath = (path: string) => path, isThere = () => true } = options;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    rules: readRules(reader, { catalog, resolvePath, isThere, targets: readTexts(reader, 'Targets') }, top),
    report: readReport(reader),
    channels: readNotify(reader),
  };
}

export function isRuleName(name: string): boolean {
  return namePattern.test(name);
}

function readName(reader: MapReader, top: Span): string {
  const entry = entryOf(reader, 'Name');
  if (entry === undefined) {
    reader.report.error('MISSING_KEY', top, `${reader.what} needs Name`, 'Name: base');
    return '';
  }
  const name = readText(reader, 'Name') ?? '';
  if (name !== '' && !isRuleName(name)) {
    const message = `a compliance file is named with up to 64 letters, digits, dots, dashes and underscores`;
    reportRule(reader.report, 'RULE_NAME', entry.value.span, message);
  }
  return name;
}

function readRules(
  reader: MapReader,
  around: {
    readonly catalog: CheckCatalog;
    readonly resolvePath: (path: string) => string;
    readonly isThere: (path: string) => boolean;
    readonly targets: readonly string[];
  },
  top: Span,
): readonly Rule[] {
  const { report } = reader;
  const entry = entryOf(reader, 'Rules');
  const items = readList(reader, 'Rules');
  if (entry === undefined || items?.length === 0) {
    report.error('MISSING_KEY', entry?.keySpan ?? top, `${reader.what} needs Rules`);
    return [];
  }
  if ((items?.length ?? 0) > rulesMax) {
    const message = `the file has ${items?.length} rules, and at most ${rulesMax} are read`;
    report.error('WRONG_VALUE', entry.keySpan, message, 'Divide it into several files.');
    return [];
  }
  const names = new Set<string>();
  const rules: Rule[] = [];
  for (const item of items ?? []) {
    if (item.kind !== 'map') {
      report.error('WRONG_TYPE', item.span, `a rule is a map of keys, not ${describeNode(item)}`);
      continue;
    }
    const { rule, nameSpan } = readRule(item, around, report);
    if (rule.name !== '' && !isRuleName(rule.name)) {
      const message = `a rule is named with up to 64 letters, digits, dots, dashes and underscores`;
      reportRule(report, 'RULE_NAME', nameSpan, message);
    }
    if (rule.name !== '' && names.has(rule.name)) {
      reportRule(report, 'DUPLICATE_RULE', nameSpan, `the file has a rule ${rule.name} already`);
    }
    names.add(rule.name);
    rules.push(rule);
  }
  return rules;
}

/** `{ Channels: [ops] }`. Whether belay.yaml has them is asked where it is at hand. */
function readNotify(reader: MapReader): readonly string[] {
  const map = readMap(reader, 'Notify');
  if (map === undefined) return [];
  const inner: MapReader = { node: map.value, what: 'Notify', report: reader.report };
  checkKeys(inner, ['Channels']);
  const channels = readTexts(inner, 'Channels');
  if (entryOf(inner, 'Channels') === undefined)
    reader.report.error('MISSING_KEY', map.keySpan, 'Notify needs Channels');
  return channels;
}

function readReport(reader: MapReader): ReportTo {
  const map = readMap(reader, 'Report');
  if (map === undefined) return {};
  const inner: MapReader = { node: map.value, what: 'Report', report: reader.report };
  checkKeys(inner, ['SsmComplianceType', 'MetricNamespace']);
  const ssmType = readText(inner, 'SsmComplianceType');
  const metricNamespace = readText(inner, 'MetricNamespace');
  const typeEntry = entryOf(inner, 'SsmComplianceType');
  if (ssmType !== undefined && typeEntry !== undefined && !ssmTypePattern.test(ssmType))
    wrongType(
      inner,
      typeEntry,
      'Custom: and a name, as Custom:Belay',
      'Association and Patch are AWS’s own.',
    );
  const spaceEntry = entryOf(inner, 'MetricNamespace');
  if (metricNamespace !== undefined && spaceEntry !== undefined && !namespacePattern.test(metricNamespace))
    wrongType(inner, spaceEntry, 'a CloudWatch namespace, as Belay/Compliance');
  return {
    ...(ssmType === undefined ? {} : { ssmType }),
    ...(metricNamespace === undefined ? {} : { metricNamespace }),
  };
}
