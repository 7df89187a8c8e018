/**
 * belay check on real hosts over ssh: every check of hosts sees what was planted for it and nothing else; what is found is remembered,
 * told as new once, as fixed once, is quiet while acknowledged; and a host that is down is unknown.
 *
 * What is looked at here: actions/check/authorized-keys.ts, actions/check/certificate.ts, actions/check/clock.ts, actions/check/file.ts,
 * actions/check/kernel.ts, actions/check/mount.ts, actions/check/nginx.ts, actions/check/package.ts, actions/check/port.ts,
 * actions/check/postgresql.ts, actions/check/reboot.ts, actions/check/service.ts, actions/check/sysctl.ts, actions/check/unattended-upgrades.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Judged } from '../../../src/compliance/index.ts';
import { Lab } from '../../lab/hosts/lab.ts';
import { Desk, type Said } from '../../support/command-line.ts';
import { isThorough, seed } from '../sample.ts';
import { claimsNothingElse, halves, judged, printedWithout, toolsOf, type HostRule } from './less.ts';

const reason = Lab.unavailable();

interface Json {
  readonly verdict: string;
  readonly checks: readonly {
    readonly looks: readonly {
      readonly rule: string;
      readonly target: string;
      readonly judged: readonly {
        readonly kind: string;
        readonly subject: string;
        readonly found?: string;
        readonly code?: string;
      }[];
    }[];
    readonly changes: readonly {
      readonly change: string;
      readonly rule: string;
      readonly target: string;
      readonly subject: string;
      readonly remedy?: string;
    }[];
  }[];
}

const stray = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3aWVPr6l2rvIM2wzXxAHLaDFDC9IRRhF4zXrJO4W0x stray';

/** Each rule, what is planted on h1 so that it is broken there, and what mends that. */
const planted: readonly (readonly [rule: object, breaks: string, mends: string])[] = [
  [
    { Name: 'packages', Check: 'check:package', Inputs: { Names: ['belay-demo'], State: 'absent' } },
    'apt-get -qq update && apt-get -qqy install belay-demo',
    'dpkg --purge belay-demo',
  ],
  [
    { Name: 'service', Check: 'check:service', Inputs: { Names: ['t-svc'], State: 'active', Enabled: true } },
    'systemctl disable --now t-svc',
    'systemctl enable --now t-svc',
  ],
  [
    {
      Name: 'file',
      Check: 'check:file',
      Inputs: {
        Path: '/etc/t.conf',
        Content: 'a = 1\n',
        Mode: '0640',
        Owner: 'root',
        HasLines: ['a = 1'],
        LacksLines: ['b = 2'],
      },
    },
    'printf "a = 2\\nb = 2\\n" >/etc/t.conf; chmod 666 /etc/t.conf; chown ops /etc/t.conf',
    'printf "a = 1\\n" >/etc/t.conf; chmod 640 /etc/t.conf; chown root /etc/t.conf',
  ],
  [
    {
      Name: 'mount',
      Check: 'check:mount',
      Inputs: { Path: '/srv/data', FileSystem: 'ext4', MinFreePercent: 40 },
    },
    'fallocate -l 180M /srv/data/big',
    'rm /srv/data/big',
  ],
  [
    { Name: 'port', Check: 'check:port', Inputs: { Port: 7781, Only: ['127.0.0.1'] } },
    'systemctl stop t-here; systemctl start t-wide',
    'systemctl stop t-wide; systemctl start t-here',
  ],
  [
    { Name: 'certificate', Check: 'check:certificate', Inputs: { Path: '/etc/t.crt', MinDays: 30 } },
    'openssl req -x509 -newkey ed25519 -nodes -keyout /etc/t.key -out /etc/t.crt -days 10 -subj /CN=t',
    'openssl req -x509 -newkey ed25519 -nodes -keyout /etc/t.key -out /etc/t.crt -days 90 -subj /CN=t',
  ],
  [
    { Name: 'keys', Check: 'check:authorizedKeys', Inputs: { User: 'limited', Only: ['LAB-KEY'] } },
    `echo '${stray}' >>~limited/.ssh/authorized_keys`,
    'sed -i /stray/d ~limited/.ssh/authorized_keys',
  ],
  [
    { Name: 'reboot', Check: 'check:reboot' },
    'touch /run/reboot-required',
    // As unattended-upgrades has it: what makes the file when a kernel is installed.
    'rm -f /run/reboot-required; mkdir -p /etc/kernel/postinst.d; touch /etc/kernel/postinst.d/unattended-upgrades',
  ],
  [{ Name: 'upgrades', Check: 'check:unattendedUpgrades' }, 'true', 'true'],
];
/** What cannot be different on one host: the kernel and its settings are those of the whole machine. */
const others: readonly object[] = [
  { Name: 'kernel', Check: 'check:kernel' },
  { Name: 'clock', Check: 'check:clock', Inputs: { MaxSkewSeconds: 30 } },
  { Name: 'sysctl', Check: 'check:sysctl', Inputs: { Settings: { 'kernel.ostype': 'Linux' } } },
  { Name: 'nginx', Check: 'check:nginx' },
];

describe.skipIf(reason)(
  `belay check on hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let desk: Desk;
    const sh = async (text: string): Promise<string> => (await lab.exec('h1', text)).stdout.trim();
    const check = (...more: string[]): Promise<Said> => desk.belay(['check', 'base.yaml', ...more]);
    const json = async (...more: string[]): Promise<Json> =>
      JSON.parse((await check('--json', ...more)).stdout) as Json;
    const brokenOn = (said: Json, host: string): string[] =>
      [
        ...new Set(
          said.checks.flatMap(({ looks }) =>
            looks
              .filter(({ target, judged }) => target === host && judged.some(({ kind }) => kind === 'broken'))
              .map(({ rule }) => rule),
          ),
        ),
      ].toSorted();
    const changesOf = (said: Json, ...kinds: string[]): string[] =>
      [
        ...new Set(
          said.checks.flatMap(({ changes }) =>
            changes
              .filter(({ change }) => kinds.includes(change))
              .map(({ rule, target }) => `${rule} ${target}`),
          ),
        ),
      ].toSorted();
    const names = planted
      .map(([rule]) => (rule as { Name: string }).Name)
      .filter((name) => name !== 'upgrades');

    const rulesText = (): string => {
      const key = readFileSync(`${lab.identityFile}.pub`, 'utf8').trim();
      const Rules = [...planted.map(([rule]) => rule), ...others];
      return JSON.stringify({ Name: 'base', Targets: ['h1'], Rules }).replace('LAB-KEY', key);
    };

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1', 'h2', 'r1', 'db1'] });
      desk = new Desk();
      desk.write('belay.yaml', lab.inventory());
      desk.write('base.yaml', rulesText());
      await lab.publish('h1', 'new');
      await sh(
        `printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/t-svc.service
       for one in here:127.0.0.1 wide:0.0.0.0; do printf '[Socket]\\nListenStream=%s:7781\\nAccept=yes\\n' "\${one#*:}" >/etc/systemd/system/t-\${one%:*}.socket; printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/t-\${one%:*}@.service; done
       systemctl daemon-reload`,
      );
      for (const [, , mends] of planted) await sh(mends.replaceAll(/\bt-(here|wide)\b/g, 't-$1.socket'));
    }, 360_000);
    afterAll(async () => {
      desk?.[Symbol.dispose]();
      await lab?.down();
    }, 60_000);

    test('what is as it must be is not found, and what nobody can tell is unknown', async () => {
      const said = await json();
      expect(brokenOn(said, 'h1')).toEqual(['nginx', 'upgrades']);
      const kernel = said.checks[0]?.looks.find(({ rule }) => rule === 'kernel');
      expect(kernel?.judged).toMatchObject([{ kind: 'unknown', code: 'NO_KERNEL_PACKAGE' }]);
    });

    test('everything that was planted is found as new, once, with what was found; then it is still there', async () => {
      for (const [, breaks] of planted) await sh(breaks.replaceAll(/\bt-(here|wide)\b/g, 't-$1.socket'));
      const said = await json();
      expect(said.verdict).toBe('NON_COMPLIANT');
      expect(changesOf(said, 'new')).toEqual(names.map((name) => `${name} h1`).toSorted());
      const file = said.checks[0]?.changes
        .filter(({ rule }) => rule === 'file')
        .map(({ subject }) => subject);
      expect(file).toEqual([
        'content of /etc/t.conf',
        'line "a = 1" of /etc/t.conf',
        'line "b = 2" of /etc/t.conf',
        'mode of /etc/t.conf',
        'owner of /etc/t.conf',
      ]);
      const again = await check();
      expect(again.code).toBe(8);
      expect(again.stdout).not.toMatch(/^ *new/m);
      expect(again.stdout).toMatch(/still +MEDIUM +reboot +h1 +reboot is required/);
      expect(again.stderr).toMatch(/Non-compliant: \d+ open findings \(0 new\)/);
    });

    const hostRules = (): HostRule[] => (JSON.parse(rulesText()) as { readonly Rules: HostRule[] }).Rules;

    /** r1 has rpm: those rules whose probes ask it otherwise. */
    const ofRpm = ['packages', 'kernel', 'reboot', 'upgrades'];
    test.each(['h1', 'r1'])(
      `where %s lacks a tool, or its answer breaks off, that is unknown, and nothing is claimed of it (BELAY_SEED=${seed})`,
      async (host) => {
        const rules = hostRules().filter(({ Name }) => host === 'h1' || ofRpm.includes(Name));
        const printed = await printedWithout(undefined, rules, lab, host);
        const whole = judged(rules, printed);
        const broken = rules.filter((_, index) => whole[index]?.some(({ kind }) => kind === 'broken'));
        if (host === 'h1') expect(broken.map(({ Name }) => Name)).toEqual(expect.arrayContaining(names));
        const tools = await toolsOf(rules, lab, host);
        expect(tools).toEqual(expect.arrayContaining(['grep', 'sed', host === 'h1' ? 'dpkg-query' : 'rpm']));
        const wrong: string[] = [];
        const look = (what: string, less: readonly (readonly Judged[])[]): void => {
          for (const [index, { Name, Check }] of rules.entries())
            // The clock goes on between two answers.
            if (Check !== 'check:clock' && !claimsNothingElse(whole[index] ?? [], less[index] ?? []))
              wrong.push(`${Name} without ${what}: ${JSON.stringify(less[index])}`);
        };
        // A quarter of them; BELAY_FAULTS=all takes every one.
        const taken = tools.filter((_, index) => isThorough || (index + seed) % 4 === 0);
        for (const tool of taken) look(tool, judged(rules, await printedWithout(tool, rules, lab, host)));
        for (const [index, half] of [...halves(printed)].entries())
          look(`all from line ${index}`, judged(rules, half));
        expect(wrong).toEqual([]);
      },
    );

    test('where a right is missing, what cannot be read is unknown, and the rest is what root sees', async () => {
      const { hosts } = lab.inventory();
      const plain = { ...hosts['h1'], become: 'none' };
      desk.write('plain/belay.yaml', { hosts: { h1: plain } });
      const where = {
        env: { BELAY_CONFIG: join(desk.folder, 'plain', 'belay.yaml') },
        state: join(desk.folder, 'plain'),
      };
      const said = await desk.belay(['check', 'base.yaml', '--json'], where);
      const looksOf = ({ checks }: Json) =>
        new Map(checks[0]?.looks.map(({ rule, judged: all }) => [rule, all]));
      const [asRoot, asOps] = [looksOf(await json()), looksOf(JSON.parse(said.stdout) as Json)];
      expect([...asOps.keys()]).toEqual([...asRoot.keys()]);
      for (const [rule, all] of asOps)
        if (rule !== 'clock')
          expect([
            rule,
            all,
            claimsNothingElse((asRoot.get(rule) ?? []) as Judged[], all as Judged[]),
          ]).toEqual([rule, all, true]);
      expect(asOps.get('keys')?.map(({ kind }) => kind)).toContain('unknown');
    });

    test('what is acknowledged is quiet for the exit code, and --rule looks at one rule only', async () => {
      expect((await check('--rule', 'reboot')).code).toBe(8);
      const ack = await desk.belay(['ack', 'reboot', '--host', 'h1', '--until', '14d', '--why', 'on Sunday']);
      expect(ack).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('1 finding is acknowledged by') as string,
      });
      const said = await check('--rule', 'reboot');
      expect(said).toMatchObject({ code: 0 });
      expect(said.stdout).toContain('acknowledged by');
      const listed = await desk.belay(['findings', '--open', '--rule', 'reboot']);
      expect(listed.stdout).toMatch(/open +MEDIUM +reboot +h1 .*acknowledged by .*: on Sunday/);
      expect((await desk.belay(['ack', 'reboot', '--why', 'x'])).code).toBe(2);
      expect((await desk.belay(['ack', 'nosuch', '--until', '1d', '--why', 'x'])).stderr).toContain(
        'NO_SUCH_FINDING',
      );
    });

    test('what is mended is fixed, once', async () => {
      for (const [, , mends] of planted) await sh(mends.replaceAll(/\bt-(here|wide)\b/g, 't-$1.socket'));
      expect(changesOf(await json(), 'fixed')).toEqual(names.map((name) => `${name} h1`).toSorted());
      expect(changesOf(await json(), 'fixed', 'new')).toEqual([]);
    });

    test('a host that is down is unknown with its reason, and nothing of it is compliant or fixed', async () => {
      desk.write('two.yaml', {
        Name: 'two',
        Rules: [
          { Name: 'shell', Check: 'check:file', Targets: ['h1', 'h2', 'r1'], Inputs: { Path: '/bin/sh' } },
          {
            Name: 'gone',
            Check: 'check:file',
            Targets: ['h1', 'h2', 'r1'],
            Inputs: { Path: '/etc/passwd', State: 'absent' },
          },
        ],
      });
      const two = async (): Promise<Json> =>
        JSON.parse((await desk.belay(['check', 'two.yaml', '--json'])).stdout) as Json;
      expect(changesOf(await two(), 'new')).toEqual(['gone h1', 'gone h2', 'gone r1']);
      await lab.kill('h2');
      const said = await two();
      expect(changesOf(said, 'fixed', 'known', 'new')).toEqual([]);
      expect(changesOf(said, 'unknown')).toEqual(['gone h2', 'shell h2']);
      const only = await desk.belay(['check', 'two.yaml', '--rule', 'shell']);
      expect(only.code).toBe(9);
      expect(only.stdout).toMatch(/still +MEDIUM +shell +h2 +.*\((UNREACHABLE|NO_REPLY)\)/);
      const limited = await desk.belay([
        'check',
        'two.yaml',
        '--rule',
        'shell',
        '--limit',
        'h1,r1',
        '--junit',
      ]);
      expect(limited.code).toBe(0);
      expect(limited.stdout).toContain('<testsuite name="two" tests="2" failures="0" errors="0"');
      await lab.start('h2');
      expect(changesOf(await two(), 'known')).toEqual(['gone h2', 'shell h2']);
    });

    test('a database is looked at by its own words: version, settings, standbys and backups; one that is down is unknown', async () => {
      const inDb = async (text: string): Promise<string> => (await lab.exec('db1', text)).stdout.trim();
      const look = async (Inputs: object): Promise<string[]> => {
        desk.write('db.yaml', {
          Name: 'db',
          Targets: 'db1',
          Rules: [{ Name: 'db', Check: 'check:postgresql', Inputs }],
        });
        const said = JSON.parse((await desk.belay(['check', 'db.yaml', '--json'])).stdout) as Json;
        return (said.checks[0]?.looks[0]?.judged ?? []).map(({ kind, subject, found, code }) =>
          `${kind} ${subject} ${found ?? code}`.replace(/ \(\/.*\)$/, '').replace(/\d+\.\d h/, 'N h'),
        );
      };
      const all = {
        VersionAtLeast: '15.1',
        Settings: { shared_buffers: '128MB', fsync: true, max_connections: 100 },
        Standbys: 1,
        BackupFolder: '/var/backups/pg',
        MaxBackupAgeHours: 24,
      };
      expect(await look(all)).toEqual([
        expect.stringMatching(/^kept server 15\./),
        expect.stringMatching(/^kept version 15\./),
        'kept shared_buffers 128MB',
        'kept fsync on',
        'kept max_connections 100',
        'broken standbys 0 streaming',
        'broken base backup in /var/backups/pg without its folder',
      ]);
      await inDb(
        'mkdir -p /var/backups/pg && chown postgres /var/backups/pg && cd / && runuser -u postgres -- pg_basebackup -D /var/backups/pg/one',
      );
      const { Standbys: _, ...rest } = {
        ...all,
        VersionAtLeast: '16',
        Settings: { shared_buffers: '256MB', work_mem: '4096kB', nosuch: 'x' },
        MaxLagSeconds: 5,
      };
      expect(await look(rest)).toEqual([
        expect.stringMatching(/^kept server 15\./),
        expect.stringMatching(/^broken version 15\./),
        'broken shared_buffers 128MB',
        'kept work_mem 4MB',
        'broken nosuch no setting of this server',
        'kept standbys none',
        'kept base backup in /var/backups/pg N h old',
      ]);
      await inDb(
        'touch -d "3 days ago" /var/backups/pg/one/backup_manifest; systemctl stop postgresql@15-main',
      );
      expect(await look(all)).toEqual([
        'broken base backup in /var/backups/pg N h old',
        'unknown  NOT_ANSWERING',
      ]);
    });
  },
);
