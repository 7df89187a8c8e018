/** Every check that this Belay has, by name: an action of the registry and a kind of rule. Adding one is its file and one line here. */
import type { CheckCatalog, CheckDescription } from '../../compliance/checks.ts';
import { checkAuthorizedKeys } from './authorized-keys.ts';
import { checkCertificate } from './certificate.ts';
import { checkClock } from './clock.ts';
import { checkAssociations } from './associations.ts';
import { checkAwsApi } from './aws-api.ts';
import { checkConfigRules } from './config-rules.ts';
import { checkEncryptedVolumes } from './encrypted-volumes.ts';
import { checkMinio } from './minio.ts';
import { checkPatchState } from './patch-state.ts';
import { checkPostgresql } from './postgresql.ts';
import { checkVolumeSnapshots } from './volume-snapshots.ts';
import type { AwsModels } from '../../transports/aws.ts';
import type { AnyCheck } from './define-check.ts';
import { checkFile } from './file.ts';
import { checkKernel } from './kernel.ts';
import { checkMount } from './mount.ts';
import { checkNginx } from './nginx.ts';
import { checkPackage } from './package.ts';
import { checkPort } from './port.ts';
import { checkReboot } from './reboot.ts';
import { checkService } from './service.ts';
import { checkSysctl } from './sysctl.ts';
import { checkUnattendedUpgrades } from './unattended-upgrades.ts';

const all: readonly AnyCheck[] = [
  checkVolumeSnapshots,
  checkPostgresql,
  checkPatchState,
  checkMinio,
  checkEncryptedVolumes,
  checkConfigRules,
  checkAwsApi,
  checkAssociations,
  checkAuthorizedKeys,
  checkCertificate,
  checkClock,
  checkFile,
  checkKernel,
  checkMount,
  checkNginx,
  checkPackage,
  checkPort,
  checkReboot,
  checkService,
  checkSysctl,
  checkUnattendedUpgrades,
];

export const checks: ReadonlyMap<string, AnyCheck> = new Map(all.map((check) => [check.action.name, check]));

/** The same in the words of the compliance room. `models`: of AWS, where calls are held against them. */
export function createCheckCatalog(models?: AwsModels): CheckCatalog {
  const described = new Map(all.map((check) => [check.action.name, describe(check, models)]));
  return { names: [...described.keys()], check: (name) => described.get(name) };
}

function describe(check: AnyCheck, models: AwsModels | undefined): CheckDescription {
  const { action, inputs, scope, secretInputs } = check;
  return { name: action.name, inputs, scope, secretInputs, check: (given) => check.problems(given, models) };
}
