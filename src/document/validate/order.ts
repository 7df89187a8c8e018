/**
 * Which outputs are read before their step can have run. A step can have run when some path leads from it to the
 * reader. One pass over the flow per block of asked steps, with a bit for each, so 10,000 references stay cheap.
 */
import type { Reference } from '../reference.ts';
import type { Span } from '../tree.ts';
import type { ControlFlowGraph } from './control-flow.ts';

export interface OrderQuestion {
  /** The step whose output is read, and the step that reads it. */
  readonly from: number;
  readonly to: number;
  readonly reference: Reference;
  readonly span: Span;
}

/** Asked steps per pass; memory is a quarter of this in bytes per step. */
const blockSize = 1024;
const wordBits = 32;

/** The questions to which the answer is no. Steps that nothing leads to ask nothing: they never run. */
export function findImpossible(flow: ControlFlowGraph, questions: readonly OrderQuestion[]): OrderQuestion[] {
  const { order } = flow;
  if (order === undefined) return [];
  const asked = questions.filter(({ to }) => flow.isReachable[to] === true);
  const sources = [...new Set(asked.map(({ from }) => from))];
  const impossible: OrderQuestion[] = [];
  for (let start = 0; start < sources.length; start += blockSize) {
    const block = new Map(sources.slice(start, start + blockSize).map((source, bit) => [source, bit]));
    const hasRun = propagate(flow, order, block);
    for (const question of asked) {
      const bit = block.get(question.from);
      if (bit !== undefined && !hasRun(question.to, bit)) impossible.push(question);
    }
  }
  return impossible;
}

/** For each step the asked steps that can have run before it. */
function propagate(
  flow: ControlFlowGraph,
  order: readonly number[],
  block: ReadonlyMap<number, number>,
): (step: number, bit: number) => boolean {
  const words = Math.ceil(block.size / wordBits);
  const bits = new Uint32Array(flow.edges.length * words);
  for (const step of order) {
    const bit = block.get(step);
    for (const { to } of flow.edges[step] ?? []) {
      for (let word = 0; word < words; word += 1) {
        const at = to * words + word;
        bits[at] = (bits[at] ?? 0) | (bits[step * words + word] ?? 0);
      }
      if (bit === undefined) continue;
      const at = to * words + Math.floor(bit / wordBits);
      bits[at] = (bits[at] ?? 0) | (1 << (bit % wordBits));
    }
  }
  return (step, bit) =>
    ((bits[step * words + Math.floor(bit / wordBits)] ?? 0) & (1 << (bit % wordBits))) !== 0;
}
