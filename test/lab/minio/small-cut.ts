/** How the tests cut objects: into the smallest parts that S3 takes, so that tens of megabytes show what terabytes would. */
import type { Cut } from '../../../src/actions/minio/backup-parts.ts';
import { partBytesMin } from '../../../src/transports/s3/multipart.ts';

export const smallCut: Cut = { fromBytes: 2 * partBytesMin, partBytes: partBytesMin };
