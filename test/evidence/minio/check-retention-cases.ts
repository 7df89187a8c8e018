/** runbooks/minio/check-retention.yaml: the rules of each bucket, byte for byte, as the server gives them. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { S3Refusal, type S3 } from '../../lab/minio/s3.ts';
import { idOf, type Said } from '../../support/command-line.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { drawn, isThorough } from '../sample.ts';
import { several } from './several.ts';
import { placesOf, shipped, type Parameters, type Stand } from './stand.ts';

const name = 'check-retention';
const caseMs = 120_000;
const manyBuckets = 200;
const ownRule =
  '<LifecycleConfiguration><Rule><ID>own</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>';

async function* versionIds(s3: S3, bucket: string, prefix: string): AsyncGenerator<string> {
  const answer = await s3.request({ path: `/${bucket}`, query: { versions: '', prefix } });
  for (const [, id = ''] of answer.body.toString('utf8').matchAll(/<VersionId>([^<]+)</g)) yield id;
}

export function checkRetentionCases(stand: () => Stand): void {
  const given = (): Parameters => ({ ...stand().cluster, AccessKey: stand().minio.root.accessKey });
  const secrets = { SecretKey: 'env:MINIO_SECRET' };
  const run = (more: Parameters = {}, file = shipped(name)): Promise<Said> =>
    stand().run(file, { ...given(), ...more }, secrets);

  /** Of each bucket; null: it has none. */
  async function rules(): Promise<Record<string, string | null>> {
    const s3 = stand().minio.s3();
    const text = (await s3.request({ path: '/' })).body.toString('utf8');
    const names = [...text.matchAll(/<Name>([^<]+)</g)].map(([, bucket]) => bucket ?? '');
    const all = names.map(async (bucket) => {
      const answer = await s3.request({ path: `/${bucket}`, query: { lifecycle: '' } });
      return [bucket, answer.status === 200 ? answer.body.toString('utf8') : null] as const;
    });
    return Object.fromEntries(await Promise.all(all));
  }
  async function putRules(bucket: string, xml: string): Promise<void> {
    const answer = await stand()
      .minio.s3()
      .request({
        method: 'PUT',
        path: `/${bucket}`,
        query: { lifecycle: '' },
        headers: { 'content-md5': createHash('md5').update(xml).digest('base64') },
        body: Buffer.from(xml),
      });
    if (answer.status >= 300) throw new S3Refusal('the rules of the test', answer);
  }
  async function putOwnRule(bucket: string): Promise<void> {
    await stand().minio.s3().createBucket(bucket);
    await putRules(bucket, ownRule);
  }

  test(
    'retention: buckets without the rule end 8, and nothing is changed; put on request, they end 0; too old objects end 8',
    async () => {
      await putOwnRule('invoices');
      await stand().minio.s3().put('invoices', 'of last year', 'old');
      const before = await rules();
      const missing = await run();
      expectTrouble(
        missing,
        8,
        'NON_COMPLIANT',
        'do not expire all that they hold after 1825 days',
        'invoices',
      );
      expect(missing.stderr).toMatch(/Nothing (is left|was) changed/);
      expect(await rules()).toEqual(before);

      const put = await run({ PutMissing: true });
      expect({ code: put.code, stderr: put.stderr }).toEqual({ code: 0, stderr: put.stderr });
      const after = await rules();
      for (const xml of Object.values(after)) expect(xml).toContain('<Days>1825</Days>');
      expect(after['invoices']).toContain('<ID>own</ID>');
      expect((await run()).code).toBe(0);

      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const old = await run({ OlderThanSeconds: 1 });
      expectTrouble(old, 8, 'NON_COMPLIANT', 'older than 1 s', 'invoices 1');
      expect(await rules()).toEqual(after);

      // Somebody adds a rule before the rollback: it stays.
      const theirs =
        '<Rule><ID>theirs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule>';
      await putRules(
        'invoices',
        (after['invoices'] ?? '').replace('</LifecycleConfiguration>', `${theirs}</LifecycleConfiguration>`),
      );
      const back = await stand().belay(['rollback', idOf(put), '--yes']);
      expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
      const { invoices, ...rest } = await rules();
      expect({ ...rest, invoices: before['invoices'] }).toEqual(before);
      const ids = [...(invoices ?? '').matchAll(/<ID>([^<]+)</g)].map(([, id = '']) => id);
      expect(ids.toSorted((one, other) => one.localeCompare(other))).toEqual(['own', 'theirs']);
    },
    caseMs,
  );

  test(
    'retention: a bucket that keeps versions is compliant only where they expire, too; versions below a delete marker are counted',
    async () => {
      const s3 = stand().minio.s3();
      await s3.createBucket('versioned');
      const versioning = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      await s3.request({
        method: 'PUT',
        path: '/versioned',
        query: { versioning: '' },
        body: Buffer.from(versioning),
      });
      await s3.put('versioned', 'deleted', 'first');
      await s3.put('versioned', 'deleted', 'second');
      await s3.request({ method: 'DELETE', path: '/versioned/deleted' });
      const markerOnly =
        '<LifecycleConfiguration><Rule><ID>five-years</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><Days>1825</Days></Expiration></Rule></LifecycleConfiguration>';
      const answer = await s3.request({
        method: 'PUT',
        path: '/versioned',
        query: { lifecycle: '' },
        headers: { 'content-md5': createHash('md5').update(markerOnly).digest('base64') },
        body: Buffer.from(markerOnly),
      });
      expect(answer.status).toBe(200);
      const missing = await run();
      expectTrouble(missing, 8, 'versioned (its old versions never expire)');

      const before = await rules();
      const put = await run({ PutMissing: true });
      expect({ code: put.code, stderr: put.stderr }).toEqual({ code: 0, stderr: put.stderr });
      expect((await rules())['versioned']).toContain('<NoncurrentDays>1825</NoncurrentDays>');
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      expectTrouble(await run({ OlderThanSeconds: 1 }), 8, 'versioned 2');
      await stand().belay(['rollback', idOf(put), '--yes']);
      expect(await rules()).toEqual(before);
      for await (const id of versionIds(s3, 'versioned', 'deleted'))
        await s3.request({ method: 'DELETE', path: '/versioned/deleted', query: { versionId: id } });
      await s3.request({ method: 'DELETE', path: '/versioned' });
    },
    caseMs,
  );

  test(
    'retention: a shorter rule beside the right one is told, and no rule is put where one more would not mend it',
    async () => {
      const s3 = stand().minio.s3();
      await s3.createBucket('short-lived');
      const ruleOf = (id: string, days: number, prefix = '') =>
        `<Rule><ID>${id}</ID><Filter><Prefix>${prefix}</Prefix></Filter><Status>Enabled</Status><Expiration><Days>${days}</Days></Expiration></Rule>`;
      const xml = `<LifecycleConfiguration>${ruleOf('right', 1825)}${ruleOf('short', 365)}${ruleOf('tmp', 7, 'tmp/')}</LifecycleConfiguration>`;
      const answer = await s3.request({
        method: 'PUT',
        path: '/short-lived',
        query: { lifecycle: '' },
        headers: { 'content-md5': createHash('md5').update(xml).digest('base64') },
        body: Buffer.from(xml),
      });
      expect(answer.status).toBe(200);
      const before = await rules();
      const why = 'short-lived (its objects expire after 365 days)';
      expectTrouble(await run(), 8, 'NON_COMPLIANT', why);
      const put = await run({ PutMissing: true });
      expectTrouble(put, 3, why, 'No rule was put there, because one more would not mend that');
      expect(await rules()).toEqual(before);
      await s3.request({ method: 'DELETE', path: '/short-lived' });
    },
    caseMs,
  );

  test(
    'retention: killed while rules are put, it is resumed; rolled back, every bucket has the rules that it had',
    async () => {
      const before = await rules();
      const going = stand().start(shipped(name), { ...given(), PutMissing: true }, secrets);
      await going.writes(/▸ PutRule/);
      going.process.kill('SIGKILL');
      const id = idOf(stand().heard(await going.said));
      const resumed = await stand().belay(['resume', id]);
      expect({ code: resumed.code, stderr: resumed.stderr }).toEqual({ code: 0, stderr: resumed.stderr });
      await stand().belay(['rollback', id, '--yes']);
      expect(await rules()).toEqual(before);
      stand().expectNowhere();
    },
    caseMs * 2,
  );

  // Check is the other branch: it writes nothing, as the first case shows.
  const putting = placesOf(name).filter((step) => step !== 'Check');
  for (const place of drawn(name, putting)) {
    test(
      `retention: failed after ${place}, every bucket has the rules that it had`,
      async () => {
        const before = await rules();
        const said = await run({ PutMissing: true }, stand().failingAfter(name, place));
        expectTrouble(said, 3, 'FailHere');
        expect(await rules()).toEqual(before);
      },
      caseMs,
    );
  }

  test(
    'retention and backup: while a node is away nothing is called compliant, or gone: 9, and no object is copied',
    async () => {
      const { minio } = stand();
      const before = await rules();
      await minio.stopMinio('minio04');
      try {
        for (const PutMissing of [false, true]) {
          const said = await run({ PutMissing });
          expectTrouble(said, 9, 'UNDETERMINED', 'no verdict while the cluster is not healthy', 'minio04');
          expect(said.stderr).not.toContain('buckets expire objects');
        }
        const given = {
          ...stand().cluster,
          ReaderKey: minio.root.accessKey,
          TargetUrl: minio.backupUrl,
          TargetKey: minio.backup.accessKey,
          WaitSeconds: 1,
        };
        const secrets = { ReaderSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' };
        expectTrouble(
          await stand().run(shipped('backup'), given, secrets),
          1,
          'Failed at Serving',
          'minio04',
        );
      } finally {
        await minio.startMinio('minio04');
      }
      await minio.untilHealthy();
      expect(await rules()).toEqual(before);
    },
    caseMs,
  );

  test.runIf(isThorough)(
    'retention: of 200 buckets each is asked, those without the rule get it, and a rollback takes it from each',
    async () => {
      const s3 = stand().minio.s3();
      const bucketOf = (index: number): string => `many-${String(index).padStart(3, '0')}`;
      await several(manyBuckets, (index) => s3.createBucket(bucketOf(index)));
      await several(manyBuckets, (index) => s3.put(bucketOf(index), `of ${index}`, 'object'));
      await putOwnRule(bucketOf(7));
      const before = await rules();
      const missing = await run();
      expectTrouble(missing, 8, 'NON_COMPLIANT', `of ${Object.keys(before).length} buckets do not expire`);
      const put = await run({ PutMissing: true });
      expect({ code: put.code, stderr: put.stderr }).toEqual({ code: 0, stderr: put.stderr });
      for (const xml of Object.values(await rules())) expect(xml).toContain('<Days>1825</Days>');
      await sleep(1_100);
      const old = await run({ OlderThanSeconds: 1 });
      expectTrouble(old, 8, 'older than 1 s', `${bucketOf(0)} 1`);
      const back = await stand().belay(['rollback', idOf(put), '--yes']);
      expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
      expect(await rules()).toEqual(before);
      await several(manyBuckets, async (index) => {
        await s3.delete(bucketOf(index), `of ${index}`);
        await s3.request({ method: 'DELETE', path: `/${bucketOf(index)}` });
      });
    },
    1_200_000,
  );
}
