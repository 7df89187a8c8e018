import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { graphFormats, graphText } from '../../src/cli/view/graph-text.ts';
import { checkDocument, graphOf, type Graph, type GraphGroup } from '../../src/document/index.ts';
import { catalog, call, sleep } from './ssm/ssm.ts';

const runbooks = join(import.meta.dirname, '..', '..', 'runbooks');

function drawn(text: string): Graph {
  const { document, diagnostics } = checkDocument({ file: 'x.yaml', text }, catalog);
  if (document === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return graphOf(document);
}

const ofSteps = (...mainSteps: readonly object[]): Graph =>
  drawn(stringify({ schemaVersion: '0.3', mainSteps }));
const edges = (graph: Graph): string[] =>
  graph.edges.map(({ from, to, kind, label }) => [from, kind, to, label].join(' ').trim());
const ids = (group: Pick<GraphGroup, 'nodes' | 'groups'>): string[] => [
  ...group.nodes.map(({ id }) => id),
  ...group.groups.flatMap(ids),
];

describe('the graph of a runbook', () => {
  test('has the order of the list, its jumps and its ends', () => {
    const graph = ofSteps(
      call('A', { onFailure: 'step:C', onCancel: 'step:B' }),
      sleep('B', { isEnd: true }),
      sleep('C', { nextStep: 'D' }),
      sleep('Never', { isEnd: true }),
      sleep('D'),
    );
    expect(edges(graph)).toEqual([
      '(start) next A',
      'A next B',
      'A failure C',
      'A cancel B',
      'B next (end)',
      'C next D',
      'Never next (end)',
      'D next (end)',
    ]);
  });

  test('tells steps that are called start and end from its own beginning and end', () => {
    const graph = ofSteps(sleep('start'), sleep('end'));
    expect(edges(graph)).toEqual(['(start) next start', 'start next end', 'end next (end)']);
    expect(new Set(ids(graph)).size).toBe(4);
  });

  test('says which condition leads where, and what is left otherwise', () => {
    const Choices = [
      { NextStep: 'B', Variable: '{{ A.x }}', StringEquals: 'on' },
      { NextStep: 'C', Not: { Variable: '{{ A.x }}', StringEquals: 'off' } },
    ];
    const graph = ofSteps(
      call('A', { outputs: [{ Name: 'x', Selector: '$.x' }] }),
      { name: 'Fork', action: 'aws:branch', inputs: { Choices } },
      sleep('B'),
      sleep('C'),
    );
    expect(edges(graph)).toEqual(
      expect.arrayContaining([
        'Fork choice B {{ A.x }} StringEquals on',
        'Fork choice C not ({{ A.x }} StringEquals off)',
        'Fork default B',
      ]),
    );
  });

  test('draws an undo list and nested steps as boxes of their own', () => {
    const graph = drawn(readFileSync(join(runbooks, 'minio', 'rolling-patch.yaml'), 'utf8'));
    const labels = graph.groups.flatMap(({ label, groups }) => [
      label,
      ...groups.map((inner) => inner.label),
    ]);
    expect(labels).toEqual(expect.arrayContaining(['PatchNodes: Steps', 'PatchNodes: Gate', 'undo of Stop']));
    expect(edges(graph)).toEqual(
      expect.arrayContaining([
        'PatchNodes nested PatchNodes/Steps/Stage Steps',
        'PatchNodes/Steps/Stop undo PatchNodes/Steps/Stop/undo/StartAgain',
      ]),
    );
  });

  test('of every runbook that Belay has leads nowhere but to its own nodes', () => {
    const files = readdirSync(runbooks, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.yaml') && /^schemaVersion:/m.test(readFileSync(join(runbooks, file), 'utf8')),
    );
    expect(files.length).toBeGreaterThan(8);
    for (const file of files) {
      const graph = drawn(readFileSync(join(runbooks, file), 'utf8'));
      const known = new Set(ids(graph));
      for (const { from, to } of graph.edges)
        expect([known.has(from), known.has(to)], `${file} ${from} ${to}`).toEqual([true, true]);
      for (const { id, kind } of graph.nodes.filter((node) => node.kind !== 'end')) {
        expect(
          kind === 'start' || graph.edges.some((edge) => edge.to === id),
          `${file}: nothing leads to ${id}`,
        ).toBe(true);
      }
    }
  });
});

describe('its text', () => {
  const Choices = [
    { NextStep: 'B', Variable: '{{ global:REGION }}', StringEquals: '"] --> evil["\n%%{init}|`<b>\\' },
  ];
  const hostile = ofSteps({ name: 'Fork', action: 'aws:branch', inputs: { Choices } }, sleep('B'));

  test('for Mermaid keeps what stands in quotes from ending them', () => {
    for (const line of graphText(hostile, 'mermaid').trimEnd().split('\n').slice(1)) {
      expect(line).toMatch(
        /^ {2}n\d+(?:\(\["[^"]*"\]\)|\["[^"]*"\]|\{"[^"]*"\}| (?:-->|-\.->|==>)(?:\|"[^"|<>]*"\|)? n\d+)$/,
      );
    }
  });

  test('for Graphviz escapes quotes and backslashes', () => {
    const text = graphText(hostile, 'dot');
    for (const line of text.trimEnd().split('\n')) {
      const outside = line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
      expect(outside).toMatch(
        /^(?:digraph runbook \{|\}| {2}node \[shape=box\];| {2}n\d+ \[label=""(?:, shape=\w+)?\];| {2}n\d+ -> n\d+(?: \[[^\]]*\])?;)$/,
      );
    }
  });

  test.each(graphFormats)('in %s has a line for each node and each edge', (format) => {
    const graph = drawn(readFileSync(join(runbooks, 'patch-postgresql.yaml'), 'utf8'));
    const lines = graphText(graph, format).split('\n');
    expect(lines.filter((line) => /^\s*n\d+ ?[[({]/.test(line))).toHaveLength(ids(graph).length);
    expect(lines.filter((line) => /^ {2}n\d+ (?:-->|-\.->|==>|->)/.test(line))).toHaveLength(
      graph.edges.length,
    );
  });
});
