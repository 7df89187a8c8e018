/** The checksum of a body that some operations want, mostly of S3 (Amazon S3 User Guide, "Checking object integrity"). */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { OperationModel } from './model-format.ts';

const DEFAULT = 'CRC32';

/** The headers to add; none where the operation wants none or the caller has given one. Throws for an algorithm that Belay does not compute. */
export function checksumHeaders(
  { checksum }: OperationModel,
  input: object,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Record<string, string> {
  if (checksum === undefined) return {};
  if (
    Object.keys(headers).some((name) => /^(?:content-md5|x-amz-checksum-(?!algorithm|type)\w+)$/i.test(name))
  )
    return {};
  if (checksum === true) return { 'content-md5': createHash('md5').update(body).digest('base64') };
  const asked: unknown = Reflect.get(input, checksum.algorithmMember);
  const algorithm = typeof asked === 'string' ? asked : DEFAULT;
  return {
    'x-amz-sdk-checksum-algorithm': algorithm,
    [`x-amz-checksum-${algorithm.toLowerCase()}`]: digest(algorithm, body),
  };
}

function digest(algorithm: string, body: Uint8Array): string {
  switch (algorithm) {
    case 'CRC32': {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc32(body));
      return bytes.toString('base64');
    }
    case 'SHA1':
    case 'SHA256':
      return createHash(algorithm.toLowerCase()).update(body).digest('base64');
    default:
      throw new Error(
        `Belay computes checksums in CRC32, SHA1 and SHA256, not ${algorithm}; take one of these, or give the checksum yourself`,
      );
  }
}
