/** Parameter files: a YAML or JSON map of names and values, checked where they stand. */
import type { Json } from '../json.ts';
import type { Diagnostic, SourceText } from './diagnostic.ts';
import { baseType } from './argument.ts';
import { checkArgument, type Arguments } from './parameters.ts';
import { yaml11BooleanOf } from './read-keys.ts';
import { readTree } from './read-tree.ts';
import { makeReport, type Report } from './report.ts';
import { asWritten, describeNode, toJson, type Entry, type TreeNode } from './tree.ts';
import type { Document, Parameter } from './types.ts';

export interface ParameterFile {
  /** Present when no diagnostic is an error. */
  readonly values?: Arguments;
  readonly diagnostics: readonly Diagnostic[];
}

/** Whether anything is missing is not asked here: other values may come by `-p`. */
export function parseParameterFile(source: SourceText, document: Document): ParameterFile {
  const report = makeReport(source);
  const root = readTree(source, report);
  const values = root === undefined ? {} : readValues(root, document, report);
  const diagnostics = report.finish();
  return report.hasErrors ? { diagnostics } : { values, diagnostics };
}

function readValues(root: TreeNode, document: Document, report: Report): Arguments {
  if (root.kind === 'scalar' && root.value === null) return {};
  if (root.kind !== 'map') {
    const at = { start: root.span.start, end: root.span.start };
    report.error('NOT_A_MAP', at, `a parameter file is a map of names and values, not ${describeNode(root)}`);
    return {};
  }
  const known = Object.keys(document.parameters);
  const values: [string, Json][] = [];
  for (const entry of root.entries.values()) {
    const { key, keySpan } = entry;
    const parameter = known.includes(key) ? document.parameters[key] : undefined;
    if (parameter === undefined) {
      const hint = report.suggest(key, known);
      report.error('UNKNOWN_PARAMETER', keySpan, `the document has no parameter ${key}`, hint);
    } else if (parameter.secret === true) {
      const message = `parameter ${key} is secret, so its value cannot be in a parameter file`;
      report.concealed('SECRET_PARAMETER', keySpan, message, `Give it with --secret ${key}=file:PATH.`);
    } else {
      values.push([key, readValue(entry, parameter, report)]);
    }
  }
  return Object.fromEntries(values);
}

function readValue({ key, keySpan, value: node }: Entry, parameter: Parameter, report: Report): Json {
  const meant = baseType(parameter.type) === 'Boolean' ? yaml11BooleanOf(node, report) : undefined;
  const value = meant ?? toJson(node);
  const at = node.kind === 'scalar' && node.value !== null ? node.span : keySpan;
  for (const { code, message, hint } of checkArgument(key, parameter, value)) {
    report.error(code, at, message, asWritten(hint, node));
  }
  return value;
}
