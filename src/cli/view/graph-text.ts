/** A document's graph as text for Mermaid and for Graphviz. Every label is escaped: names and constants come from a file. */
import type { Graph, GraphEdge, GraphEdgeKind, GraphGroup, GraphNode } from '../../document/index.ts';
import { clipped, printable } from './printable.ts';

export const graphFormats = ['mermaid', 'dot'] as const;
export type GraphFormat = (typeof graphFormats)[number];

export function graphText(graph: Graph, format: GraphFormat): string {
  const numbers = new Map(everyNode(graph).map(({ id }, index) => [id, `n${index}`]));
  const named: Named = (id) => numbers.get(id) ?? 'n0';
  return `${(format === 'mermaid' ? mermaidLines(graph, named) : dotLines(graph, named)).join('\n')}\n`;
}

type Named = (id: string) => string;

function everyNode(group: Pick<GraphGroup, 'nodes' | 'groups'>): readonly GraphNode[] {
  return [...group.nodes, ...group.groups.flatMap(everyNode)];
}

const labelCharactersMax = 60;
const plain = (text: string): string => clipped(printable(text.replaceAll(/\s+/g, ' ')), labelCharactersMax);

/** What an edge says beside its own label. */
const words: Readonly<Record<GraphEdgeKind, string>> = {
  next: '',
  choice: '',
  default: 'otherwise',
  failure: 'on failure',
  cancel: 'on cancel',
  nested: '',
  again: 'again, or done',
  undo: 'undo',
};

function edgeLabel({ kind, label }: GraphEdge): string {
  return [words[kind], plain(label)].filter((part) => part !== '').join(' ');
}

// Mermaid

const mermaidArrows: Readonly<Record<GraphEdgeKind, string>> = {
  next: '-->',
  choice: '-->',
  default: '-->',
  failure: '-.->',
  cancel: '-.->',
  nested: '==>',
  again: '-->',
  undo: '-.->',
};

function mermaidLines(graph: Graph, named: Named): string[] {
  return [
    'flowchart TD',
    ...mermaidGroup(graph, named, '  '),
    ...graph.edges.map((edge) => {
      const label = edgeLabel(edge);
      const said = label === '' ? '' : `|${mermaidString(label)}|`;
      return `  ${named(edge.from)} ${mermaidArrows[edge.kind]}${said} ${named(edge.to)}`;
    }),
  ];
}

function mermaidGroup(
  { nodes, groups }: Pick<GraphGroup, 'nodes' | 'groups'>,
  named: Named,
  indent: string,
): string[] {
  return [
    ...nodes.map((node) => `${indent}${named(node.id)}${mermaidNode(node)}`),
    ...groups.flatMap((group) => [
      `${indent}subgraph g_${group.id.replaceAll(/[^A-Za-z0-9]/g, '_')}[${mermaidString(plain(group.label))}]`,
      ...mermaidGroup(group, named, `${indent}  `),
      `${indent}end`,
    ]),
  ];
}

function mermaidNode({ kind, name, action }: GraphNode): string {
  switch (kind) {
    case 'start':
    case 'end':
      return `([${mermaidString(name)}])`;
    case 'branch':
      return `{${mermaidString(plain(name))}}`;
    case 'step':
      return `[${mermaidString(`${plain(name)} · ${plain(action)}`)}]`;
    default:
      return kind satisfies never;
  }
}

/** Mermaid has no escapes in quotes but character entities. */
function mermaidString(text: string): string {
  return `"${text.replaceAll(/["#<>`\\|{}[\]]/g, (letter) => `#${letter.codePointAt(0) ?? 0};`)}"`;
}

// Graphviz

const dotStyles: Readonly<Record<GraphEdgeKind, string>> = {
  next: '',
  choice: '',
  default: '',
  failure: 'style=dashed, color=red',
  cancel: 'style=dashed, color=gray',
  nested: 'style=bold',
  again: '',
  undo: 'style=dotted, color=blue',
};

function dotLines(graph: Graph, named: Named): string[] {
  return [
    'digraph runbook {',
    '  node [shape=box];',
    ...dotGroup(graph, named, '  '),
    ...graph.edges.map((edge) => {
      const label = edgeLabel(edge);
      const parts = [label === '' ? '' : `label=${dotString(label)}`, dotStyles[edge.kind]].filter(
        (part) => part !== '',
      );
      return `  ${named(edge.from)} -> ${named(edge.to)}${parts.length === 0 ? '' : ` [${parts.join(', ')}]`};`;
    }),
    '}',
  ];
}

function dotGroup(
  { nodes, groups }: Pick<GraphGroup, 'nodes' | 'groups'>,
  named: Named,
  indent: string,
): string[] {
  return [
    ...nodes.map((node) => `${indent}${named(node.id)} [${dotNode(node)}];`),
    ...groups.flatMap((group) => [
      `${indent}subgraph ${dotString(`cluster_${group.id}`)} {`,
      `${indent}  label=${dotString(plain(group.label))};`,
      ...dotGroup(group, named, `${indent}  `),
      `${indent}}`,
    ]),
  ];
}

function dotNode({ kind, name, action }: GraphNode): string {
  if (kind === 'start' || kind === 'end') return `label=${dotString(name)}, shape=oval`;
  if (kind === 'branch') return `label=${dotString(plain(name))}, shape=diamond`;
  return `label=${dotString(`${plain(name)}\n${plain(action)}`)}`;
}

function dotString(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`;
}
