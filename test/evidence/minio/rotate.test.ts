/** The MinIO runbooks that change what is shown and what is accepted: certificates, and access keys. */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { MinioLab } from '../../lab/minio/cluster.ts';
import { rotateAccessKeyCases } from './rotate-access-key-cases.ts';
import { rotateTlsCases } from './rotate-tls-cases.ts';
import { Stand } from './stand.ts';

const reason = MinioLab.unavailable();

describe.skipIf(reason)(`MinIO, rotating${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await Stand.raise();
  }, 480_000);
  afterAll(() => stand?.down(), 60_000);
  afterEach(({ task }) => stand?.ended(task.result?.state === 'fail'), 60_000);

  rotateTlsCases(() => stand);
  rotateAccessKeyCases(() => stand);
});
