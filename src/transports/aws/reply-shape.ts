/** What stands at a path of an operation's reply, from the model alone. Pure. */
import type { ReplyPart } from '../aws.ts';
import type { ServiceModel, Shape } from './model-format.ts';
import { nearest } from './names.ts';

/** Undefined: nobody can tell, as of a document that may hold anything. `path`: names, and places in lists. */
export function replyPart(
  model: ServiceModel,
  output: string | undefined,
  path: readonly (string | number)[],
): ReplyPart | undefined {
  // What the transport itself adds.
  if (path[0] === 'ResponseMetadata') return undefined;
  let shape: Shape | undefined =
    output === undefined ? { type: 'structure', members: {} } : model.shapes[output];
  for (const [at, step] of path.entries()) {
    if (shape === undefined) return undefined;
    const before = path.slice(0, at);
    switch (shape.type) {
      case 'structure': {
        if (shape.document === true) return undefined;
        const member = typeof step === 'string' ? shape.members[step] : undefined;
        if (member === undefined) return absent(before, step, Object.keys(shape.members));
        if (member.jsonvalue === true) return undefined;
        shape = model.shapes[member.shape];
        break;
      }
      case 'map':
        if (typeof step !== 'string') return absent(before, step, []);
        shape = model.shapes[shape.value.shape];
        break;
      case 'list':
        if (typeof step !== 'number') return absent(before, step, []);
        shape = model.shapes[shape.member.shape];
        break;
      default:
        return absent(before, step, []);
    }
  }
  if (shape === undefined || (shape.type === 'structure' && shape.document === true)) return undefined;
  const kind = kindOf(shape);
  if (kind !== 'list') return { kind };
  const element = shape.type === 'list' ? model.shapes[shape.member.shape] : undefined;
  return element === undefined ? undefined : { kind, of: kindOf(element) };
}

function absent(
  below: readonly (string | number)[],
  step: string | number,
  names: readonly string[],
): ReplyPart {
  const suggestion = typeof step === 'string' ? nearest(step, names) : undefined;
  return { kind: 'absent', below, step, ...(suggestion === undefined ? {} : { suggestion }) };
}

function kindOf(shape: Shape): Exclude<ReplyPart['kind'], 'absent'> {
  switch (shape.type) {
    case 'structure':
    case 'map':
      return 'map';
    case 'list':
      return 'list';
    case 'string':
    case 'blob':
      return 'text';
    case 'timestamp':
      return 'time';
    case 'integer':
    case 'long':
      return 'whole';
    case 'float':
    case 'double':
      return 'number';
    case 'boolean':
      return 'boolean';
    default:
      return shape satisfies never;
  }
}
