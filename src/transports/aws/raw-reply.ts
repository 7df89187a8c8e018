/** Replies whose body is not of the protocol: bytes or text of the customer's own, such as an object of S3. Pure. */
import { own } from '../../json.ts';
import type { ServiceModel } from './model-format.ts';

export function isRawReply({ operations, shapes }: ServiceModel, operation: string): boolean {
  const output = own(shapes, own(operations, operation)?.output ?? '');
  if (output?.type !== 'structure' || output.payload === undefined) return false;
  const type = own(shapes, own(output.members, output.payload)?.shape ?? '')?.type;
  return type === 'blob' || type === 'string';
}
