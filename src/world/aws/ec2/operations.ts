/** Every EC2 operation that the sandbox models. */
import type { Operations } from '../operation.ts';
import { attachmentOperations } from './attachments.ts';
import { instanceOperations } from './instances.ts';
import { snapshotOperations } from './snapshots.ts';
import { tagOperations } from './tags.ts';
import { volumeOperations } from './volumes.ts';

export const ec2Operations: Operations = {
  ...instanceOperations,
  ...volumeOperations,
  ...attachmentOperations,
  ...snapshotOperations,
  ...tagOperations,
};
