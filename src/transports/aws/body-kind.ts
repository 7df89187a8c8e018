/** What the body of a reply is. Pure. */
import { own } from '../../json.ts';
import type { ServiceModel } from './model-format.ts';

/**
 * `members`: an object of the protocol; `payload`: one member in the protocol's form; `raw`: bytes or text of the customer's
 * own, such as an object of S3.
 */
export type BodyKind = 'members' | 'payload' | 'raw';

export function bodyKind({ operations, shapes }: ServiceModel, operation: string): BodyKind {
  const output = own(shapes, own(operations, operation)?.output ?? '');
  if (output?.type !== 'structure' || output.payload === undefined) return 'members';
  const type = own(shapes, own(output.members, output.payload)?.shape ?? '')?.type;
  return type === 'blob' || type === 'string' ? 'raw' : 'payload';
}
