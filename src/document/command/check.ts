/** checkCommandDocument: text → CommandDocument (schema 1.2, 2.0, 2.2), or everything that is wrong with it, each with its place. */
import type { Diagnostic, SourceText } from '../diagnostic.ts';
import { parseParameters } from '../parse-parameters.ts';
import { checkKeys, readList, readMap, readText, requiredEntry, type MapReader } from '../read-keys.ts';
import { readTree } from '../read-tree.ts';
import { makeReport, type Report } from '../report.ts';
import { scalarText, type MapNode, type Span } from '../tree.ts';
import { reportWrapper } from '../wrapped.ts';
import { parseClassic, parseStep } from './parse-step.ts';
import { checkReferences } from './references.ts';
import type { CommandDocument, CommandParameter, CommandStep } from './types.ts';

export interface CheckedCommand {
  /** Present when no diagnostic is an error. */
  readonly document?: CommandDocument;
  readonly diagnostics: readonly Diagnostic[];
}

const versions = ['1.2', '2.0', '2.2'] as const;

/** Whether the text says of itself that it is a Command document, by its own schemaVersion and not one that it quotes. */
export function isCommandDocument(text: string): boolean {
  const value = /["']?(\d+(?:\.\d+)?)/.source;
  const isJson = text.trimStart().startsWith('{');
  const key = isJson ? /["']schemaVersion["']\s*:\s*/.source : /^["']?schemaVersion["']?\s*:\s*/.source;
  const version = new RegExp(key + value, 'm').exec(text)?.[1];
  return version !== undefined && ['1.2', '2.0', '2.2', '2'].includes(version);
}

/** Reads and validates a Command document. Nothing is thrown for a bad text. */
export function checkCommandDocument(source: SourceText): CheckedCommand {
  const report = makeReport(source);
  const root = reportWrapper(source.text, report) ? undefined : readTree(source, report);
  const document = root?.kind === 'map' ? parseDocument(root, report) : undefined;
  if (root !== undefined && root.kind !== 'map')
    report.error('NOT_A_MAP', { start: 0, end: 0 }, 'a Command document is a map of keys');
  const diagnostics = report.finish();
  return document === undefined || report.hasErrors ? { diagnostics } : { document, diagnostics };
}

function parseDocument(node: MapNode, report: Report): CommandDocument | undefined {
  const reader: MapReader = { node, what: 'the document', report };
  const top: Span = { start: node.span.start, end: node.span.start };
  const entry = requiredEntry(reader, 'schemaVersion', top);
  const written = scalarText(entry?.value);
  const version = versions.find((known) => known === written || (written === '2' && known === '2.0'));
  if (version === undefined) {
    if (entry !== undefined)
      report.error(
        'SCHEMA_VERSION',
        entry.value.span,
        'the schemaVersion of a Command document is 1.2, 2.0 or 2.2',
      );
    return undefined;
  }
  const isClassic = version === '1.2';
  checkKeys(reader, [
    'schemaVersion',
    'description',
    'parameters',
    isClassic ? 'runtimeConfig' : 'mainSteps',
    'files',
  ]);
  const description = readText(reader, 'description');
  const map = readMap(reader, 'parameters');
  const parameters: Record<string, CommandParameter> =
    map === undefined ? {} : parseParameters(map.value, report, [], 'command parameter');
  const steps = isClassic ? classicSteps(reader, top) : listedSteps(reader, top, version);
  checkReferences(node, Object.keys(parameters), report);
  return {
    schemaVersion: version,
    ...(description === undefined ? {} : { description }),
    parameters,
    steps,
  };
}

function listedSteps(reader: MapReader, top: Span, version: '2.0' | '2.2'): readonly CommandStep[] {
  const { report } = reader;
  const entry = requiredEntry(reader, 'mainSteps', top);
  const items = readList(reader, 'mainSteps') ?? [];
  if (entry?.value.kind === 'list' && items.length === 0)
    report.error('WRONG_VALUE', entry.keySpan, 'mainSteps holds no step');
  const names = new Set<string>();
  return items.flatMap((item, index) => {
    if (item.kind !== 'map') {
      report.error('WRONG_TYPE', item.span, 'a step of a Command document must be a map');
      return [];
    }
    const step = parseStep(item, report, { version, isLast: index === items.length - 1 });
    if (step.name !== '' && names.has(step.name))
      report.error(
        'DUPLICATE_STEP',
        item.entries.get('name')?.value.span ?? item.span,
        `two steps are called ${step.name}`,
      );
    names.add(step.name);
    return [step];
  });
}

/** `runtimeConfig` of 1.2: plugin → properties, one map or a list of them. */
function classicSteps(reader: MapReader, top: Span): readonly CommandStep[] {
  requiredEntry(reader, 'runtimeConfig', top);
  const map = readMap(reader, 'runtimeConfig');
  if (map === undefined) return [];
  return [...map.value.entries.values()].flatMap((entry) => parseClassic(entry, reader.report));
}
