/** The MinIO runbooks with an access key that may not do all that they need: each says what was refused, and nothing is claimed or changed. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { checkMinio } from '../../../src/actions/check/minio.ts';
import { lifecycle } from '../../../src/actions/minio/lifecycle.ts';
import { MinioActions } from '../../lab/minio/actions.ts';
import { paths } from '../../lab/minio/configuration.ts';
import type { Said } from '../../support/command-line.ts';
import { DrawnCases } from '../drawn-cases.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { limitedUser, type Statement } from './limited-user.ts';
import { shipped, type Parameters, type Stand } from './stand.ts';

const caseMs = 240_000;
const one = 'denied-one';
const other = 'denied-other';

/** What a key may do, and where the runbook ends with it. */
interface Denial {
  readonly may: string;
  readonly statements: readonly Statement[];
  readonly code: number;
  readonly step: string;
}
const state: Statement = { Action: ['admin:ServerInfo'] };
const on = (resource: string, ...actions: readonly string[]): Statement => ({
  Action: actions.map((action) => `s3:${action}`),
  Resource: [`arn:aws:s3:::${resource}`],
});
const lists = on('*', 'ListAllMyBuckets', 'ListBucket', 'GetBucketLocation', 'GetBucketVersioning');

export function deniedCases(stand: () => Stand): void {
  const cases = new DrawnCases();

  /** A user of a name that was never there, who may do this and no more. Its secret is in DENIED_SECRET. */
  async function user(...statements: readonly Statement[]): Promise<string> {
    const { accessKey, secretKey } = await limitedUser(stand().minio, statements);
    stand().secrets.push({ value: secretKey, cores: [secretKey] });
    stand().env['DENIED_SECRET'] = secretKey;
    for (const bucket of [one, other]) await stand().minio.s3().createBucket(bucket);
    await stand().minio.s3().put(one, 'object', 'kept');
    return accessKey;
  }

  const run = (name: string, given: Parameters, secretName: string): Promise<Said> =>
    stand().run(shipped(name), given, {
      [secretName]: 'env:DENIED_SECRET',
      ...(name === 'backup' || name === 'restore' ? { TargetSecret: 'env:BACKUP_SECRET' } : {}),
    });
  const target = (): Parameters => ({
    TargetUrl: stand().minio.backupUrl,
    TargetKey: stand().minio.backup.accessKey,
    WaitSeconds: 20,
  });
  const retention = async (key: string, more: Parameters = {}): Promise<Said> =>
    run('check-retention', { ...stand().cluster, AccessKey: key, ...more }, 'SecretKey');
  const backup = async (key: string): Promise<Said> =>
    run('backup', { ...stand().cluster, ...target(), ReaderKey: key }, 'ReaderSecret');
  const patch = async (key: string): Promise<Said> => {
    const { Ca, ...cluster } = stand().cluster;
    const given = {
      ...cluster,
      CaCertificates: Ca ?? '',
      Packages: ['belay-demo'],
      LoadBalancer: 'lb1',
      UpstreamSuffix: '.lab:9000',
      AccessKey: key,
    };
    return run('rolling-patch', given, 'SecretKey');
  };
  async function removeBucket(bucket: string): Promise<void> {
    const s3 = stand().minio.s3();
    for (const { key } of await s3.list(bucket)) await s3.delete(bucket, key);
    await s3.request({ method: 'DELETE', path: `/${bucket}` });
  }
  /** Of a bucket that a refused canary would have left, and of nginx. */
  async function untouched(): Promise<string> {
    const { minio } = stand();
    const buckets = (await minio.s3().request({ path: '/' })).body.toString('utf8');
    const servers = await minio.info();
    return JSON.stringify([
      [...buckets.matchAll(/<Name>(belay-canary[^<]*)</g)].map(([, name]) => name),
      await minio.run('lb1', `sha256sum <${paths.nginxConfiguration}`),
      servers.map(({ state: is }) => is),
    ]);
  }

  cases.test(
    'denied: buckets that are not listed to a key make retention undetermined, and a backup says so',
    async () => {
      const key = await user(state, on(one, '*'), on(`${one}/*`, '*'));
      for (const PutMissing of [false, true]) {
        const said = await retention(key, { PutMissing });
        expectTrouble(said, 9, 'UNDETERMINED', 'does not let it list every bucket', 's3:ListAllMyBuckets');
      }
      const actions = new MinioActions(stand().minio);
      try {
        const asked = { Lifecycle: true, AccessKey: key, SecretKey: stand().env['DENIED_SECRET'] ?? '' };
        expect(await actions.ending(checkMinio.action, { ...asked, OnNonCompliant: 'report' })).toMatchObject(
          {
            outputs: { Unknown: [{ Code: 'NOT_ALL_LISTED' }] },
          },
        );
      } finally {
        await actions.close();
      }
      const saved = await backup(key);
      expect({ code: saved.code, stderr: saved.stderr }).toEqual({ code: 0, stderr: saved.stderr });
      expect(saved.stderr).toContain('in 1 buckets proven');
      expect(saved.stderr).toMatch(
        /buckets that the policy of the access key does not cover are not backed up/,
      );
    },
  );

  cases.test('denied: rules that a key may not read make retention undetermined', async () => {
    const key = await user(state, lists, on(one, 'GetLifecycleConfiguration'));
    const said = await retention(key);
    expectTrouble(
      said,
      9,
      'UNDETERMINED',
      '403 AccessDenied',
      'The policy of the access key does not allow it',
    );
    const unheard = await retention(await user(lists));
    expectTrouble(unheard, 9, 'UNDETERMINED', '403 AccessDenied');
  });

  cases.test(
    'denied: rules that a key may read and not write are named, and nothing is changed',
    async () => {
      const key = await user(
        state,
        lists,
        on('*', 'GetLifecycleConfiguration', 'GetBucketObjectLockConfiguration'),
      );
      const said = await retention(key, { PutMissing: true });
      expectTrouble(said, 3, 'UNDETERMINED', '403 AccessDenied', 'rolled back clean');
      const rules = await stand()
        .minio.s3()
        .request({ path: `/${one}`, query: { lifecycle: '' } });
      expect(rules.status).toBe(404);
    },
  );

  cases.test(
    'denied: of two buckets whose rules a key may write only of one, that one is named as changed, and it is taken back',
    async () => {
      const writes = on(one, 'PutLifecycleConfiguration');
      const key = await user(state, lists, on('*', 'GetLifecycleConfiguration'), writes);
      const statusOf = async (bucket: string): Promise<number> =>
        (
          await stand()
            .minio.s3()
            .request({ path: `/${bucket}`, query: { lifecycle: '' } })
        ).status;
      const actions = new MinioActions(stand().minio);
      try {
        const put = await actions.run(lifecycle, {
          Buckets: [one, other],
          Days: 1825,
          Put: true,
          AccessKey: key,
          SecretKey: stand().env['DENIED_SECRET'] ?? '',
        });
        const rules = await Promise.all([one, other].map(statusOf));
        // Both are asked at once, and what is under way comes to its end.
        expect(rules).toEqual([200, 404]);
        expect(put.ending).toMatchObject({
          kind: 'failed',
          code: 'UNDETERMINED',
          changes: [{ target: one, subject: 'lifecycle', from: 'no rules' }],
          message: expect.stringContaining('403 AccessDenied'),
        });
        expect(await actions.undo(lifecycle, put)).toMatchObject({ kind: 'done' });
        expect(await Promise.all([one, other].map(statusOf))).toEqual([404, 404]);
      } finally {
        await actions.close();
      }
    },
  );

  cases.test(
    'denied: objects that a key may not read end a backup by name, and no copy is made',
    async () => {
      const there = stand().minio.s3('backup');
      const copies = async (): Promise<readonly unknown[]> => {
        const answer = await there.request({ path: `/${one}` });
        return answer.status === 404 ? [] : there.list(one);
      };
      const key = await user(state, lists);
      await stand().minio.s3().put(one, 'object', randomBytes(20));
      const before = await copies();
      const said = await backup(key);
      expectTrouble(said, 1, '403 AccessDenied', 'The policy of the access key does not allow it');
      expect(said.stderr).not.toContain('proven by sha256');
      expect(await copies()).toEqual(before);
    },
  );

  cases.test(
    'denied: a key that may not write ends a restore by name, and the cluster is as it was',
    async () => {
      const all = await user(state, on('*', '*'));
      const saved = await backup(all);
      expect({ code: saved.code, stderr: saved.stderr }).toEqual({ code: 0, stderr: saved.stderr });
      const key = await user(state, lists, on('*', 'GetObject', 'GetObjectTagging'));
      await stand().minio.s3().put(one, 'object', 'changed');
      const given = { ...stand().cluster, ...target(), WriterKey: key, Bucket: one };
      const said = await run('restore', given, 'WriterSecret');
      expectTrouble(said, 1, '403 AccessDenied', `${one}/object`);
      expect(String(await stand().minio.s3().get(one, 'object'))).toBe('changed');
    },
  );

  for (const { may, statements, code, step } of [
    { may: 'ask and not heal', statements: [state, lists], code: 1, step: 'HealBefore' },
    {
      may: 'ask and heal, and not write',
      statements: [state, lists, { Action: ['admin:Heal'] }],
      code: 3,
      step: 'CanaryBefore',
    },
    {
      may: 'write and not delete',
      statements: [
        state,
        lists,
        { Action: ['admin:Heal'] },
        on('*', 'CreateBucket', 'PutObject', 'GetObject'),
      ],
      code: 4,
      step: 'CanaryBefore',
    },
  ] satisfies readonly Denial[]) {
    cases.test(`denied: a key that may ${may} ends rolling-patch before a node is touched`, async () => {
      const key = await user(...statements);
      const before = await untouched();
      const said = await patch(key);
      const leftBehind = /belay-canary-[a-z0-9-]+/.exec(said.stderr)?.[0];
      expectTrouble(said, code, step, '403 AccessDenied', 'The policy of the access key does not allow it');
      expect(said.stderr).not.toMatch(/✔ (?:Stage|Drain|Stop) /);
      // A canary that may not be deleted is named as what is left.
      if (code === 4) {
        expect(said.stderr).toMatch(/Still changed:\s+CanaryBefore was not undone/);
        await removeBucket(leftBehind ?? '');
      }
      expect(await untouched()).toBe(before);
    });
  }

  cases.test('denied: a key that may not heal ends replace-drive before the hands are called', async () => {
    const key = await user(state, lists);
    const given = { ...stand().cluster, AdminKey: key, Node: 'minio02', Drive: '/stg/data/data2' };
    const said = await run('replace-drive', given, 'AdminSecret');
    expectTrouble(said, 1, 'Failed at HealBefore', '403 AccessDenied');
  });

  cases.draw('denied', caseMs);
}
