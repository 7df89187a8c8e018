/** runbooks/minio/rotate-tls.yaml: the pair that a port shows, asked with openssl, and the files behind it. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  CertificateAuthority,
  pairOfKind,
  type CertificatePair,
  type PairKind,
} from '../../lab/minio/certificates.ts';
import { paths } from '../../lab/minio/configuration.ts';
import { idOf, type Said } from '../../support/command-line.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { drawn } from '../sample.ts';
import { placesOf, shipped, type Stand } from './stand.ts';

const name = 'rotate-tls';
const caseMs = 120_000;

export function rotateTlsCases(stand: () => Stand): void {
  /** Every name and address that is used for a node or the load balancer. */
  const subject = () => {
    const { minio } = stand();
    const hosts = [...minio.nodes, 'lb1'];
    return {
      commonName: 'minio.lab',
      names: ['minio.lab', ...hosts.map((host) => `${host}.lab`)],
      addresses: hosts.map((host) => minio.lab.address(host)),
    };
  };
  const pair = async (kind: PairKind = 'good'): Promise<CertificatePair> => {
    const { folder } = stand().minio;
    const made = await pairOfKind(
      await CertificateAuthority.open(folder, 'The lab'),
      join(folder, 'foreign'),
      subject(),
      kind,
    );
    const lines = made.privateKey.split('\n').filter((line) => /^[A-Za-z0-9+/]{40,}$/.test(line));
    stand().secrets.push({ value: made.privateKey, cores: lines.map((line) => line.slice(8, 40)) });
    return made;
  };
  const parameters = (certificate: string) => {
    const { names, addresses } = subject();
    return {
      ...stand().cluster,
      LoadBalancer: 'lb1',
      Certificate: certificate,
      ServerNames: [...names, ...addresses],
    };
  };
  const start = (file: string, { certificate, privateKey }: CertificatePair) => {
    const key = stand().desk.write('next.key', privateKey);
    return stand().start(file, parameters(certificate), { PrivateKey: `file:${key}` });
  };
  const run = async (file: string, given: CertificatePair): Promise<Said> =>
    stand().heard(await start(file, given).said);

  const everywhere = (
    script: (host: string, files: readonly [string, string], port: number) => string,
  ): Promise<string[]> => {
    const { minio } = stand();
    const nodes = minio.nodes.map((node) =>
      minio.run(node, script(node, [paths.certificate, paths.privateKey], 9000)),
    );
    const nginx = [paths.nginxCertificate, paths.nginxPrivateKey] as const;
    return Promise.all([...nodes, minio.run('lb1', script('lb1', nginx, 443))]);
  };
  const serials = () =>
    everywhere(
      (_, __, port) =>
        `echo | openssl s_client -connect 127.0.0.1:${port} -servername minio.lab 2>/dev/null | openssl x509 -noout -serial`,
    );
  /** Bytes, owner and mode, whatever else lies there, and the process that has served all the while. */
  const state = async () => ({
    files: await everywhere(
      (_, [certificate, key]) =>
        `sha256sum ${certificate} ${key}; stat -c '%n %U:%G %a' ${certificate} ${key}; ls -A ${certificate.replace(/[^/]+$/, '')}`,
    ),
    serials: await serials(),
    processes: await everywhere(
      (host) => `systemctl show -p MainPID --value ${host === 'lb1' ? 'nginx' : 'minio'}`,
    ),
  });
  const serialOf = ({ certificate }: CertificatePair) =>
    stand().minio.run('minio01', 'openssl x509 -noout -serial', certificate);

  test.for([
    ['wrong-name', 'WRONG_NAME', 'the certificate is not for minio.lab'],
    ['expired', 'CERTIFICATE_EXPIRED', 'expired at'],
    ['not-yet-valid', 'CERTIFICATE_NOT_YET_VALID', 'is not valid before'],
    ['foreign-authority', 'CHAIN_BROKEN', 'which is neither among the authorities'],
    ['mismatched-key', 'KEY_MISMATCH', 'the PrivateKey does not belong to the certificate'],
  ] as const)(
    'TLS: a pair that is %s is refused in a sentence of its own, and no host is touched',
    { timeout: caseMs },
    async ([kind, code, sentence]) => {
      const before = await state();
      const said = await run(shipped(name), await pair(kind));
      expectTrouble(said, 1, code, sentence, 'Nothing was written');
      expect(await state()).toEqual(before);
    },
  );

  test(
    'TLS: every node and nginx show the new certificate, and no process was restarted',
    async () => {
      const [before, next] = [await state(), await pair()];
      const said = await run(shipped(name), next);
      expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: said.stderr });
      const after = await state();
      expect(new Set(after.serials)).toEqual(new Set([await serialOf(next)]));
      expect(after.processes).toEqual(before.processes);
      await stand().minio.s3().createBucket('after-tls');
      stand().expectNowhere();

      const back = await stand().belay(['rollback', idOf(said), '--yes']);
      expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
      expect(await state()).toEqual(before);
    },
    caseMs,
  );

  for (const place of drawn(name, placesOf(name))) {
    test(
      `TLS: failed after ${place}, the old pair is back on every host, with owner and mode`,
      async () => {
        const before = await state();
        const said = await run(stand().failingAfter(name, place), await pair());
        expectTrouble(said, 3, 'FailHere');
        expect(await stand().show(said)).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
        expect(await state()).toEqual(before);
      },
      caseMs * 2,
    );
  }

  test(
    'TLS: killed in the turn of the second node, it is resumed and ends with the new certificate everywhere',
    async () => {
      const next = await pair();
      const going = start(shipped(name), next);
      await going.writes(/▸ Install +minio02/);
      going.process.kill('SIGKILL');
      const killed = stand().heard(await going.said);
      const resumed = await stand().belay(['resume', idOf(killed)]);
      expect({ code: resumed.code, stderr: resumed.stderr }).toEqual({ code: 0, stderr: resumed.stderr });
      expect(new Set(await serials())).toEqual(new Set([await serialOf(next)]));
      stand().expectNowhere();
    },
    caseMs,
  );
}
