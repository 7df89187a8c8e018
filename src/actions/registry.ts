/** Every action that this Belay has, by name. Adding one is its file and one line here. */
import { approve } from './aws/approve.ts';
import { assertAwsResourceProperty } from './aws/assert-aws-resource-property.ts';
import { branch } from './aws/branch.ts';
import { changeInstanceState } from './aws/change-instance-state.ts';
import { createSnapshot } from './aws/create-snapshot.ts';
import { createTags } from './aws/create-tags.ts';
import { executeAwsApi } from './aws/execute-aws-api.ts';
import { pause } from './aws/pause.ts';
import { runCommand } from './aws/run-command.ts';
import { sleep } from './aws/sleep.ts';
import { waitForAwsResourceProperty } from './aws/wait-for-aws-resource-property.ts';
import type { AnyAction } from './define-action.ts';
import { deleteSnapshots } from './ebs/delete-snapshots.ts';
import { restore } from './ebs/restore.ts';
import { snapshot } from './ebs/snapshot.ts';
import { binary } from './host/binary.ts';
import { command } from './host/command.ts';
import { file } from './host/file.ts';
import { packageAction } from './host/package.ts';
import { reboot } from './host/reboot.ts';
import { service } from './host/service.ts';
import { check as httpCheck } from './http/check.ts';
import { drain } from './nginx/drain.ts';
import { check as postgresqlCheck } from './postgresql/check.ts';
import { publish } from './sns/publish.ts';
import { installCertificate } from './tls/install-certificate.ts';

const all: readonly AnyAction[] = [
  approve,
  assertAwsResourceProperty,
  branch,
  changeInstanceState,
  createSnapshot,
  createTags,
  executeAwsApi,
  pause,
  runCommand,
  sleep,
  waitForAwsResourceProperty,
  deleteSnapshots,
  restore,
  snapshot,
  binary,
  command,
  file,
  packageAction,
  reboot,
  service,
  httpCheck,
  drain,
  postgresqlCheck,
  publish,
  installCertificate,
];

export const actions: ReadonlyMap<string, AnyAction> = new Map(all.map((action) => [action.name, action]));
