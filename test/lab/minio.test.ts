/** The lab's MinIO cluster keeps its promises: what tests of MinIO's actions and runbooks stand on is shown here once. */
import { createHash, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type PeerCertificate } from 'node:tls';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MinioLab } from './minio/cluster.ts';
import { nginxStatusUrl, paths } from './minio/configuration.ts';
import { Load } from './minio/load.ts';
import { Observer } from './minio/observer.ts';
import { releases } from './minio/releases.ts';

const reason = MinioLab.unavailable();
const title = `the lab's MinIO cluster${reason === undefined ? '' : ` (skipped: ${reason})`}`;

describe.skipIf(reason)(title, () => {
  let minio: MinioLab;
  beforeAll(async () => {
    minio = await MinioLab.up();
  }, 480_000);
  afterAll(() => minio?.down(), 60_000);

  /** Asks until the answer is yes; a state that never comes fails the test by its name. */
  const eventually = async (what: string, ask: () => Promise<boolean>, seconds = 30): Promise<void> => {
    const deadline = Date.now() + seconds * 1000;
    while (!(await ask())) {
      if (Date.now() > deadline) throw new Error(`not in ${seconds} s: ${what}`);
      await sleep(200);
    }
  };
  const drivesSeenBy = async (node: 'minio01' | 'minio02') =>
    (await minio.info(node)).flatMap(({ drives }) => drives);

  it('is four servers of one release with sixteen drives, each an XFS volume of its own', async () => {
    const servers = await minio.info();
    expect(servers.map(({ endpoint, state }) => `${endpoint} ${state}`).toSorted()).toEqual(
      minio.nodes.map((node) => `${node}.lab:9000 online`),
    );
    expect(new Set(servers.map(({ version }) => version))).toEqual(new Set([releases.old.version]));
    const drives = servers.flatMap((server) => server.drives);
    expect(drives.map(({ state, healing }) => [state, healing])).toEqual(
      Array.from({ length: 16 }, () => ['ok', false]),
    );
    const mounts = await minio.run('minio02', 'findmnt -rno TARGET,SOURCE,FSTYPE -t xfs | sort');
    expect(mounts.split('\n')).toEqual(
      (['b', 'c', 'd', 'e'] as const).map((letter, i) => `/stg/data/data${i + 1} /dev/xvd${letter} xfs`),
    );
  });

  it('runs MinIO by the unit of S0', async () => {
    const shown = await minio.run(
      'minio01',
      'systemctl show minio -p User,EnvironmentFiles,Restart,LimitNOFILE,TimeoutStopUSec,SendSIGKILL | sort',
    );
    expect(shown.split('\n')).toEqual([
      `EnvironmentFiles=${paths.environment} (ignore_errors=no)`,
      'LimitNOFILE=65536',
      'Restart=always',
      'SendSIGKILL=no',
      'TimeoutStopUSec=infinity',
      'User=minio-user',
    ]);
    expect(await minio.run('minio01', 'systemctl is-system-running --wait')).toBe('running');
  });

  it('keeps keys that are its own, in a file for its owner only', () => {
    expect(statSync(minio.credentialsFile).mode & 0o777).toBe(0o600);
    expect(minio.root.secretKey).toMatch(/^[\w-]{32}$/);
    expect(minio.root.secretKey).not.toBe(minio.backup.secretKey);
  });

  it('describes its hosts with tags, and they are reached by ssh', async () => {
    const { hosts } = minio.inventory();
    expect(hosts['minio03']?.tags).toEqual({ cluster: 'minio', role: 'node' });
    expect(hosts['lb1']?.tags).toEqual({ cluster: 'minio', role: 'load-balancer' });
    expect(hosts['bk1']?.tags).toEqual({ cluster: 'minio', role: 'backup' });
    const { stdout } = await execa('ssh', ['-F', minio.lab.sshConfig, 'minio03', 'hostname; sudo id -u']);
    expect(stdout).toBe('minio03\n0');
  });

  it('reads an object that was put through nginx through every node', async () => {
    const body = randomBytes(300_000);
    await minio.s3().createBucket('docs');
    await minio.s3().put('docs', 'a folder/ä+b.bin', body);
    for (const node of minio.nodes)
      expect((await minio.s3(node).get('docs', 'a folder/ä+b.bin')).equals(body)).toBe(true);
    expect(await minio.s3('minio04').list('docs')).toEqual([
      { key: 'a folder/ä+b.bin', sizeBytes: 300_000, etag: createHash('md5').update(body).digest('hex') },
    ]);
    const logged = await minio.run('lb1', `grep 'PUT /docs/' ${paths.nginxAccessLog}`);
    expect(logged).toMatch(/ 200 PUT \/docs\/.* upstream=10\.\d+\.0\.15[1-4]:9000 answered=200 /);
    expect(await minio.run('lb1', ['curl', '-s', nginxStatusUrl])).toContain('Active connections');
  });

  it('has a backup target with keys of its own', async () => {
    await minio.s3('backup').createBucket('docs');
    await minio.s3('backup').put('docs', 'copy', 'the same');
    expect((await minio.s3('backup').get('docs', 'copy')).toString()).toBe('the same');
    await expect(minio.s3('backup', minio.root).get('docs', 'copy')).rejects.toThrow('InvalidAccessKeyId');
    expect(await minio.run('bk1', 'findmnt -no SOURCE /srv/backup')).toBe('/dev/xvdg');
  });

  it('serves certificates of its own authority, and makes each kind of bad one', async () => {
    const served = await new Promise<PeerCertificate>((resolve, reject) => {
      const socket = connect({ host: minio.lab.address('minio02'), port: 9000, ca: minio.ca }, () => {
        resolve(socket.getPeerCertificate());
        socket.end();
      }).on('error', reject);
    });
    expect(served.subject.CN).toBe('minio02.lab');
    const authority = new X509Certificate(minio.ca);
    const look = async (kind: Parameters<typeof minio.pair>[1]) => {
      const { certificate, privateKey } = await minio.pair('minio01', kind);
      const leaf = new X509Certificate(certificate);
      const now = Date.now();
      return {
        isSigned: leaf.verify(authority.publicKey),
        isForHost: leaf.checkHost('minio01.lab') !== undefined && leaf.checkHost('minio.lab') !== undefined,
        isInDate: Date.parse(leaf.validFrom) < now && now < Date.parse(leaf.validTo),
        isKeyRight: leaf.checkPrivateKey(createPrivateKey(privateKey)),
      };
    };
    const good = { isSigned: true, isForHost: true, isInDate: true, isKeyRight: true };
    expect(await look('good')).toEqual(good);
    expect(await look('wrong-name')).toEqual({ ...good, isForHost: false });
    expect(await look('expired')).toEqual({ ...good, isInDate: false });
    expect(await look('not-yet-valid')).toEqual({ ...good, isInDate: false });
    expect(await look('foreign-authority')).toEqual({ ...good, isSigned: false });
    expect(await look('mismatched-key')).toEqual({ ...good, isKeyRight: false });
  });

  it('shows no failed request and nobody down while nothing happens', async () => {
    const observer = new Observer(minio);
    const load = await Load.start(minio.s3(), { keysPerWorker: 5 });
    await sleep(3_000);
    const report = await load.stop();
    const observation = await observer.stop();
    expect(report).toMatchObject({ failures: [], lost: [], acknowledged: 10 });
    expect(report.requests.overwrite).toBeGreaterThan(0);
    expect(observation).toMatchObject({ mostDownAtOnce: 0, downTimes: [] });
    expect(observation.samples).toBeGreaterThan(10);
  });

  it('finds an acknowledged object that was changed or removed behind its back', async () => {
    const load = await Load.start(minio.s3(), {
      bucket: 'tampered',
      keysPerWorker: 2,
      workers: 1,
      requestsMax: 4,
    });
    await eventually('the load has ended', async () => (await minio.s3().list('tampered')).length === 2);
    const [first, second] = (await minio.s3().list('tampered')).map(({ key }) => key);
    await sleep(500);
    await minio.s3().delete('tampered', first ?? '');
    await minio.s3().put('tampered', second ?? '', randomBytes(4096));
    const { lost } = await load.stop();
    expect(lost.map(({ key, problem }) => [key, problem])).toEqual([
      [first, 'NoSuchKey'],
      [second, 'other bytes'],
    ]);
  });

  it('lays another release beside the running one, with other bytes', async () => {
    const digest = async (file: string) => {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
      return hash.digest('hex');
    };
    const staged = await minio.stageRelease('new', ['minio03']);
    expect(await minio.run('minio03', `${staged} --version`)).toContain(releases.new.tag);
    expect(await minio.run('minio03', `${paths.binary} --version`)).toContain(releases.old.tag);
    const sums = await minio.run('minio03', `sha256sum ${paths.binary} ${staged} | cut -d' ' -f1`);
    expect(sums.split('\n')).toEqual([await digest(releases.old.file), await digest(releases.new.file)]);
  });

  it('answers 412 to maintenance on the peers of a stopped node, and the observer sees one down', async () => {
    expect(await minio.probe('minio01', 'cluster?maintenance=true')).toMatchObject({ status: 200 });
    const observer = new Observer(minio);
    await minio.stopMinio('minio04');
    expect(await minio.probe('minio01', 'cluster?maintenance=true')).toMatchObject({ status: 412 });
    expect(await minio.probe('minio01', 'cluster')).toMatchObject({ status: 200 });
    expect(await minio.probe('minio04', 'live')).toEqual({ status: 'ECONNREFUSED' });
    await minio.startMinio('minio04');
    await minio.untilReady();
    await eventually('nobody is down', async () => observer.downNow.length === 0);
    const { mostDownAtOnce, downTimes } = await observer.stop();
    expect(mostDownAtOnce).toBe(1);
    expect(downTimes[0]).toMatchObject({ node: 'minio04', reason: 'no process' });
    expect(new Set(downTimes.map(({ node }) => node))).toEqual(new Set(['minio04']));
  }, 60_000);

  it('lets a node with another binary stand aside, not joined', async () => {
    await minio.useRelease('minio03', 'new');
    await minio.run('minio03', 'systemctl restart minio');
    await eventually('minio03 is up and offline', async () => {
      const { status, serverStatus } = await minio.probe('minio03', 'live');
      return status === 200 && serverStatus === 'offline';
    });
    const observer = new Observer(minio);
    await eventually('the observer sees it', async () => observer.downNow.includes('minio03'));
    expect((await observer.stop()).downTimes).toMatchObject([{ node: 'minio03', reason: 'not joined' }]);
    await minio.useRelease('minio03', 'old');
    await minio.run('minio03', 'systemctl restart minio');
    await minio.untilReady();
  }, 90_000);

  it('brings a rebooted node back with its mounts and its MinIO', async () => {
    await minio.lab.reboot('minio04');
    expect(await minio.drives.isMounted('minio04', 1)).toBe(true);
    await minio.untilReady();
    expect(await minio.run('minio04', 'systemctl is-active minio')).toBe('active');
  }, 90_000);

  it('shows a replaced drive as unformatted, and a missing one as not ok', async () => {
    await minio.drives.blank('minio02', 3);
    await eventually('drive 3 of minio02 is unformatted', async () =>
      (await drivesSeenBy('minio02')).some(
        ({ server, path, state }) =>
          server === 'minio02.lab:9000' && path === '/stg/data/data3' && state === 'unformatted',
      ),
    );
    await minio.stopMinio('minio01');
    await minio.drives.detach('minio01', 2);
    await minio.startMinio('minio01');
    await eventually('minio01 misses its drive 2', async () => {
      const drive = await drivesSeenBy('minio02').then(
        (drives) =>
          drives.find(({ server, path }) => server === 'minio01.lab:9000' && path.endsWith('data2')),
        () => undefined,
      );
      return drive !== undefined && drive.state !== 'ok';
    });
    expect(await minio.drives.isMounted('minio01', 2)).toBe(false);
    await minio.drives.attach('minio01', 2);
    await minio.drives.mount('minio01', 2);
    expect(await minio.run('minio01', 'ls -A /stg/data/data2')).toContain('.minio.sys');
  }, 90_000);

  it('shows failed requests, and two nodes down at once, when two are', async () => {
    const observer = new Observer(minio);
    const load = await Load.start(minio.s3(), { timeoutMs: 2_000 });
    await minio.lab.freeze('minio02');
    await eventually('one is frozen', async () => observer.downNow.includes('minio02'));
    await minio.stopMinio('minio01');
    await eventually('a request has failed', async () => load.failures.length > 0);
    await minio.startMinio('minio01');
    await minio.lab.thaw('minio02');
    const { mostDownAtOnce, downTogether, downTimes } = await observer.stop();
    expect(mostDownAtOnce).toBe(2);
    expect(downTogether.toSorted()).toEqual(['minio01', 'minio02']);
    expect(downTimes).toContainEqual(expect.objectContaining({ node: 'minio02', reason: 'frozen' }));
    expect(downTimes).toContainEqual(expect.objectContaining({ node: 'minio01', reason: 'no process' }));
    const { failures } = await load.stop();
    expect(failures[0]).toMatchObject({ at: expect.stringMatching(/^20/), durationMs: expect.any(Number) });
  }, 90_000);
});
