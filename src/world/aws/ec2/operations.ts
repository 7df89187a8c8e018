/** Every EC2 operation that the sandbox models. */
import type { Operations } from '../operation.ts';
import { attachmentOperations } from './attachments.ts';
import { imageOperations } from './images.ts';
import { instanceOperations } from './instances.ts';
import { launchOperations } from './launch.ts';
import { snapshotOperations } from './snapshots.ts';
import { tagOperations } from './tags.ts';
import { volumeOperations } from './volumes.ts';

export const ec2Operations: Operations = {
  ...instanceOperations,
  ...launchOperations,
  ...imageOperations,
  ...volumeOperations,
  ...attachmentOperations,
  ...snapshotOperations,
  ...tagOperations,
};
