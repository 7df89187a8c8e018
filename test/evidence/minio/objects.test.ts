/** The MinIO runbooks that are about objects and where they lie: backup, retention, drives; and what hangs meanwhile. */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { MinioLab } from '../../lab/minio/cluster.ts';
import { backupCases } from './backup-cases.ts';
import { checkRetentionCases } from './check-retention-cases.ts';
import { deniedCases } from './denied-cases.ts';
import { hangsCases } from './hangs-cases.ts';
import { locksCases } from './locks-cases.ts';
import { replaceDriveCases } from './replace-drive-cases.ts';
import { restoreCases } from './restore-cases.ts';
import { Stand } from './stand.ts';
import { underLoadCases } from './under-load-cases.ts';
import { unwellCases } from './unwell-cases.ts';
import { versionsCases } from './versions-cases.ts';
import { versionsUndoCases } from './versions-undo-cases.ts';

const reason = MinioLab.unavailable();

describe.skipIf(reason)(`MinIO's objects${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await Stand.raise();
  }, 480_000);
  afterAll(() => stand?.down(), 60_000);
  afterEach(({ task }) => stand?.ended(task.result?.state === 'fail'), 60_000);

  backupCases(() => stand);
  restoreCases(() => stand);
  versionsCases(() => stand);
  versionsUndoCases(() => stand);
  locksCases(() => stand);
  checkRetentionCases(() => stand);
  deniedCases(() => stand);
  underLoadCases(() => stand);
  replaceDriveCases(() => stand);
  // Last: what hung or was full takes MinIO up to 20 s to reach again.
  unwellCases(() => stand);
  hangsCases(() => stand);
});
