/** The EC2 operations that the endpoint answers itself; every other goes to moto as it came. */
import type { Handler } from '../cell.ts';
import { attachVolume, detachVolume } from './attachments.ts';
import {
  describeInstances,
  describeInstanceStatus,
  modifyInstanceAttribute,
  rebootInstances,
  runInstances,
  startInstances,
  stopInstances,
  terminateInstances,
} from './instances.ts';
import { deleteKeyPair, describeKeyPairs, importKeyPair } from './key-pairs.ts';
import { createSnapshot, createSnapshots, deleteSnapshot, describeSnapshots } from './snapshots.ts';
import { createVolume, deleteVolume, describeVolumes } from './volumes.ts';

export const ec2Operations: Readonly<Record<string, Handler>> = {
  AttachVolume: attachVolume,
  CreateSnapshot: createSnapshot,
  CreateSnapshots: createSnapshots,
  CreateVolume: createVolume,
  DeleteKeyPair: deleteKeyPair,
  DeleteSnapshot: deleteSnapshot,
  DeleteVolume: deleteVolume,
  DescribeKeyPairs: describeKeyPairs,
  DescribeInstanceStatus: describeInstanceStatus,
  DescribeInstances: describeInstances,
  DescribeSnapshots: describeSnapshots,
  DescribeVolumes: describeVolumes,
  DetachVolume: detachVolume,
  ImportKeyPair: importKeyPair,
  ModifyInstanceAttribute: modifyInstanceAttribute,
  RebootInstances: rebootInstances,
  RunInstances: runInstances,
  StartInstances: startInstances,
  StopInstances: stopInstances,
  TerminateInstances: terminateInstances,
};
