/** runbooks/minio/backup.yaml and restore.yaml over a bucket with object lock: retention and legal hold go with the versions. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { S3 } from '../../lab/minio/s3.ts';
import { idOf, type Said } from '../../support/command-line.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { textOf } from '../patch/command.ts';
import { killedWhen } from './killed-when.ts';
import { shipped, type Parameters, type Stand } from './stand.ts';

const bucket = 'vault';
const caseMs = 240_000;
const dayMs = 24 * 3_600_000;

interface Seen {
  readonly key: string;
  readonly id: string;
  readonly what: string;
}

export function locksCases(stand: () => Stand): void {
  const here = (): S3 => stand().minio.s3();
  const shared = (): Parameters => ({
    ...stand().cluster,
    TargetUrl: stand().minio.backupUrl,
    TargetKey: stand().minio.backup.accessKey,
    WaitSeconds: 20,
  });
  const secrets = { WriterSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' };
  const given = (more: Parameters): Parameters => ({
    ...shared(),
    WriterKey: stand().minio.root.accessKey,
    Bucket: bucket,
    ...more,
  });
  const expectDone = (said: Said): void =>
    expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: said.stderr });

  async function ask(
    method: string,
    key: string,
    more: {
      readonly query?: Record<string, string>;
      readonly headers?: Record<string, string>;
      readonly text?: string;
    } = {},
  ) {
    const body = Buffer.from(more.text ?? '');
    const md5 = { 'content-md5': createHash('md5').update(body).digest('base64') };
    const answer = await here().request({
      method,
      path: key === '' ? `/${bucket}` : `/${bucket}/${key}`,
      ...(more.query === undefined ? {} : { query: more.query }),
      headers: { ...(method === 'PUT' ? md5 : {}), ...more.headers },
      ...(method === 'PUT' ? { body } : {}),
    });
    if (answer.status >= 300 && answer.status !== 404)
      throw new Error(`${method} ${key}: ${answer.status} ${answer.body.toString('utf8')}`);
    return answer;
  }
  const retained = (until: string) => ({
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': until,
  });

  /** Every version with its bytes and its lock, the oldest of a key first. */
  async function all(): Promise<Seen[]> {
    const xml = (await ask('GET', '', { query: { versions: '' } })).body.toString('utf8');
    const versions = [...xml.matchAll(/<Version>(.*?)<\/Version>/gs)]
      .map(([, body = '']) => ({
        key: /<Key>([^<]+)</.exec(body)?.[1] ?? '',
        id: /<VersionId>([^<]+)</.exec(body)?.[1] ?? '',
        at: Date.parse(/<LastModified>([^<]+)</.exec(body)?.[1] ?? ''),
      }))
      .toSorted((one, other) => one.key.localeCompare(other.key) || one.at - other.at);
    return Promise.all(
      versions.map(async ({ key, id }) => {
        const { headers, body } = await ask('GET', key, { query: { versionId: id } });
        const of = (name: string) => headers[`x-amz-object-lock-${name}`];
        const until = of('retain-until-date');
        const at = until === undefined ? '' : new Date(String(until)).toISOString();
        return { key, id, what: [body, of('mode'), at, of('legal-hold')].map(String).join(' ') };
      }),
    );
  }
  const contents = (seen: readonly Seen[]): string[] => seen.map(({ key, what }) => `${key}: ${what}`);
  /** Past every lock, which root may under GOVERNANCE. */
  async function drop(which: (seen: Seen) => boolean = () => true): Promise<void> {
    for (const one of (await all()).filter(which)) {
      const query = { versionId: one.id };
      if (one.what.endsWith('ON'))
        await ask('PUT', one.key, {
          query: { ...query, 'legal-hold': '' },
          text: '<LegalHold><Status>OFF</Status></LegalHold>',
        });
      await ask('DELETE', one.key, { query, headers: { 'x-amz-bypass-governance-retention': 'true' } });
    }
  }

  test(
    'locks: retention and legal hold come back with the versions, also under a runner that is killed; a rollback leaves what they keep, and says so; a bucket that cannot lock is named',
    async () => {
      await ask('PUT', '', { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
      const rule =
        '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>';
      const until = new Date(Date.now() + 9 * dayMs).toISOString().replace(/\.\d+Z$/, 'Z');
      await ask('PUT', 'free', { text: 'one' });
      await ask('PUT', 'held', { text: 'two', headers: { 'x-amz-object-lock-legal-hold': 'ON' } });
      await ask('PUT', 'twice', { text: 'three', headers: retained(until) });
      await ask('PUT', 'twice', { text: 'four' });
      await ask('PUT', '', { query: { 'object-lock': '' }, text: rule });
      const before = await all();
      expect(contents(before).join('\n')).toMatch(/held: two .*ON\ntwice: three GOVERNANCE/);

      const backedUp = await stand().run(
        shipped('backup'),
        { ...shared(), ReaderKey: stand().minio.root.accessKey, Versions: true },
        { ReaderSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' },
      );
      expectDone(backedUp);
      expect(backedUp.stderr).toContain(`the object locks of ${bucket} go into the manifest`);
      const Manifest = textOf(await stand().show(backedUp), 'Backup', 'Manifest');

      await drop();
      await ask('DELETE', '');
      const going = stand().start(shipped('restore'), given({ Manifest, Versions: true }), secrets);
      const killed = await killedWhen(going, async () => (await all()).length > 0);
      stand().heard(killed);
      const id = idOf(killed);
      if (killed.code === null) expectDone(await stand().belay(['resume', id]));
      else expectDone(killed);
      expect(contents(await all())).toEqual(contents(before));
      const rules = (await ask('GET', '', { query: { 'object-lock': '' } })).body.toString('utf8');
      expect(rules).toMatch(/GOVERNANCE<.*<Days>1</s);

      const kept = await stand().belay(['rollback', id, '--yes']);
      expectTrouble(kept, 4, 'OBJECT_LOCKED', 'held', 'twice');
      expect(contents(await all())).toEqual(
        contents(before.filter(({ what }) => /ON$|GOVERNANCE/.test(what))),
      );
      await drop();
      expectDone(await stand().belay(['rollback', id, '--yes']));
      expect((await ask('GET', '')).status).toBe(404);

      await ask('PUT', '');
      const free = await stand().run(shipped('restore'), given({ Manifest }), secrets);
      expectDone(free);
      expect(free.stderr).toContain(`what is restored into ${bucket} comes back without its object locks`);
      expectDone(await stand().belay(['rollback', idOf(free), '--yes']));
      await ask('DELETE', '');
      stand().expectNowhere();
    },
    caseMs,
  );
}
