/**
 * One command on many bare hosts, no connection open: Belay beside OpenSSH with the same key exchange. A bare host is a real sshd in
 * mount and name spaces of its own, without systemd and PAM: its own home of root, its own /var/lib/belay, its own machine-id.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Accounts, interleaved } from './accounts.ts';
import { coldSides, coldText, kex, ratioMax } from './cold-sides.ts';
import { commitNow } from './report.ts';

const hostsWanted = Number(process.env['BELAY_BENCH_BARE_HOSTS'] ?? 200);
const rounds = Number(process.env['BELAY_BENCH_ROUNDS'] ?? 3);
const firstPort = 21_000;
const sshd = '/usr/sbin/sshd';
const greetTries = 200;

export interface Bare {
  readonly text: string;
  readonly holds: boolean;
}

/** Undefined where bare hosts cannot be made. */
export async function benchBare(program: string): Promise<Bare | undefined> {
  if (process.getuid?.() !== 0 || !existsSync(sshd)) {
    console.log('bare     not measured: it takes root and sshd');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'belay-bare-'));
  const servers: ChildProcess[] = [];
  const accounts = new Accounts([`belay-bench-bare-${process.pid}`]);
  try {
    const names = Array.from({ length: hostsWanted }, (_, index) => `s${index + 1}`);
    await start(folder, names, servers, accounts);
    return measure(program, folder, names, accounts);
  } finally {
    await Promise.all(servers.map(ended));
    accounts.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill('SIGTERM');
  await exit;
}

async function start(
  folder: string,
  names: readonly string[],
  servers: ChildProcess[],
  accounts: Accounts,
): Promise<void> {
  const key = (file: string): void => {
    execFileSync('ssh-keygen', [
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-C',
      'belay bench',
      '-f',
      join(folder, file),
    ]);
  };
  for (const file of ['id', 'host']) key(file);
  const [type = '', hostKey = ''] = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ');
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  mkdirSync('/var/lib/belay', { recursive: true, mode: 0o700 });
  names.forEach((name, index) => {
    const at = join(folder, name);
    writeFileSync(`${at}.id`, `${randomBytes(16).toString('hex')}\n`);
    writeFileSync(
      `${at}.conf`,
      `Port ${firstPort + index}\nListenAddress 127.0.0.1\nHostKey ${folder}/host\nAuthorizedKeysFile ${folder}/id.pub\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n`,
    );
    const own =
      'mount -t tmpfs -o size=4m,mode=700 none /root && mount -t tmpfs -o size=4m,mode=700 none /var/lib/belay';
    const script = `${accounts.within(own, accounts.ofHosts)} && mount --bind "$1.id" /etc/machine-id && exec ${sshd} -D -f "$1.conf" -E "$1.log"`;
    servers.push(spawn('unshare', ['--mount', '--uts', 'sh', '-c', script, 'sh', at], { stdio: 'ignore' }));
  });
  writeFileSync(
    join(folder, 'known_hosts'),
    names.map((_, index) => `[127.0.0.1]:${firstPort + index} ${type} ${hostKey}\n`).join(''),
  );
  for (let index = 0; index < names.length; index += 1) await greets(firstPort + index);
}

async function greets(port: number): Promise<void> {
  for (let attempt = 0; attempt < greetTries; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const hasGreeted = await Promise.race([
      once(socket, 'data').then(
        () => true,
        () => false,
      ),
      once(socket, 'close').then(
        () => false,
        () => false,
      ),
    ]);
    socket.destroy();
    if (hasGreeted) return;
    await delay(50);
  }
  throw new Error(`the sshd on port ${port} did not come up`);
}

function measure(program: string, folder: string, names: readonly string[], accounts: Accounts): Bare {
  const address = (index: number) => ({
    address: '127.0.0.1',
    port: firstPort + index,
    user: 'root',
    identityFile: join(folder, 'id'),
    knownHostsFile: join(folder, 'known_hosts'),
  });
  const hosts = Object.fromEntries(names.map((name, index) => [name, address(index)]));
  writeFileSync(join(folder, 'belay.yaml'), JSON.stringify({ keyExchange: [kex], hosts }));
  writeFileSync(join(folder, 'ports'), names.map((_, index) => `${firstPort + index}\n`).join(''));
  const options = `-F none -i ${folder}/id -o IdentitiesOnly=yes -o UserKnownHostsFile=${folder}/known_hosts -o KexAlgorithms=${kex} -o BatchMode=yes`;
  const loop = (command: string): string =>
    `xargs -P20 -I{} ssh ${options} -p {} root@127.0.0.1 ${command} <${folder}/ports`;
  const sides = coldSides(program, folder, names, loop);
  interleaved(accounts, Object.values(sides), rounds);
  const { text: told, ratio } = coldText(sides);
  const text = `One command on ${names.length} bare hosts (sshd alone, in mount and name spaces of its own), no connection open, ${kex} on both sides, medians of ${rounds} rounds at commit ${commitNow()} (load of the machine: ${(loadavg()[0] ?? 0).toFixed(0)}). ${told}`;
  console.log(text);
  return { text, holds: ratio <= ratioMax };
}
