/** A gigabyte of output of one command over ssh: it streams to the log, whole, and the runner stays small. */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSshLab, noSshd, type SshLab } from '../../transports/hosts/sshd.ts';
import { Desk, idOf, type Going } from '../../support/command-line.ts';

const bytes = 1024 ** 3;
const lineLength = 120;
const lineFeeds = Math.ceil(bytes / lineLength) - 1;
const runnerBytesMax = 200 * 1024 ** 2;
/** The output is written once on the host and once in the log, both of them this machine's. */
const roomBytes = 2.5 * bytes;

const reason = noSshd ?? noRoom();

function noRoom(): string | undefined {
  for (const folder of [tmpdir(), '/var/tmp']) {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < roomBytes) return `${folder} has less than ${roomBytes / 1024 ** 3} GiB left`;
  }
  return undefined;
}

describe.skipIf(reason)(`a gigabyte${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let ssh: SshLab;
  let desk: Desk;

  beforeAll(async () => {
    ssh = makeSshLab();
    const server = await ssh.start();
    ssh.know(server);
    desk = new Desk();
    desk.write('belay.yaml', {
      hosts: {
        loud: {
          address: '127.0.0.1',
          port: server.port,
          user: userInfo().username,
          identityFile: ssh.identityFile,
          knownHostsFile: ssh.knownHosts,
        },
      },
    });
    desk.write('loud.yaml', {
      schemaVersion: '0.3',
      parameters: { Password: { type: 'String', secret: true } },
      mainSteps: [
        {
          name: 'Shout',
          action: 'host:command',
          inputs: {
            Host: 'loud',
            Script: `head -c ${bytes} /dev/zero | tr '\\0' x | fold -w ${lineLength}`,
            Env: { PASSWORD: '{{ Password }}' },
            ShowOutput: true,
          },
          undo: { none: 'it only prints' },
        },
      ],
    });
  });
  afterAll(async () => {
    desk?.[Symbol.dispose]();
    await ssh?.close();
  });

  test('of output is in the log whole, a secret is looked for in all of it, and the runner stays below 200 MiB', async () => {
    const startedAt = performance.now();
    const going = desk.start(['run', 'loud.yaml', '--secret', 'Password=env:PW'], {
      env: { PW: 'xyzzy plugh 42' },
    });
    const peakBytes = await peakOf(going);
    const said = await going.said;
    const seconds = (performance.now() - startedAt) / 1000;
    expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: said.stderr });

    const logs = join(desk.state, 'executions', idOf(said), 'logs');
    const [name = ''] = readdirSync(logs).filter((file) => file.endsWith('.stdout'));
    expect(statSync(join(logs, name)).size).toBe(bytes + lineFeeds);
    expect(await sha256(join(logs, name))).toBe(expectedSha256());
    expect(peakBytes).toBeLessThan(runnerBytesMax);
    expect(peakBytes).toBeGreaterThan(0);
    console.log(
      `1 GiB in ${seconds.toFixed(1)} s (${(bytes / 1024 ** 2 / seconds).toFixed(0)} MiB/s), runner at most ${(peakBytes / 1024 ** 2).toFixed(0)} MiB`,
    );
    rmSync(logs, { recursive: true });
  }, 180_000);
});

/** The most memory that the process ever held (VmHWM). */
async function peakOf(going: Going): Promise<number> {
  let peak = 0;
  while (going.process.exitCode === null && going.process.signalCode === null) {
    peak = Math.max(peak, highWaterBytes(going.pid));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return peak;
}

function highWaterBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Of what the command prints, made here. */
function expectedSha256(): string {
  const hash = createHash('sha256');
  const lines = 8192;
  const block = Buffer.from(`${'x'.repeat(lineLength)}\n`.repeat(lines));
  const whole = Math.floor(lineFeeds / lines);
  for (let done = 0; done < whole; done += 1) hash.update(block);
  const left = bytes + lineFeeds - whole * block.length;
  hash.update(`${'x'.repeat(lineLength)}\n`.repeat(lines).slice(0, left));
  return hash.digest('hex');
}
