import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installCertificate } from '../../src/actions/tls/install-certificate.ts';
import { carryOut, run, undo, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import {
  CertificateAuthority,
  pairOfKind,
  type CertificatePair,
  type PairKind,
} from './minio/certificates.ts';
import { MinioLab } from './minio/cluster.ts';
import { paths } from './minio/configuration.ts';
import { openSshHosts, type SshHosts } from './ssh-hosts.ts';

// One host is enough: a MinIO of one drive, and nginx, both of the MinIO cluster's images.
const reason = MinioLab.unavailable();
const names = ['minio.lab'];

describe.skipIf(reason)(
  `tls:installCertificate on a real host${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 90_000 },
  () => {
    let lab: Lab;
    let hosts: SshHosts;
    let world: World;
    let folder: string;
    let authority: CertificateAuthority;
    let old: CertificatePair;
    let next: CertificatePair;
    const sh = async (text: string, stdin = '') => {
      const { stdout, stderr, code } = await lab.exec('lb1', text, { stdin });
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };
    const pair = (kind: PairKind) =>
      pairOfKind(authority, join(folder, 'foreign'), { commonName: 'minio.lab', names }, kind);
    const inputs = ({ certificate, privateKey }: CertificatePair, more = {}) => ({
      Host: 'lb1',
      CertificateFile: paths.certificate,
      KeyFile: paths.privateKey,
      Certificate: certificate,
      PrivateKey: privateKey,
      ServerNames: names,
      Ca: authority.certificate,
      Reload: { Service: 'minio', Signal: 'HUP' },
      Port: 9000,
      ...more,
    });
    /** As an independent program sees it. */
    const serial = (port = 9000) =>
      sh(
        `echo | openssl s_client -connect 127.0.0.1:${port} -servername minio.lab 2>/dev/null | openssl x509 -noout -serial`,
      );
    const serialOf = ({ certificate }: CertificatePair) => sh('openssl x509 -noout -serial', certificate);
    const files = (certificate: string = paths.certificate, key: string = paths.privateKey) =>
      sh(
        `sha256sum ${certificate} ${key}; stat -c '%U %a' ${certificate} ${key}; ls -A ${certificate.replace(/[^/]+$/, '')}`,
      );
    const put = async (certificate: string, key: string, given: CertificatePair) => {
      await sh(`mkdir -p ${certificate.replace(/[^/]+$/, '')}; cat >${certificate}`, given.certificate);
      await sh(`cat >${key}; chmod 600 ${key}`, given.privateKey);
    };

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['lb1'] });
      hosts = await openSshHosts(lab);
      folder = await mkdtemp(join(tmpdir(), 'belay-tls-'));
      authority = await CertificateAuthority.open(join(folder, 'own'), 'The lab');
      [old, next] = [await pair('good'), await pair('good')];
      world = {
        hosts: { lb1: hosts.host('lb1') },
        secrets: [next.privateKey],
      };
      await put(paths.certificate, paths.privateKey, old);
      await put(paths.nginxCertificate, paths.nginxPrivateKey, old);
      await sh(
        `chown -R minio-user:minio-user /home/minio-user/.minio; mkdir -p /srv/drive /etc/minio; mount -t tmpfs -o size=64m,uid=900,gid=900 drive /srv/drive;
         printf 'MINIO_VOLUMES=/srv/drive\\nMINIO_OPTS="--address :9000"\\n' >/etc/minio/minio.conf; systemctl start minio;
         printf 'server { listen 443 ssl; ssl_certificate tls/minio.crt; ssl_certificate_key tls/minio.key; }\\n' >/etc/nginx/conf.d/tls.conf; systemctl start nginx;
         for i in $(seq 100); do curl -sk https://127.0.0.1:9000/minio/health/live && break; sleep 0.2; done`,
      );
    }, 360_000);
    afterAll(async () => {
      await hosts?.close();
      await lab?.down();
      await rm(folder, { recursive: true, force: true });
    }, 60_000);
    beforeEach(async () => {
      await sh('rm -rf /var/lib/belay');
    });

    test('MinIO shows the new serial without a restart, and the old one after the undo', async () => {
      const before = await files();
      const pid = await sh('systemctl show -p MainPID --value minio');
      const done = await run(installCertificate, inputs(next), world, { lostReply: true });
      const [was, is] = [await serialOf(old), await serialOf(next)];
      expect(done.ending).toMatchObject({
        kind: 'done',
        outputs: { Serial: is.replace('serial=', ''), Changed: true },
        changes: [
          {
            target: 'lb1',
            subject: paths.certificate,
            from: was.replace('=', ' '),
            to: is.replace('=', ' '),
          },
        ],
      });
      expect(await serial()).toBe(is);
      expect(
        await sh(`stat -c '%U %a' ${paths.privateKey}; find /var/lib/belay/tls -type f -printf '%m\\n'`),
      ).toBe('minio-user 600\n600\n600');
      expect(JSON.stringify(done.before)).not.toContain('PRIVATE KEY');
      expect((await run(installCertificate, inputs(next), world)).ending).toMatchObject({
        kind: 'done',
        changes: [],
      });

      expect(
        await undo(installCertificate, done, world, { knowing: 'nothing', lostReply: true }),
      ).toMatchObject({
        kind: 'done',
        changes: [{ from: is.replace('=', ' '), to: was.replace('=', ' ') }],
      });
      expect(await serial()).toBe(was);
      expect(await files()).toBe(before);
      expect(await sh('find /var/lib/belay/tls -type f; systemctl show -p MainPID --value minio')).toBe(pid);
      expect(await undo(installCertificate, done, world)).toMatchObject({ kind: 'done', changes: [] });
    });

    test('nginx is told by a reload', async () => {
      const nginx = {
        CertificateFile: paths.nginxCertificate,
        KeyFile: paths.nginxPrivateKey,
        Reload: { Service: 'nginx', Signal: 'reload' },
        Port: 443,
      };
      const done = await run(installCertificate, inputs(next, nginx), world);
      expect(done.ending).toMatchObject({ kind: 'done' });
      expect(await serial(443)).toBe(await serialOf(next));
      await undo(installCertificate, done, world);
      expect(await serial(443)).toBe(await serialOf(old));
    });

    test.each<[PairKind, string]>([
      ['wrong-name', 'WRONG_NAME'],
      ['expired', 'CERTIFICATE_EXPIRED'],
      ['not-yet-valid', 'CERTIFICATE_NOT_YET_VALID'],
      ['foreign-authority', 'CHAIN_BROKEN'],
      ['mismatched-key', 'KEY_MISMATCH'],
    ])('a pair that is %s is refused and nothing is written', async (kind, code) => {
      const before = await files();
      const bad = await pair(kind);
      const known = { ...world, secrets: [bad.privateKey] };
      await expect(run(installCertificate, inputs(bad), known)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/^lb1 .*Nothing was written$/),
      });
      expect(await files()).toBe(before);
    });

    test('a key that is not a secret, and a service that does not run, are refused', async () => {
      const before = await files();
      await expect(run(installCertificate, inputs(next), { ...world, secrets: [] })).rejects.toMatchObject({
        code: 'SECRET_WANTED',
      });
      await sh('systemctl stop minio');
      const done = await run(installCertificate, inputs(next), world);
      expect(done.ending).toMatchObject({ kind: 'failed', code: 'UNIT_NOT_ACTIVE' });
      expect(await files()).toBe(before);
      await sh(
        'systemctl start minio; for i in $(seq 100); do curl -sk https://127.0.0.1:9000/minio/health/live && break; sleep 0.2; done',
      );
    });

    test('a pair that the service does not read is put back by the step itself', async () => {
      const before = await files();
      // Renamed files go unnoticed by MinIO, and nobody tells it.
      const { Reload: _, ...silent } = inputs(next);
      const done = await run(installCertificate, silent, world);
      expect(done.ending).toMatchObject({
        kind: 'failed',
        code: 'CERTIFICATE_NOT_SHOWN',
        message: expect.stringMatching(
          /port 9000 shows the serial \w+, not \w+; the previous pair is back\. No Reload is given/,
        ),
      });
      expect(await files()).toBe(before);
      expect(await undo(installCertificate, done, world)).toMatchObject({ kind: 'done', changes: [] });
    });

    test('a pair that a power cut left half in place is finished by the next attempt, and undone whole', async () => {
      const before = await files();
      const first = await run(installCertificate, inputs(next), world);
      // As between the two renames: the new key, the old certificate.
      await sh(`cat >${paths.certificate}`, old.certificate);
      const done = await carryOut(installCertificate, first.inputs, first.before, world);
      expect(done.ending).toMatchObject({ kind: 'done', outputs: { Changed: true } });
      await undo(installCertificate, { ...first, ...done }, world);
      expect(await files()).toBe(before);
    });

    test('a pair that somebody else installed meanwhile is left alone by the undo', async () => {
      const done = await run(installCertificate, inputs(next), world);
      const third = await pair('good');
      await sh(`cat >${paths.certificate}`, third.certificate);
      expect(await undo(installCertificate, done, world)).toMatchObject({
        kind: 'failed',
        code: 'CHANGED_MEANWHILE',
        message: expect.stringMatching(
          /it is left as it is\. The pair from before is kept as \/var\/lib\/belay\/tls\//,
        ),
      });
      expect(`${await sh(`cat ${paths.certificate}`)}\n`).toBe(third.certificate);
    });
  },
);
