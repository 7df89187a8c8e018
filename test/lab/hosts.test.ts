/** The lab of hosts keeps its promises: what other tests stand on is shown here once, on real hosts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from './hosts/lab.ts';
import { leftovers } from './hosts/leftovers.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(`the lab of hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ hosts: ['b1', 'db1', 'h1', 'r1'] });
  }, 360_000);
  afterAll(() => lab?.down(), 60_000);

  const ssh = (host: string, script: string, options: readonly string[] = []) =>
    execa('ssh', ['-F', lab.sshConfig, ...options, host, script], { reject: false, timeout: 15_000 });
  const said = async (host: string, script: string) => {
    const { code, stdout, stderr } = await lab.exec(host, script);
    expect({ code, stderr: code === 0 ? '' : stderr + stdout }).toEqual({ code: 0, stderr: '' });
    return stdout.trim();
  };

  it('boots whole hosts: no unit of theirs has failed', async () => {
    for (const host of lab.hosts)
      expect(await said(host, 'systemctl is-system-running --wait')).toBe('running');
  });

  it('is reached by ssh, the private host through the bastion', async () => {
    expect((await ssh('h1', 'hostname; sudo id -u')).stdout).toBe('h1\n0');
    expect((await ssh('db1', 'hostname; sudo id -u')).stdout).toBe('db1\n0');
  });

  it('refuses an unknown key, and sudo to the user limited', async () => {
    const asRogue = [
      '-i',
      lab.rogueKey,
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      `UserKnownHostsFile=${lab.knownHosts}`,
    ];
    const rogue = await execa(
      'ssh',
      ['-F', 'none', '-o', 'BatchMode=yes', ...asRogue, `ops@${lab.address('h1')}`, 'true'],
      { reject: false },
    );
    expect(rogue.stderr).toContain('Permission denied');
    expect((await ssh('h1', 'sudo -n true', ['-l', 'limited'])).exitCode).toBe(1);
  });

  it('has no way around the bastion: a direct connect to the private host fails at once', async () => {
    const began = Date.now();
    const code = await new Promise<string | undefined>((resolve) => {
      const socket = connect(22, lab.address('db1'), () => resolve('connected'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(code).toBe('EHOSTUNREACH');
    expect(Date.now() - began).toBeLessThan(500);
  });

  it('describes itself as a belay.yaml', () => {
    const { hosts } = lab.inventory();
    expect(hosts['db1']).toEqual({
      address: lab.address('db1'),
      user: 'ops',
      identityFile: lab.identityFile,
      knownHostsFile: lab.knownHosts,
      become: 'sudo',
      via: 'b1',
    });
    expect(hosts['b1']).not.toHaveProperty('via');
  });

  it('upgrades, breaks, heals and downgrades belay-demo by apt', async () => {
    const install = 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq';
    const version = "dpkg-query -W -f '${Status} ${Version}' belay-demo; cat /run/belay-demo.version";
    await said('h1', `${install} belay-demo`);
    expect(await said('h1', version)).toBe('install ok installed 1.01.0');
    await lab.publish('h1', 'new');
    await said('h1', `${install} --only-upgrade belay-demo`);
    expect(await said('h1', version)).toBe('install ok installed 1.11.1');
    await lab.publish('h1', 'broken');
    expect((await lab.exec('h1', `${install} --only-upgrade belay-demo`)).code).toBe(100);
    expect(await said('h1', version)).toContain('half-configured 1.2');
    await said('h1', `${install} --allow-downgrades belay-demo=1.0`);
    expect(await said('h1', version)).toBe('install ok installed 1.01.0');
  }, 60_000);

  it('upgrades, breaks and downgrades belay-demo by dnf, on a host without Debian tools', async () => {
    for (const tool of ['apt-get', 'dpkg', 'dpkg-query']) {
      expect((await lab.exec('r1', `command -v ${tool}`)).code).not.toBe(0);
    }
    const version = 'rpm -q belay-demo; cat /run/belay-demo.version; systemctl is-active belay-demo';
    await said('r1', 'yum install -y -q belay-demo');
    expect(await said('r1', version)).toBe('belay-demo-1.0-1.noarch\n1.0\nactive');
    await lab.publish('r1', 'new');
    await said('r1', 'dnf upgrade -y -q belay-demo');
    expect(await said('r1', version)).toBe('belay-demo-1.1-1.noarch\n1.1\nactive');
    await lab.publish('r1', 'broken');
    expect((await lab.exec('r1', 'dnf upgrade -y -q belay-demo')).code).toBe(1);
    await said('r1', 'dnf downgrade -y -q belay-demo-1.0');
    expect(await said('r1', version)).toBe('belay-demo-1.0-1.noarch\n1.0\nactive');
  }, 60_000);

  it('shows each host its own state of the package repository', async () => {
    await lab.publish('h1', 'old');
    await lab.publish('db1', 'new');
    const candidates = "apt-get update -qq && apt-cache madison belay-demo | awk '{print $3}'";
    expect(await said('h1', candidates)).toBe('1.0');
    expect(await said('db1', candidates)).toBe('1.1\n1.0');
  });

  it('runs PostgreSQL with its data on a volume of its own', async () => {
    expect(await said('db1', 'su postgres -c "psql -Atqc \'select 6 * 7\'"')).toBe('42');
    expect(await said('db1', 'findmnt -no SOURCE,FSTYPE /var/lib/postgresql')).toMatch(/^\/dev\/xvdf +ext4$/);
    expect(await said('db1', 'su postgres -c "psql -Atqc \'show data_directory\'"')).toBe(
      '/var/lib/postgresql/15/main',
    );
  });

  it('holds an older and a newer PostgreSQL for it', async () => {
    const versions = await lab.postgresqlVersions();
    expect(await said('db1', "dpkg-query -W -f '${Version}' postgresql-15")).toBe(versions.old);
    await lab.publish('db1', 'new');
    const known = await said(
      'db1',
      "apt-get update -qq && apt-cache madison postgresql-15 | awk '{print $3}'",
    );
    expect(new Set(known.split('\n'))).toEqual(new Set([versions.old, versions.new]));
  });

  it('snapshots a volume in use and brings its data back on a new one', async () => {
    await said('h1', 'echo before >/srv/data/canary && sync -f /srv/data/canary');
    await lab.volumes.snapshot('vol-h1-data', 'snap-1');
    await said('h1', 'echo after >/srv/data/canary');
    await lab.volumes.fromSnapshot('snap-1', 'vol-restored');
    await expect(lab.volumes.attach('vol-restored', 'h1', '/dev/xvdg')).rejects.toMatchObject({
      code: 'DeviceInUse',
    });
    await expect(lab.volumes.detach('vol-h1-data')).rejects.toMatchObject({ code: 'Busy' });
    await expect(lab.volumes.delete('vol-h1-data')).rejects.toMatchObject({ code: 'VolumeInUse' });
    await said('h1', 'systemctl stop srv-data.mount');
    await lab.volumes.detach('vol-h1-data');
    expect((await lab.exec('h1', 'test -e /dev/xvdg')).code).toBe(1);
    await lab.volumes.attach('vol-restored', 'h1', '/dev/xvdg');
    await said('h1', 'systemctl start srv-data.mount');
    expect(await said('h1', 'cat /srv/data/canary')).toBe('before');
    await lab.volumes.delete('vol-h1-data');
    await lab.volumes.deleteSnapshot('snap-1');
    const { volumes, snapshots } = await lab.volumes.list();
    expect(snapshots).toEqual([]);
    expect(volumes.find(({ name }) => name === 'vol-restored')?.attachment).toEqual({
      host: 'h1',
      device: '/dev/xvdg',
    });
  });

  it('snapshots several volumes at one moment: a write order across them holds', async () => {
    await lab.volumes.create('vol-second', 64);
    await lab.volumes.attach('vol-second', 'h1', '/dev/xvdh');
    await said('h1', 'mkfs.ext4 -q /dev/xvdh && mkdir -p /mnt/second && mount /dev/xvdh /mnt/second');
    // The first volume always gets a number before the second does.
    const writer =
      'n=0; while :; do n=$((n+1)); for d in /srv/data /mnt/second; do echo $n >$d/t; mv $d/t $d/n; sync -f $d; done; done';
    await said('h1', `systemd-run -q --unit=writer sh -c '${writer}'; sleep 0.5`);
    await lab.volumes.snapshotTogether([
      { volume: 'vol-restored', snapshot: 'snap-a' },
      { volume: 'vol-second', snapshot: 'snap-b' },
    ]);
    expect(await said('h1', 'systemctl is-active writer')).toBe('active');
    await said('h1', 'systemctl stop writer; umount /mnt/second; mkdir -p /mnt/a /mnt/b');
    await lab.volumes.detach('vol-second');
    await lab.volumes.fromSnapshot('snap-a', 'vol-a');
    await lab.volumes.fromSnapshot('snap-b', 'vol-b');
    await lab.volumes.attach('vol-a', 'h1', '/dev/xvdi');
    await lab.volumes.attach('vol-b', 'h1', '/dev/xvdj');
    const numbers = await said(
      'h1',
      'mount /dev/xvdi /mnt/a; mount /dev/xvdj /mnt/b; cat /mnt/a/n /mnt/b/n; umount /mnt/a /mnt/b',
    );
    const [first = NaN, second = NaN] = numbers.split('\n').map(Number);
    expect(first - second).toBeGreaterThanOrEqual(0);
    expect(first - second).toBeLessThanOrEqual(1);
    await lab.volumes.detach('vol-a');
    await lab.volumes.detach('vol-b');
  });

  it('keeps a volume attached, and its data, over a reboot from inside and over power loss', async () => {
    await lab.volumes.create('vol-late', 64);
    await lab.volumes.attach('vol-late', 'h1', '/dev/xvdh');
    await said(
      'h1',
      'mkfs.ext4 -q /dev/xvdh && mkdir -p /mnt/late && mount /dev/xvdh /mnt/late && touch /mnt/late/kept && sync',
    );
    const before = await said('h1', 'cat /proc/1/stat | cut -d" " -f22');
    await lab.reboot('h1');
    expect(await said('h1', 'cat /proc/1/stat | cut -d" " -f22')).not.toBe(before);
    expect(await said('h1', 'mount /dev/xvdh /mnt/late && ls /mnt/late')).toContain('kept');
    await lab.kill('h1');
    await expect(lab.exec('h1', 'true')).rejects.toMatchObject({ code: 'HostAbsent' });
    await lab.start('h1');
    expect(await said('h1', 'mount /dev/xvdh /mnt/late && ls /mnt/late && umount /mnt/late')).toContain(
      'kept',
    );
    await lab.volumes.detach('vol-late');
  }, 60_000);

  it('takes a mounted volume away by force', async () => {
    await lab.volumes.detach('vol-restored', { force: true });
    expect((await lab.exec('h1', 'findmnt /srv/data || test -e /dev/xvdg')).code).toBe(1);
  });

  it('hangs, cuts off and stops hosts, and takes it back', async () => {
    const quick = ['-o', 'ConnectTimeout=1'];
    expect(await lab.greets('r1')).toBe(true);
    await lab.freeze('r1');
    expect(await lab.greets('r1')).toBe(false);
    expect((await ssh('r1', 'true', quick)).exitCode).toBe(255);
    await lab.thaw('r1');
    expect((await ssh('r1', 'true')).exitCode).toBe(0);
    await lab.net('r1', 'portdrop', 22);
    expect((await ssh('r1', 'true', quick)).exitCode).toBe(255);
    await lab.net('r1', 'clear');
    await lab.net('b1', 'down');
    expect((await ssh('db1', 'true', quick)).exitCode).toBe(255);
    await lab.net('b1', 'clear');
    expect((await ssh('db1', 'true')).exitCode).toBe(0);
    await lab.stop('r1');
    expect((await ssh('r1', 'true', quick)).exitCode).toBe(255);
    await lab.start('r1');
    expect((await ssh('r1', 'true')).exitCode).toBe(0);
  }, 60_000);

  it('lets hosts on both networks reach a service of the controller', async () => {
    const server = createServer((socket) => socket.end('hello from the controller\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    try {
      await lab.forward(address.port);
      for (const host of ['h1', 'db1']) {
        const script = `exec 3<>/dev/tcp/${lab.controller(host)}/${address.port} && cat <&3`;
        expect((await lab.exec(host, ['bash', '-c', script])).stdout).toBe('hello from the controller\n');
      }
    } finally {
      server.close();
    }
  });

  it('clears what a killed test left, and lends its lab to the next', async () => {
    const driver = new URL('hosts/lab.ts', import.meta.url).href;
    const program = `
      const { Lab } = await import(${JSON.stringify(driver)});
      const lab = await Lab.up({ hosts: ['h3'] });
      console.log(lab.id);
      setInterval(() => {}, 1000);`;
    const victim = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(victim.stdout, 'data');
    const id = Number(String(said));
    const folder = join(tmpdir(), `belay-lab-${id}`);
    expect(existsSync(join(folder, 'hosts', 'h3'))).toBe(true);
    victim.kill('SIGKILL');
    await once(victim, 'close');
    const heir = await Lab.up({ hosts: ['h4'] });
    try {
      // Another test run may have been quicker to take that very lab; cleared it is in either case.
      expect(existsSync(join(folder, 'hosts', 'h3'))).toBe(false);
      expect(heir.hosts).toEqual(['h4']);
    } finally {
      await heir.down();
    }
  }, 360_000);

  it('runs beside another lab, and leaves nothing behind', async () => {
    const other = await Lab.up({ hosts: ['h2', 'v1'] });
    try {
      expect(other.id).not.toBe(lab.id);
      expect((await other.exec('v1', 'findmnt -no SOURCE /srv/data')).stdout.trim()).toBe('/dev/xvdg');
      await expect(other.add('x9')).rejects.toThrow(/not a host name/);
      const kinds = leftovers(other.id).map((line) => line.replace(/:.*/, ''));
      expect(new Set(kinds)).toEqual(
        new Set(['process', 'mount', 'namespace', 'interface', 'loop device', 'control group', 'folder']),
      );
    } finally {
      await other.down();
    }
    expect((await ssh('h1', 'hostname')).stdout).toBe('h1');
    // Rejects when anything is left; asked here, a moment later, the lab could be somebody else's.
    await lab.down();
  }, 360_000);
});
