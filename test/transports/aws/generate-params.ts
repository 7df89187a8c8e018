/** Params of a call and members of a reply, drawn from a model: everything that its shapes allow, within a few levels. */
import type { Json, JsonObject } from '../../../src/json.ts';
import type {
  Member,
  ServiceModel,
  Shape,
  StructureShape,
} from '../../../src/transports/aws/model-format.ts';

/** Numbers in [0, 1), the same for the same seed (mulberry32, T. Ettinger, 2017). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface DrawOptions {
  /** How deep optional members are still drawn. */
  readonly depth: number;
  /** Whether texts may hold what XML, URLs and JSON escape. */
  readonly wild: boolean;
  readonly skip?: (member: Member, shape: Shape | undefined) => boolean;
}

const TAME = ['a', 'Zebra', 'i-0123', 'eu-west-1', 'x9'];
const WILD = [
  'a b',
  'ä€𝄞',
  '<&>"\'',
  'x=1&y=2',
  'a/b?c#d',
  '100%',
  '+',
  'line\nbreak',
  '{"a":1}',
  'semi;colon,comma',
];

export function drawMembers(
  model: ServiceModel,
  shapeName: string | undefined,
  random: () => number,
  { depth, wild, skip = () => false }: DrawOptions,
): JsonObject {
  const one = <T>(from: readonly T[]): T => {
    const drawn = from[Math.floor(random() * from.length)];
    if (drawn === undefined) throw new Error('nothing to draw from');
    return drawn;
  };

  const draw = (member: Member, level: number): Json => {
    const shape = model.shapes[member.shape];
    switch (shape?.type) {
      case 'structure':
        if (shape.document === true) return { any: [1, 'two', { three: true }] };
        return structure(shape, level);
      case 'list':
        return level > depth + 2
          ? []
          : Array.from({ length: 1 + Math.floor(random() * 2) }, () => draw(shape.member, level + 1));
      case 'map': {
        if (level > depth + 2) return {};
        const key = draw(shape.key, level + 1);
        const name = typeof key === 'string' ? key : 'key';
        // Names of headers have no case.
        return { [member.location === 'headers' ? name.toLowerCase() : name]: draw(shape.value, level + 1) };
      }
      case 'string':
        if (member.hostLabel === true) return 'x9';
        if (member.location === 'uri' || member.location === 'header') return shape.enum?.[0] ?? one(TAME);
        return shape.enum === undefined ? one(wild ? [...TAME, ...WILD] : TAME) : one(shape.enum);
      case 'boolean':
        return random() < 0.5;
      case 'integer':
        return Math.floor(random() * 2_000) - 1_000;
      case 'long':
        return one([0, -5, 2 ** 40, Number.MAX_SAFE_INTEGER]);
      case 'float':
      case 'double':
        return one([0.5, -2.25, 1.5, 1024.125]);
      case 'timestamp':
        return one(['2026-11-21T04:00:00Z', '2000-02-29T23:59:59Z', '1999-12-31T00:00:01Z']);
      case 'blob':
        return one(['aGVsbG8=', '/wAKDQ==', 'eA==']);
      case undefined:
        return null;
      default:
        return shape satisfies never;
    }
  };

  const structure = (shape: StructureShape, level: number): JsonObject => {
    const required = new Set(shape.required);
    const usable = Object.entries(shape.members).filter(
      ([, member]) => !skip(member, model.shapes[member.shape]),
    );
    const entries = shape.union === true && usable.length > 0 ? [one(usable)] : usable;
    const drawn: Record<string, Json> = {};
    for (const [name, member] of entries) {
      const isNeeded =
        required.has(name) ||
        member.location === 'uri' ||
        member.hostLabel === true ||
        // Left out, it is filled with a text that nobody can foretell.
        member.idempotencyToken === true;
      const isTaken = shape.union === true || isNeeded || (level < depth && random() < 0.6);
      // A required member of a shape that holds itself would go on for ever.
      if (isTaken && level < depth + 6) drawn[name] = draw(member, level + 1);
    }
    return drawn;
  };

  const shape = shapeName === undefined ? undefined : model.shapes[shapeName];
  return shape?.type === 'structure' ? structure(shape, 0) : {};
}
