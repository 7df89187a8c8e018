/** Every action that this Belay has, by name. Adding one is its file and one line here. */
import { approve } from './aws/approve.ts';
import { assertAwsResourceProperty } from './aws/assert-aws-resource-property.ts';
import { branch } from './aws/branch.ts';
import { changeInstanceState } from './aws/change-instance-state.ts';
import { copyImage } from './aws/copy-image.ts';
import { createImage } from './aws/create-image.ts';
import { createStack } from './aws/create-stack.ts';
import { createSnapshot } from './aws/create-snapshot.ts';
import { createTags } from './aws/create-tags.ts';
import { deleteImage } from './aws/delete-image.ts';
import { deleteStack } from './aws/delete-stack.ts';
import { executeAutomation } from './aws/execute-automation.ts';
import { executeAwsApi } from './aws/execute-aws-api.ts';
import { executeScript } from './aws/execute-script.ts';
import { loop } from './aws/loop.ts';
import { executeStateMachine } from './aws/execute-state-machine.ts';
import { invokeLambdaFunction } from './aws/invoke-lambda-function.ts';
import { invokeWebhook } from './aws/invoke-webhook.ts';
import { pause } from './aws/pause.ts';
import { runCommand } from './aws/run-command.ts';
import { runInstances } from './aws/run-instances.ts';
import { sleep } from './aws/sleep.ts';
import { updateVariable } from './aws/update-variable.ts';
import { waitForAwsResourceProperty } from './aws/wait-for-aws-resource-property.ts';
import { rolling } from './belay/rolling.ts';
import { checks } from './check/checks.ts';
import { putMetric } from './cloudwatch/put-metric.ts';
import { alertRules } from './config/alert-rules.ts';
import { checkRules } from './config/check-rules.ts';
import { requireCompliance } from './config/require-compliance.ts';
import type { AnyAction } from './define-action.ts';
import { deleteSnapshots } from './ebs/delete-snapshots.ts';
import { findRoot } from './ebs/find-root.ts';
import { findVolumes } from './ebs/find-volumes.ts';
import { moveVolume } from './ebs/move-volume.ts';
import { putBack } from './ebs/put-back.ts';
import { restore } from './ebs/restore.ts';
import { snapshot } from './ebs/snapshot.ts';
import { deleteKeyPair } from './ec2/delete-key-pair.ts';
import { deleteTags } from './ec2/delete-tags.ts';
import { rotateKeyPair } from './ec2/rotate-key-pair.ts';
import { authorizedKeys } from './host/authorized-keys.ts';
import { binary } from './host/binary.ts';
import { command } from './host/command.ts';
import { file } from './host/file.ts';
import { packageAction } from './host/package.ts';
import { reboot } from './host/reboot.ts';
import { service } from './host/service.ts';
import { check as httpCheck } from './http/check.ts';
import { backup } from './minio/backup.ts';
import { restore as minioRestore } from './minio/restore.ts';
import { heal } from './minio/heal.ts';
import { health } from './minio/health.ts';
import { info } from './minio/info.ts';
import { lifecycle } from './minio/lifecycle.ts';
import { restartCluster } from './minio/restart-cluster.ts';
import { rotateAccessKey } from './minio/rotate-access-key.ts';
import { settle } from './minio/settle.ts';
import { watchAccessKey } from './minio/watch-access-key.ts';
import { canFollow } from './postgresql/can-follow.ts';
import { check as postgresqlCheck } from './postgresql/check.ts';
import { control as postgresqlControl } from './postgresql/control.ts';
import { follow as postgresqlFollow } from './postgresql/follow.ts';
import { promote as postgresqlPromote } from './postgresql/promote.ts';
import { rebuildStandby } from './postgresql/rebuild-standby.ts';
import { replication as postgresqlReplication } from './postgresql/replication.ts';
import { server as postgresqlServer } from './postgresql/server.ts';
import { publish } from './sns/publish.ts';
import { complianceItem } from './ssm/compliance-item.ts';
import { proveKey } from './ssh/prove-key.ts';
import { drain } from './nginx/drain.ts';
import { installCertificate } from './tls/install-certificate.ts';

const all: readonly AnyAction[] = [
  approve,
  assertAwsResourceProperty,
  branch,
  changeInstanceState,
  copyImage,
  createImage,
  createSnapshot,
  createStack,
  createTags,
  deleteImage,
  deleteStack,
  executeAutomation,
  executeAwsApi,
  executeStateMachine,
  invokeLambdaFunction,
  invokeWebhook,
  executeScript,
  loop,
  pause,
  runCommand,
  runInstances,
  sleep,
  updateVariable,
  waitForAwsResourceProperty,
  rolling,
  putMetric,
  alertRules,
  checkRules,
  requireCompliance,
  deleteSnapshots,
  findRoot,
  findVolumes,
  moveVolume,
  putBack,
  restore,
  snapshot,
  deleteKeyPair,
  deleteTags,
  rotateKeyPair,
  authorizedKeys,
  binary,
  command,
  file,
  packageAction,
  reboot,
  service,
  httpCheck,
  backup,
  minioRestore,
  heal,
  health,
  info,
  lifecycle,
  restartCluster,
  rotateAccessKey,
  settle,
  watchAccessKey,
  canFollow,
  postgresqlCheck,
  postgresqlControl,
  postgresqlFollow,
  postgresqlPromote,
  rebuildStandby,
  postgresqlReplication,
  postgresqlServer,
  publish,
  complianceItem,
  proveKey,
  drain,
  installCertificate,
  ...[...checks.values()].map(({ action }) => action),
];

export const actions: ReadonlyMap<string, AnyAction> = new Map(all.map((action) => [action.name, action]));
