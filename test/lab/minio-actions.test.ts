/** The actions minio:* on a real cluster of four nodes, reached over ssh; what they say is checked by the lab's own S3 client. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkMinio } from '../../src/actions/check/minio.ts';
import { backup } from '../../src/actions/minio/backup.ts';
import { heal } from '../../src/actions/minio/heal.ts';
import { health } from '../../src/actions/minio/health.ts';
import { info } from '../../src/actions/minio/info.ts';
import { lifecycle } from '../../src/actions/minio/lifecycle.ts';
import { restartCluster } from '../../src/actions/minio/restart-cluster.ts';
import { rotateAccessKey } from '../../src/actions/minio/rotate-access-key.ts';
import { settle } from '../../src/actions/minio/settle.ts';
import { addKey } from '../../src/actions/minio/access-keys.ts';
import { askAdmin } from '../../src/actions/minio/admin.ts';
import { openCluster } from '../../src/actions/minio/cluster.ts';
import { encryptedBody } from '../../src/actions/minio/encrypted-body.ts';
import { effectOf } from '../support/action-bed.ts';
import { contextOf } from '../support/action-context.ts';
import { MinioActions } from './minio/actions.ts';
import { backupInPartsCases } from './minio/backup-in-parts-cases.ts';
import { MinioLab } from './minio/cluster.ts';
import type { MinioNode } from './minio/configuration.ts';
import { releases } from './minio/releases.ts';
import type { S3 } from './minio/s3.ts';
import { registerSecret } from '../support/secret-search/registry.ts';

const reason = MinioLab.unavailable();
const minute = { timeout: 120_000 };

describe.skipIf(reason)(
  `actions on a MinIO cluster${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let minio: MinioLab;
    let minioActions: MinioActions;
    beforeAll(async () => {
      minio = await MinioLab.up();
      minioActions = new MinioActions(minio);
    }, 480_000);
    afterAll(async () => {
      await minioActions?.close();
      await minio?.down();
    }, 60_000);

    const codeOf = async (asking: Promise<unknown>): Promise<string> => {
      try {
        await asking;
        return 'ok';
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    };
    const names = async (s3: S3, bucket: string) => (await s3.list(bucket)).map(({ key }) => key).toSorted();

    it(
      'health: every node serves, and one may be taken down by its own word and that of a peer',
      minute,
      async () => {
        const ending = await minioActions.ending(health, { Maintenance: 'minio02' });
        expect(ending).toMatchObject({
          kind: 'done',
          outputs: { Healthy: true, WriteQuorum: 12, SafeToTakeDown: true },
          note: '4 nodes serve; minio02 may be taken down, by its own answer and that of minio01',
        });
      },
    );

    it(
      'health: a certificate for another name is told at once, however long one would wait',
      minute,
      async () => {
        const asking = minioActions.ending(health, { ServerName: 'other.lab', WaitSeconds: 600 });
        await expect(asking).rejects.toMatchObject({ code: 'TLS_WRONG_NAME' });
      },
    );

    it('info: one version, sixteen drives; what is expected otherwise fails by name', minute, async () => {
      const expectation = { Versions: 'one', DrivesOffline: 0, DrivesHealing: 0, DrivesOk: 16 };
      const ending = await minioActions.ending(info, { Expect: expectation });
      expect(ending).toMatchObject({
        kind: 'done',
        outputs: { Versions: [releases.old.version], ServersOnline: 4, DrivesOk: 16, Drives: 16 },
      });
      const wrong = await minioActions.ending(info, { Expect: { Versions: releases.new.version } });
      expect(wrong).toMatchObject({ kind: 'failed', code: 'VERSION_MISMATCH' });
      expect(await minioActions.ending(info, { SecretKey: 'not-the-secret' })).toMatchObject({
        kind: 'failed',
        code: 'SignatureDoesNotMatch',
      });
    });

    it(
      'check:minio: drives, versions and every bucket; an open one, one without rules and a wrong key are told',
      minute,
      async () => {
        const s3 = minio.s3();
        for (const bucket of ['checked', 'open']) await s3.createBucket(bucket);
        const policy = {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: ['*'] },
              Action: ['s3:GetObject'],
              Resource: ['arn:aws:s3:::open/*'],
            },
          ],
        };
        await s3.request({
          method: 'PUT',
          path: '/open',
          query: { policy: '' },
          body: Buffer.from(JSON.stringify(policy)),
        });
        const wanted = {
          DrivesOnline: true,
          OneVersion: true,
          Lifecycle: true,
          Versioning: true,
          NoAnonymousAccess: true,
        };
        const ending = await minioActions.ending(checkMinio.action, { ...wanted, OnNonCompliant: 'report' });
        const { Violations } = (
          ending as unknown as { outputs: { Violations: { Subject: string; Found: string }[] } }
        ).outputs;
        const found = Violations.map(({ Subject, Found }) => `${Subject} is ${Found}`).filter((text) =>
          /checked|open|drive|^version /.test(text),
        );
        expect(found).toEqual([
          'lifecycle of checked is without any rule',
          'versioning of checked is off',
          'lifecycle of open is without any rule',
          'versioning of open is off',
          'anonymous access to open is s3:GetObject',
        ]);
        expect(
          await minioActions.ending(checkMinio.action, { DrivesOnline: true, OneVersion: true }),
        ).toMatchObject({ kind: 'done', outputs: { Verdict: 'COMPLIANT', KeptCount: 21 } });
        expect(
          await minioActions.ending(checkMinio.action, { DrivesOnline: true, SecretKey: 'not-the-secret' }),
        ).toMatchObject({
          kind: 'failed',
          code: 'UNDETERMINED',
          outputs: { Unknown: [{ Code: 'SignatureDoesNotMatch' }] },
        });
        await s3.request({ method: 'DELETE', path: '/open' });
        await s3.request({ method: 'DELETE', path: '/checked' });
      },
    );

    it(
      'rotateAccessKey: new proven, old refused on each node; back again; removed only when disabled',
      minute,
      async () => {
        const [old, fresh] = ['app1-old', 'app1-new'].map((accessKey) => ({
          accessKey,
          secretKey: randomBytes(18).toString('base64url'),
        }));
        if (old === undefined || fresh === undefined) throw new Error('two keys were made');
        for (const { accessKey, secretKey } of [old, fresh])
          registerSecret(`the key ${accessKey}`, [secretKey]);
        await makeUserWithKey('app1', old);
        const keys = (State: string) => ({
          User: 'app1',
          OldAccessKey: old.accessKey,
          OldSecretKey: old.secretKey,
          NewAccessKey: fresh.accessKey,
          NewSecretKey: fresh.secretKey,
          State,
        });
        const seen = async () => {
          const each = minio.nodes.map(async (node) => [
            await codeOf(minio.s3(node, old).list('keys')),
            await codeOf(minio.s3(node, fresh).list('keys')),
          ]);
          return Object.fromEntries((await Promise.all(each)).map((codes) => [codes.join(' '), true]));
        };
        await minio.s3().createBucket('keys');
        expect(await seen()).toEqual({ 'ok InvalidAccessKeyId': true });

        const added = await minioActions.run(rotateAccessKey, keys('added'));
        expect(added.ending).toMatchObject({ kind: 'done', outputs: { Old: 'enabled', New: 'enabled' } });
        expect(await seen()).toEqual({ 'ok ok': true });
        const early = minioActions.ending(rotateAccessKey, keys('removed'));
        await expect(early).rejects.toMatchObject({ code: 'STILL_ENABLED' });

        const rotated = await minioActions.run(rotateAccessKey, keys('rotated'));
        expect(rotated.ending).toMatchObject({ kind: 'done', outputs: { Old: 'disabled', New: 'enabled' } });
        expect(await seen()).toEqual({ 'InvalidAccessKeyId ok': true });
        expect(JSON.stringify([rotated.before, rotated.ending, rotated.logged])).not.toContain(
          fresh.secretKey,
        );

        await minioActions.undo(rotateAccessKey, rotated);
        expect(await seen()).toEqual({ 'ok ok': true });
        await minioActions.undo(rotateAccessKey, added);
        expect(await seen()).toEqual({ 'ok InvalidAccessKeyId': true });
        expect(await minioActions.undo(rotateAccessKey, added)).toMatchObject({
          kind: 'done',
          changes: [],
        });

        await minioActions.run(rotateAccessKey, keys('rotated'));
        const removed = await minioActions.ending(rotateAccessKey, keys('removed'));
        expect(removed).toMatchObject({ kind: 'done', outputs: { Old: 'absent', New: 'enabled' } });
        expect(await seen()).toEqual({ 'InvalidAccessKeyId ok': true });
      },
    );

    it(
      'lifecycle: a missing rule is found, put beside the others, and taken out again to the byte',
      minute,
      async () => {
        const s3 = minio.s3();
        for (const bucket of ['plain', 'ruled']) await s3.createBucket(bucket);
        await s3.put('ruled', 'logs/a', 'x');
        const [days, buckets] = [1825, { Buckets: ['plain', 'ruled'] }];
        const own = await minioActions.run(lifecycle, {
          ...buckets,
          Buckets: ['ruled'],
          Days: 30,
          Prefix: 'logs/',
          RuleId: 'logs',
          Put: true,
        });
        expect(own.ending).toMatchObject({ kind: 'done' });
        const exported = async (bucket: string) => {
          const answer = await s3.request({ path: `/${bucket}`, query: { lifecycle: '' } });
          return answer.status === 200 ? answer.body.toString('utf8') : String(answer.status);
        };
        const before = [await exported('plain'), await exported('ruled')];
        expect(before[0]).toBe('404');

        const check = await minioActions.ending(lifecycle, { ...buckets, Days: days });
        expect(check).toMatchObject({
          kind: 'failed',
          code: 'NON_COMPLIANT',
          outputs: { Missing: ['plain', 'ruled'] },
        });
        const put = await minioActions.run(lifecycle, { ...buckets, Days: days, Put: true });
        expect(put.ending).toMatchObject({ kind: 'done', outputs: { Missing: [] } });
        expect(await exported('ruled')).toMatch(/<ID>logs<.*<ID>belay-expiry<.*<Days>1825</s);
        const head = await s3.request({ method: 'HEAD', path: '/ruled/logs/a' });
        expect(head.headers['x-amz-expiration']).toContain('expiry-date');
        const old = await minioActions.ending(lifecycle, {
          ...buckets,
          Days: days,
          OlderThanSeconds: 0.001,
        });
        expect(old).toMatchObject({
          kind: 'failed',
          code: 'NON_COMPLIANT',
          outputs: { Older: 1, OlderByBucket: { ruled: 1 } },
        });
        const young = await minioActions.ending(lifecycle, {
          ...buckets,
          Days: days,
          OlderThanDays: 1,
        });
        expect(young).toMatchObject({ kind: 'done', outputs: { Older: 0 } });

        expect(await minioActions.undo(lifecycle, put)).toMatchObject({ kind: 'done' });
        expect([await exported('plain'), await exported('ruled')]).toEqual(before);
      },
    );

    describe('backup', () => {
      const keysOf = (count: number) =>
        Array.from({ length: count }, (_, i) => `folder ${i % 3}/ü+&${i}'(x).bin`);
      const copyDocs = () => minioActions.run(backup, { Target: minioActions.target, Buckets: ['docs'] });

      it(
        'copies everything, finds an object of equal size and other content, and deletes nothing',
        minute,
        async () => {
          const [s3, target] = [minio.s3(), minio.s3('backup')];
          await s3.createBucket('docs');
          const objects = new Map(keysOf(12).map((key) => [key, randomBytes(20_000)]));
          objects.set('large', randomBytes(20 * 1024 * 1024));
          objects.set('empty', Buffer.alloc(0));
          for (const [key, bytes] of objects) await s3.put('docs', key, bytes);

          const first = await copyDocs();
          expect(first.ending).toMatchObject({
            kind: 'done',
            outputs: { Objects: 14, Copied: 14, Updated: 0, OnlyAtTarget: 0 },
          });
          for (const [key, bytes] of objects)
            expect((await target.get('docs', key)).equals(bytes), key).toBe(true);

          const [damaged = ''] = keysOf(1);
          await target.put('docs', damaged, randomBytes(20_000));
          await target.put('docs', 'only here', 'stays');
          await s3.delete('docs', 'empty');
          const second = await copyDocs();
          expect(second.ending).toMatchObject({
            kind: 'done',
            outputs: { Objects: 13, Copied: 0, Updated: 1, SameSizeOtherContent: 1, OnlyAtTarget: 2 },
          });
          expect((await target.get('docs', damaged)).equals(objects.get(damaged) ?? Buffer.alloc(0))).toBe(
            true,
          );
          expect(await names(target, 'docs')).toContain('empty');

          expect(await minioActions.undo(backup, second)).toMatchObject({
            kind: 'done',
            changes: [],
          });
          const back = await minioActions.undo(backup, first);
          expect(back).toMatchObject({
            kind: 'done',
            changes: [{ target: 'docs', from: '13 objects', to: null }],
          });
          // What the second run updated and what somebody else wrote is not the first run's to remove.
          expect(await names(target, 'docs')).toEqual([damaged, 'only here'].toSorted());
        },
      );

      it(
        'goes on where a killed runner stopped, and its undo knows what that one wrote',
        minute,
        async () => {
          const [s3, target] = [minio.s3(), minio.s3('backup')];
          for (const bucket of ['one', 'two']) await s3.createBucket(bucket);
          for (const bucket of ['one', 'two'])
            for (const key of keysOf(5)) await s3.put(bucket, key, randomBytes(1_000));
          const inputs = minioActions.inputs(backup, {
            Target: minioActions.target,
            Buckets: ['one', 'two'],
          });
          const effect = effectOf(backup, inputs);
          if (effect.kind !== 'repeatable') throw new Error(`backup is ${effect.kind}`);
          await using context = await contextOf(minioActions.world, 'killed-backup-1');
          // The first runner copies one bucket and is gone; another one, which knows only the token, goes on.
          expect(await effect.execute(inputs, null, context)).toMatchObject({ kind: 'pending' });
          expect(await names(target, 'one')).toHaveLength(5);
          const own = structuredClone(inputs);
          let answer = await effect.execute(own, null, context);
          while (answer.kind === 'pending') answer = await effect.execute(own, null, context);
          expect(answer).toMatchObject({ kind: 'done', outputs: { Objects: 10, Copied: 10 } });
          const done = {
            inputs,
            before: null,
            handle: null,
            token: 'killed-backup-1',
            ending: answer,
            logged: '',
          };
          await minioActions.undo(backup, done);
          expect(await codeOf(target.list('one'))).toBe('NoSuchBucket');
          expect(await codeOf(target.list('two'))).toBe('NoSuchBucket');
        },
      );

      it('fails when the target is down, though nothing is left to copy', minute, async () => {
        await minio.run('bk1', 'systemctl stop versitygw');
        try {
          await expect(copyDocs()).rejects.toMatchObject({
            code: 'REFUSED',
            message: expect.stringContaining('backup target'),
          });
        } finally {
          await minio.run('bk1', 'systemctl start versitygw');
        }
      });
    });

    backupInPartsCases(
      () => minio,
      () => minioActions,
    );

    it('settle: what an interrupted one wrote is taken back by its undo', minute, async () => {
      const inputs = minioActions.inputs(settle, { QuietSeconds: 0, Rounds: 2 });
      const effect = effectOf(settle, inputs);
      if (effect.kind !== 'repeatable') throw new Error(`settle is ${effect.kind}`);
      const token = 'killed-settle-1';
      await using context = await contextOf(minioActions.world, token);
      expect(await effect.execute(inputs, null, context)).toMatchObject({
        kind: 'pending',
        notice: '1 of 2 rounds of canaries are clean',
      });
      const bucket = `belay-canary-${context.token}`.slice(0, 61);
      expect(await names(minio.s3(), bucket)).toEqual([]);
      const done = {
        inputs,
        before: null,
        handle: null,
        token,
        logged: '',
        ending: { kind: 'failed', code: 'X', message: '' },
      } as const;
      expect(await minioActions.undo(settle, done)).toMatchObject({
        kind: 'done',
        changes: [{ from: bucket }],
      });
      expect(await codeOf(minio.s3().list(bucket))).toBe('NoSuchBucket');
    });

    describe('with a node away', () => {
      const stale = Array.from({ length: 30 }, (_, i) => `k${i}`);

      it('health names it and forbids another; lifecycle and backup give no verdict', minute, async () => {
        const s3 = minio.s3('minio01');
        await s3.createBucket('stale');
        for (const key of stale) await s3.put('stale', key, 'old');
        await minio.stopMinio('minio04');
        for (const key of stale) await s3.put('stale', key, 'new');

        const down = await minioActions.ending(health, { Maintenance: 'minio02' });
        expect(down).toMatchObject({
          kind: 'failed',
          code: 'NODE_NOT_ANSWERING',
          outputs: { SafeToTakeDown: false },
        });
        expect(down.kind === 'failed' && down.message).toMatch(
          /^minio04 does not answer \(minio04 port 9000: nothing listens there/,
        );
        const others = { Hosts: ['minio01', 'minio02', 'minio03'], Maintenance: 'minio02' };
        expect(await minioActions.ending(health, others)).toMatchObject({
          kind: 'failed',
          code: 'UNSAFE_TO_TAKE_DOWN',
        });
        expect(await minioActions.ending(info, { Expect: { Versions: 'one' } })).toMatchObject({
          code: 'SERVER_NOT_ONLINE',
        });
        await expect(minioActions.ending(lifecycle, { Days: 1825 })).rejects.toMatchObject({
          code: 'UNDETERMINED',
        });
        const refused = await minioActions.ending(backup, {
          Target: minioActions.target,
          Buckets: ['stale'],
        });
        expect(refused).toMatchObject({ kind: 'failed', code: 'UNHEALTHY_WINDOW' });
        expect(await codeOf(minio.s3('backup').list('stale'))).toBe('NoSuchBucket');
      });

      it(
        'settle waits until it is back and every node serves; heal repairs what it missed',
        minute,
        async () => {
          const settling = minioActions.ending(settle, { QuietSeconds: 20 });
          settling.catch(() => {});
          await minio.startMinio('minio04');
          expect(await settling).toMatchObject({ kind: 'done', outputs: { Rounds: 2 } });
          const healed = await minioActions.ending(heal);
          expect(healed).toMatchObject({ kind: 'done', outputs: { Failed: [] } });
          const outputs = healed.kind === 'done' ? healed.outputs : {};
          expect(outputs['Healed']).toBeGreaterThanOrEqual(stale.length);
          expect(outputs['Passes']).toBeGreaterThanOrEqual(2);
          expect(await minioActions.ending(heal)).toMatchObject({
            kind: 'done',
            outputs: { Healed: 0, Passes: 1 },
          });
        },
      );
    });

    it('what is lost is named by heal, and the backup keeps what it has', minute, async () => {
      const [s3, target] = [minio.s3(), minio.s3('backup')];
      await s3.createBucket('lost');
      const objects = new Map(['whole', 'half', 'gone'].map((key) => [key, randomBytes(3_000_000)]));
      for (const [key, bytes] of objects) await s3.put('lost', key, bytes);
      const saving = { Target: minioActions.target, Buckets: ['lost'] };
      expect(await minioActions.ending(backup, saving)).toMatchObject({
        kind: 'done',
        outputs: { Copied: 3 },
      });
      const wipe = (node: MinioNode, path: string) =>
        minio.run(node, `rm -r /stg/data/data[1-4]/lost/${path}`);

      // Four of sixteen copies are left, twelve are wanted: not even a listing shows it any more.
      for (const node of ['minio01', 'minio02', 'minio03'] as const) await wipe(node, 'gone');
      const healed = await minioActions.ending(heal);
      // A deletion while three nodes were away leaves the same: nobody can tell them apart, so it is named and no failure.
      expect(healed).toMatchObject({ kind: 'done' });
      expect(JSON.stringify(healed)).toMatch(/lost\/gone/);
      expect(await minioActions.ending(backup, saving)).toMatchObject({
        kind: 'done',
        outputs: { OnlyAtTarget: 1 },
      });

      // All say that it is there, and eight of sixteen have its bytes: it is listed, and cannot be read.
      for (const node of ['minio01', 'minio02'] as const) await wipe(node, 'half/*/part.1');
      expect(await names(s3, 'lost')).toEqual(['half', 'whole']);
      const unreadable = await minioActions.ending(backup, saving).then(
        (ending) => (ending.kind === 'failed' ? `${ending.code} ${ending.message}` : ending.kind),
        (error: Error & { code?: string }) => `${error.code} ${error.message}`,
      );
      expect(unreadable).toMatch(/^(?:UNDETERMINED|UNHEALTHY_WINDOW|CONNECTION_LOST) .*lost\/half/);
      for (const [key, bytes] of objects)
        expect((await target.get('lost', key)).equals(bytes), key).toBe(true);
    });

    it(
      'a node that hangs is told from one that is down, and its peers are waited for beyond ten seconds',
      minute,
      async () => {
        await minio.lab.freeze('minio04');
        try {
          const ending = await minioActions.ending(health);
          expect(ending).toMatchObject({ kind: 'failed', code: 'NODE_HANGS' });
          const outputs = (ending.kind === 'failed' && ending.outputs?.['Nodes']) || [];
          expect(outputs).toMatchObject([
            { Host: 'minio01', State: 'serving' },
            { Host: 'minio02', State: 'serving' },
            { Host: 'minio03', State: 'serving' },
            { Host: 'minio04', State: 'hangs' },
          ]);
        } finally {
          await minio.lab.thaw('minio04');
        }
        expect(await minioActions.ending(health, { WaitSeconds: 60 })).toMatchObject({ kind: 'done' });
      },
    );

    describe('an upgrade', () => {
      it('health tells a node with another binary from one that starts', minute, async () => {
        await minio.useRelease('minio03', 'new');
        await minio.run('minio03', 'systemctl restart minio');
        const ending = await minioActions.ending(health, { WaitSeconds: 8 });
        expect(ending).toMatchObject({ kind: 'failed', code: 'NODE_NOT_JOINED' });
        expect(ending.kind === 'failed' && ending.message).toContain(
          'minio03 has not joined, though its peers serve',
        );
        await minio.useRelease('minio03', 'old');
        await minio.run('minio03', 'systemctl restart minio');
        expect(await minioActions.ending(health, { WaitSeconds: 60 })).toMatchObject({
          kind: 'done',
        });
      });

      it(
        'restartCluster: a reply that was lost is adopted by uptime, and every server runs the new version',
        minute,
        async () => {
          await Promise.all(minio.nodes.map((node) => minio.useRelease(node, 'new')));
          await minioActions.ending(info, { Expect: { MinimumUptimeSeconds: 6 }, WaitSeconds: 30 });
          const since = await minio.run('minio01', 'systemctl show minio -p ActiveEnterTimestamp -p MainPID');
          const { ending } = await minioActions.run(
            restartCluster,
            { Version: releases.new.version },
            { lostReply: true },
          );
          expect(ending).toMatchObject({
            kind: 'done',
            outputs: { Version: releases.new.version, VersionBefore: releases.old.version },
          });
          expect(ending.kind === 'done' && ending.changes).toHaveLength(4);
          // What systemd shows is not a proof: the process is the same.
          expect(await minio.run('minio01', 'systemctl show minio -p ActiveEnterTimestamp -p MainPID')).toBe(
            since,
          );
        },
      );
    });

    /** By the admin API, as an administrator would have long before. */
    async function makeUserWithKey(
      user: string,
      key: { accessKey: string; secretKey: string },
    ): Promise<void> {
      const { accessKey: AccessKey, secretKey: SecretKey } = minio.root;
      const root = { AccessKey, SecretKey };
      await using context = await contextOf(minioActions.world, 'setup');
      using cluster = await openCluster({ Hosts: ['minio01'], CaCertificates: minio.ca }, context);
      const [node] = cluster.nodes;
      if (node === undefined) throw new Error('one host was named');
      const password = Buffer.from(
        JSON.stringify({ secretKey: randomBytes(18).toString('hex'), status: 'enabled' }),
      );
      const body = encryptedBody(SecretKey, password);
      const { signal } = context;
      await askAdmin(
        node,
        root,
        { method: 'PUT', path: '/add-user', query: { accessKey: user }, body },
        signal,
      );
      const query = { policyName: 'readwrite', userOrGroup: user, isGroup: 'false' };
      await askAdmin(node, root, { method: 'PUT', path: '/set-user-or-group-policy', query }, signal);
      const asked = { user, key: { AccessKey: key.accessKey, SecretKey: key.secretKey } };
      await addKey(node, root, asked, signal);
    }
  },
);
