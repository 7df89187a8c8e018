/** runbooks/minio/backup.yaml and restore.yaml with Versions: versions and delete markers, a point in time, a history brought back whole. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { S3 } from '../../lab/minio/s3.ts';
import { idOf, type Going, type Said } from '../../support/command-line.ts';
import { textOf } from '../patch/command.ts';
import { isThorough } from '../sample.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { killedWhen } from './killed-when.ts';
import { several } from './several.ts';
import { shipped, type Parameters, type Stand } from './stand.ts';

const bucket = 'history';
const keyCount = isThorough ? 1_250 : 8;
/** 1,250 keys with their versions are some 50,000 requests of the test and of Belay. CI's few are fourteen runs of Belay, 20 s each at a load of 60. */
const caseMs = isThorough ? 2_400_000 : 600_000;
const told = /^(?:content-type|cache-control|content-disposition|expires|x-amz-meta-.*)$/;

const keyOf = (index: number): string =>
  [`plain/${index}`, `ü b+&'(${index}).bin`, `a%2Fb=${index};?#`, `deep/er/${index}/x`][index % 4] ?? '';

interface Seen {
  readonly marker: boolean;
  readonly id: string;
  readonly what: string;
}

export function versionsCases(stand: () => Stand): void {
  const here = (): S3 => stand().minio.s3();
  const there = (): S3 => stand().minio.s3('backup');
  const shared = (): Parameters => ({
    ...stand().cluster,
    TargetUrl: stand().minio.backupUrl,
    TargetKey: stand().minio.backup.accessKey,
    WaitSeconds: 20,
  });
  const beginBackup = (): Going =>
    stand().start(
      shipped('backup'),
      { ...shared(), ReaderKey: stand().minio.root.accessKey, Versions: true },
      { ReaderSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' },
    );
  const backUp = async (): Promise<Said> => stand().heard(await beginBackup().said);
  /** Killed as soon as it holds, and resumed. */
  const throughDeath = async (going: Going, holds: () => Promise<boolean>): Promise<Said> => {
    const killed = stand().heard(await killedWhen(going, holds));
    return killed.code === null ? stand().belay(['resume', idOf(killed)]) : killed;
  };
  const given = (more: Parameters): Parameters => ({
    ...shared(),
    WriterKey: stand().minio.root.accessKey,
    Bucket: bucket,
    ...more,
  });
  const secrets = { WriterSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' };
  const restore = (more: Parameters): Promise<Said> => stand().run(shipped('restore'), given(more), secrets);
  const expectDone = (said: Said): void =>
    expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: said.stderr });

  async function put(key: string, body: Buffer, headers: Record<string, string> = {}): Promise<void> {
    const answer = await here().request({ method: 'PUT', path: `/${bucket}/${key}`, body, headers });
    if (answer.status !== 200) throw new Error(`${key}: ${answer.status} ${answer.body.toString('utf8')}`);
  }
  const remove = (key: string, versionId?: string): Promise<unknown> =>
    here().request({
      method: 'DELETE',
      path: `/${bucket}/${key}`,
      ...(versionId === undefined ? {} : { query: { versionId } }),
    });

  async function enable(): Promise<void> {
    await here().createBucket(bucket);
    const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
    await here().request({
      method: 'PUT',
      path: `/${bucket}`,
      query: { versioning: '' },
      body: Buffer.from(body),
    });
  }

  /** Of one version: its bytes, headers and tags. */
  async function contentOf(key: string, versionId: string): Promise<string> {
    const path = `/${bucket}/${key}`;
    const answer = await here().request({ path, query: { versionId } });
    const hasTags = answer.headers['x-amz-tagging-count'] !== undefined;
    const tags = hasTags
      ? (await here().request({ path, query: { tagging: '', versionId } })).body.toString('utf8')
      : '';
    const own = Object.entries(answer.headers).filter(([name]) => told.test(name));
    const pairs = [...tags.matchAll(/<Key>([^<]+)<\/Key><Value>([^<]*)<\/Value>/g)];
    return JSON.stringify([
      createHash('sha256').update(answer.body).digest('hex'),
      own.map(([name, value]) => `${name}: ${String(value)}`).toSorted(),
      pairs.map(([, name, value]) => `${name}=${value}`).toSorted(),
    ]);
  }
  /** The oldest first. */
  async function historyOf(key: string): Promise<Seen[]> {
    const query = { versions: '', prefix: key, 'encoding-type': 'url' };
    const xml = (await here().request({ path: `/${bucket}`, query })).body.toString('utf8');
    const keyIn = (body: string): string =>
      decodeURIComponent((/<Key>([^<]+)</.exec(body)?.[1] ?? '').replaceAll('+', ' '));
    const own = [...xml.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].filter(
      ([, , body = '']) => keyIn(body) === key,
    );
    const entries = own.map(([, name, body = '']) => ({
      marker: name === 'DeleteMarker',
      id: /<VersionId>([^<]+)</.exec(body)?.[1] ?? '',
      at: Date.parse(/<LastModified>([^<]+)</.exec(body)?.[1] ?? ''),
      latest: body.includes('<IsLatest>true'),
    }));
    const sorted = entries.toSorted(
      (one, other) => one.at - other.at || Number(one.latest) - Number(other.latest),
    );
    return Promise.all(
      sorted.map(async ({ marker, id }) => ({
        marker,
        id,
        what: marker ? 'marker' : await contentOf(key, id),
      })),
    );
  }
  async function all(): Promise<Map<string, Seen[]>> {
    const histories = new Map<string, Seen[]>();
    await several(keyCount, async (index) => histories.set(keyOf(index), await historyOf(keyOf(index))));
    return histories;
  }
  const contents = (histories: ReadonlyMap<string, readonly Seen[]>): Record<string, string[]> =>
    Object.fromEntries([...histories].map(([key, seen]) => [key, seen.map(({ what }) => what)]));
  /** What a reader sees. */
  const latest = (histories: ReadonlyMap<string, readonly Seen[]>): Record<string, string> =>
    Object.fromEntries([...histories].map(([key, seen]) => [key, seen.at(-1)?.what ?? 'marker']));

  async function write(index: number): Promise<void> {
    const key = keyOf(index);
    const tags = index % 2 === 0 ? { 'x-amz-tagging': `round=one&n=${index}` } : {};
    await put(key, randomBytes(100 + index), {
      'content-type': 'text/plain',
      'x-amz-meta-n': `${index}`,
      ...tags,
    });
    if (index % 3 !== 0) await put(key, randomBytes(3_000 + index), { 'cache-control': 'max-age=60' });
    if (index % 4 === 1) await remove(key);
    if (index % 8 === 1) await put(key, randomBytes(50), { expires: 'Wed, 21 Oct 2037 07:28:00 GMT' });
  }

  async function dropBucket(): Promise<void> {
    const histories = [...(await all())];
    await several(histories.length, async (index) => {
      const [key, seen] = histories[index] ?? ['', []];
      for (const { id } of seen) await remove(key, id);
    });
    for (const { id } of await historyOf('later')) await remove('later', id);
    await here().request({ method: 'DELETE', path: `/${bucket}` });
  }

  test(
    `versions: ${keyCount} keys with all their versions and delete markers are backed up, restored as of a time, and brought back whole, each and its rollback under a runner that is killed; each rollback leaves what was there`,
    async () => {
      await enable();
      await several(keyCount, write);
      const first = await all();
      expect(first.get(keyOf(0))?.[0]?.what).toMatch(/x-amz-meta-n: 0.*round=one/);
      const copied = async (): Promise<boolean> => (await there().list('belay-versions')).length > 0;
      const firstNight = await throughDeath(beginBackup(), copied);
      expectDone(firstNight);
      expect(firstNight.stderr).toMatch(/versions and \d+ delete markers of \d+ buckets/);
      const manifest = textOf(await stand().show(firstNight), 'Backup', 'Manifest');
      await sleep(1_100);
      const then = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      await sleep(1_100);

      // Overwritten, deleted, and deleted for good.
      await several(keyCount, async (index) => {
        if (index % 4 === 0) await put(keyOf(index), Buffer.from(`overwritten ${index}`));
        if (index % 4 === 1) await put(keyOf(index), Buffer.from(`again ${index}`));
        if (index % 4 === 2) await remove(keyOf(index));
      });
      await put('later', Buffer.from('written later'));
      const second = await all();
      expectDone(await backUp());

      const back = await restore({ AsOf: then });
      expectDone(back);
      expect(latest(await all())).toEqual(latest(first));
      expect((await historyOf('later')).at(-1)?.marker).toBe(false);
      const back0 = (): Promise<string> => historyOf(keyOf(0)).then((seen) => seen.at(-1)?.what ?? '');
      const restoredNow = await back0();
      const takingBack = stand().desk.start(['rollback', idOf(back), '--yes'], { env: stand().env });
      expectDone(await throughDeath(takingBack, async () => (await back0()) !== restoredNow));
      expect(latest(await all())).toEqual(latest(second));

      await dropBucket();
      const drill = await restore({ Manifest: manifest, Versions: true, Verify: 'sample', SampleSize: 10 });
      expectDone(drill);
      const going = stand().start(shipped('restore'), given({ Manifest: manifest, Versions: true }), secrets);
      const whole = await throughDeath(going, async () => (await historyOf(keyOf(0))).length > 0);
      expectDone(whole);
      const id = idOf(whole);
      expect(contents(await all())).toEqual(contents(first));
      const goingBack = stand().desk.start(['rollback', id, '--yes'], { env: stand().env });
      const { length } = first.get(keyOf(0)) ?? [];
      expectDone(
        await throughDeath(goingBack, async () => (await historyOf(keyOf(0))).length < (length ?? 0)),
      );
      expect((await here().request({ path: `/${bucket}` })).status).toBe(404);

      await here().createBucket(bucket);
      expectTrouble(await restore({ Manifest: manifest, Versions: true }), 1, 'KEEPS_NO_VERSIONS', bucket);
      await here().request({ method: 'DELETE', path: `/${bucket}` });
      stand().expectNowhere();
    },
    caseMs,
  );

  test.runIf(isThorough)(
    'versions: a rollback of a backup takes away the versions that it copied, and those of an earlier backup stay',
    async () => {
      await enable();
      await write(0);
      expectDone(await backUp());
      const places = async (): Promise<string[]> =>
        (await there().list('belay-versions')).map(({ key }) => key);
      const earlier = await places();
      await put(keyOf(0), Buffer.from('newer'));
      const later = await backUp();
      expectDone(later);
      expect((await places()).length).toBe(earlier.length + 1);
      expectDone(await stand().belay(['rollback', idOf(later), '--yes']));
      expect(await places()).toEqual(earlier);
      await dropBucket();
    },
    caseMs,
  );
}
