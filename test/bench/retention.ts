/** minio:lifecycle over 500 buckets with a million objects: how long Belay takes, and what memory. The server answers at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { lifecycle } from '../../src/actions/minio/lifecycle.ts';
import { localHost } from '../../src/transports/hosts/local.ts';
import { run } from '../support/action-bed.ts';
import { note } from './report.ts';

const bucketCount = 500;
const objectsEach = 2_000;
const secondsMax = 300;
const megabytesMax = 200;

export async function benchRetention(): Promise<boolean> {
  const file = join(import.meta.dirname, 'retention-server.ts');
  const server = spawn(process.execPath, [file, String(bucketCount), String(objectsEach)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [first] = (await once(server.stdout, 'data')) as [Buffer];
    const host = localHost({ name: 'n1', transport: 'local', become: 'none', tags: {} });
    const inputs = {
      Hosts: ['n1'],
      Tls: false,
      Port: Number(first.toString()),
      AccessKey: 'bench',
      SecretKey: 'benchsecret',
      Days: 1_825,
      OlderThanDays: 1_830,
    };
    const before = process.memoryUsage.rss();
    let most = before;
    const sampling = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 50);
    const begunAt = performance.now();
    const { ending } = await run(lifecycle, inputs, {
      hosts: { n1: host },
      timeoutMs: 2 * secondsMax * 1_000,
    });
    clearInterval(sampling);
    const seconds = (performance.now() - begunAt) / 1_000;
    const megabytes = (most - before) / 1e6;
    const isRight = ending.kind === 'done' && ending.outputs['Buckets'] === bucketCount;
    return note({
      what: `retention of ${bucketCount} buckets with ${bucketCount * objectsEach} objects, by a server that answers at once`,
      before: null,
      now: `${seconds.toFixed(0)} s, ${megabytes.toFixed(0)} MB more than before${isRight ? '' : `, and wrong: ${JSON.stringify(ending).slice(0, 200)}`}`,
      limit: `at most ${secondsMax} s and ${megabytesMax} MB`,
      holds: isRight && seconds <= secondsMax && megabytes <= megabytesMax,
    });
  } finally {
    server.kill();
  }
}
