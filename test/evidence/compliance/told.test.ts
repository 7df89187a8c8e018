/**
 * What is planted on a host, in a cluster, in a database and in the account is found and told once by mail, webhook and a topic with a real
 * listener; what is mended is said once; what is acknowledged is quiet until that ends; a host that is down is unknown, in SSM as well.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ListComplianceItemsCommand, SSMClient } from '@aws-sdk/client-ssm';
import { SMTPServer } from 'smtp-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { credentials, region, until } from '../../lab/endpoint/test-bed.ts';
import { MinioLab } from '../../lab/minio/cluster.ts';
import { awsEnvironment } from '../../lab/world.ts';
import { Desk, type Said } from '../../support/command-line.ts';
import { receive, type Receiver } from '../notify/receiver.ts';
import { openAccount, type Account } from './account.ts';

const reason = MinioLab.unavailable() ?? motoMissing();
const nodeId = 'i-0c0ffee0c0ffee0c0';
const openToAll = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: ['*'] },
      Action: ['s3:GetObject'],
      Resource: ['arn:aws:s3:::planted/*'],
    },
  ],
};

describe.skipIf(reason)(`what checks tell${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let minio: MinioLab;
  let account: Account;
  let receiver: Receiver;
  let desk: Desk;
  let topics = 0;
  const mails: string[] = [];
  const mailServer = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(/^Subject: (.*)$/m.exec(Buffer.concat(chunks).toString('utf8'))?.[1]?.trim() ?? '');
        callback();
      });
    },
  });

  beforeAll(async () => {
    account = await openAccount();
    receiver = await receive();
    mailServer.listen(0, '127.0.0.1');
    await once(mailServer.server, 'listening');
    minio = await MinioLab.up({ hosts: ['db1'], quietSeconds: 0 });
  }, 480_000);
  afterAll(async () => {
    await minio?.down();
    mailServer.close();
    await receiver?.[Symbol.asyncDispose]();
    await account?.[Symbol.asyncDispose]();
    expect(account?.subscriber.forged).toEqual([]);
  }, 60_000);

  /** A desk that remembers nothing, and a world in which everything is as it must be: a second try begins where the first one did. */
  beforeEach(async () => {
    const { accessKey, secretKey } = minio.root;
    desk = new Desk({ ...awsEnvironment(account.endpoint.url), KEY: accessKey, SECRET: secretKey });
    const hosts = { ...minio.inventory().hosts };
    if (hosts['lb1'] !== undefined) Object.assign(hosts['lb1'], { instanceId: nodeId });
    const { port } = mailServer.server.address() as AddressInfo;
    const from = { server: '127.0.0.1', port, security: 'none', from: 'belay@example.com' };
    desk.write('belay.yaml', {
      hosts,
      notify: {
        hook: { webhook: receiver.url },
        mail: { email: { ...from, to: ['ops@example.com'] } },
        topic: { sns: await account.topic(`findings-${(topics += 1)}`) },
      },
    });
    const cluster = { Hosts: ['minio{01..04}'], CaCertificates: minio.ca };
    desk.write('compliance/all.yaml', {
      Name: 'all',
      Report: { SsmComplianceType: 'Custom:Belay', MetricNamespace: 'Belay/Compliance' },
      Rules: [
        { Name: 'reboot', Severity: 'LOW', Check: 'check:reboot', Targets: 'lb1' },
        { Name: 'shell', Check: 'check:file', Targets: 'lb1', Inputs: { Path: '/bin/sh' } },
        {
          Name: 'settings',
          Check: 'check:postgresql',
          Targets: 'db1',
          Inputs: { Settings: { work_mem: '4MB' } },
        },
        {
          Name: 'cluster',
          Severity: 'CRITICAL',
          Check: 'check:minio',
          Inputs: { ...cluster, NoAnonymousAccess: true, DrivesOnline: true },
          Secrets: { AccessKey: 'env:KEY', SecretKey: 'env:SECRET' },
        },
        { Name: 'volumes', Check: 'check:encryptedVolumes' },
        {
          Name: 'served',
          Check: 'check:nginx',
          Targets: 'lb1',
          Inputs: { Upstream: 'minio', ServersOf: ['minio{01..04}'], Port: 9000 },
        },
      ],
    });
    await minio.lab.start('lb1');
    await onHost(
      'lb1',
      'rm -f /run/reboot-required; mkdir -p /etc/kernel/postinst.d; touch /etc/kernel/postinst.d/unattended-upgrades',
    );
    await setting('ALTER SYSTEM RESET work_mem');
    await minio
      .s3()
      .createBucket('planted')
      .catch(() => undefined);
    await minio.s3().request({ method: 'DELETE', path: '/planted', query: { policy: '' } });
    await account.reset();
    [told.hook, told.mail, told.topic] = [receiver.heard.length, mails.length, []];
    account.subscriber.take();
  }, 120_000);
  afterEach(() => desk?.[Symbol.dispose]());

  const check = (): Promise<Said> => desk.belay(['check']);
  const told = { hook: 0, mail: 0, topic: [] as string[] };
  /** The subjects that each of the three was told since the last asking: the same. */
  async function news(count: number): Promise<readonly string[]> {
    const heard = () => {
      told.topic.push(...account.subscriber.take().map(({ subject }) => subject));
      return {
        hook: receiver.heard.slice(told.hook).map(({ body }) => String(body['subject'])),
        mail: mails.slice(told.mail),
        topic: [...told.topic],
      };
    };
    await until(
      () => Math.min(...Object.values(heard()).map(({ length }) => length)),
      (least) => least >= count,
      30_000,
    );
    const all = heard();
    [told.hook, told.mail, told.topic] = [told.hook + all.hook.length, told.mail + all.mail.length, []];
    const sorted = (subjects: readonly string[]) => subjects.toSorted();
    expect(sorted(all.hook)).toEqual(sorted(all.mail));
    expect(sorted(all.hook)).toEqual(sorted(all.topic));
    return sorted(all.hook);
  }
  const inSsm = async (): Promise<Record<string, unknown>> => {
    const ssm = new SSMClient({ region, endpoint: account.endpoint.url, credentials, maxAttempts: 3 });
    const { ComplianceItems = [] } = await ssm.send(
      new ListComplianceItemsCommand({ ResourceIds: [nodeId], ResourceTypes: ['ManagedInstance'] }),
    );
    ssm.destroy();
    return Object.fromEntries(
      ComplianceItems.map(({ Id = '', Status, Details }) => [Id, [Status, Details?.['Verdict']]]),
    );
  };
  const onHost = (host: string, text: string): Promise<unknown> => minio.lab.exec(host, text);
  const setting = (text: string): Promise<unknown> =>
    onHost('db1', `cd / && runuser -u postgres -- psql -qc "${text}" -c 'SELECT pg_reload_conf()'`);

  test('what is planted is told once, mended once, quiet while it is acknowledged, and unknown where a host is down', async () => {
    const fine = { reboot: ['COMPLIANT', 'COMPLIANT'], served: ['COMPLIANT', 'COMPLIANT'] };
    const well = await check();
    expect(well).toMatchObject({ code: 0, stderr: expect.stringContaining('Compliant') as string });
    expect(await news(0)).toEqual([]);
    expect(await inSsm()).toEqual({ ...fine, shell: ['COMPLIANT', 'COMPLIANT'] });
    expect((await account.metric('OpenFindings'))?.length).toBeGreaterThan(0);

    await onHost('lb1', 'touch /run/reboot-required');
    await setting("ALTER SYSTEM SET work_mem = '8MB'");
    const body = Buffer.from(JSON.stringify(openToAll));
    await minio.s3().request({ method: 'PUT', path: '/planted', query: { policy: '' }, body });
    const volume = await account.volume('/dev/sdh', false);
    expect((await check()).code).toBe(8);
    expect(await news(4)).toEqual([
      '[CRITICAL] cluster: 1 new on account',
      '[LOW] reboot: 1 new on lb1',
      '[MEDIUM] settings: 1 new on db1',
      '[MEDIUM] volumes: 1 new on account',
    ]);
    expect(await inSsm()).toMatchObject({ reboot: ['NON_COMPLIANT', 'NON_COMPLIANT'] });
    expect((await check()).code).toBe(8);
    expect(await news(0)).toEqual([]);

    expect((await desk.belay(['ack', 'reboot', '--until', '1h', '--why', 'on Sunday'])).code).toBe(0);
    await setting('ALTER SYSTEM RESET work_mem');
    await minio.s3().request({ method: 'DELETE', path: '/planted', query: { policy: '' } });
    await account.releaseVolume(volume);
    await check();
    // A volume that EC2 does not list any more is gone when the next check does not list it either.
    const [first, second, third, ...more] = await news(3);
    expect([first, second, third, more]).toEqual([
      expect.stringMatching(/volumes: unknown on account/),
      expect.stringMatching(/resolved: cluster/),
      expect.stringMatching(/resolved: settings/),
      [],
    ]);
    expect((await desk.belay(['ack', 'reboot', '--end'])).code).toBe(0);
    await check();
    expect(await news(2)).toEqual([
      expect.stringMatching(/reboot: 1 /),
      expect.stringMatching(/resolved: volumes/),
    ]);

    await minio.lab.kill('lb1');
    const down = await check();
    expect(down.code).toBe(9);
    expect(down.stdout).toMatch(/unknown .*lb1/);
    expect(await news(1)).toEqual([expect.stringMatching(/lb1/)]);
    expect(await inSsm()).toEqual({
      reboot: ['NON_COMPLIANT', 'UNDETERMINED'],
      shell: ['NON_COMPLIANT', 'UNDETERMINED'],
      served: ['NON_COMPLIANT', 'UNDETERMINED'],
    });

    // A node that nobody checks any more has no word of ours left, and nobody is told that it is mended.
    desk.write('compliance/all.yaml', {
      Name: 'all',
      Report: { SsmComplianceType: 'Custom:Belay' },
      Rules: [{ Name: 'volumes', Check: 'check:encryptedVolumes' }],
    });
    expect((await check()).code).toBe(0);
    expect(await inSsm()).toEqual({});
    await news(1);
    const last = JSON.stringify(receiver.heard.at(-1)?.body);
    expect(last).toContain('reboot: 1 no longer checked on lb1');
    expect(last).not.toMatch(/resolved|fixed on|as it must be/);
  }, 400_000);
});
