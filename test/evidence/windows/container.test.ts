/**
 * The container recipe of docs/windows.md, held as far as a machine without registries can hold it: what it copies is what `npm pack`
 * writes, and its command, its environment, its health check and its stop signal do what the page says. Nothing is built here.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../lab/endpoint/moto.ts';
import { BelayFolder } from '../../cli/belay-process.ts';
import { until } from './project.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const recipe = /```dockerfile\n([\s\S]*?)```/.exec(
  readFileSync(join(root, 'docs', 'windows.md'), 'utf8'),
)?.[1];
/** The words behind an instruction, each time that it comes. */
const saidOf = (instruction: string): string[] =>
  [...(recipe ?? '').matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].map(([, words = '']) => words);
const listOf = (words: string | undefined): string[] => JSON.parse(words ?? '') as string[];

let folder: BelayFolder;
beforeEach(() => (folder = new BelayFolder()));
afterEach(() => folder.clear());

test('copies what npm pack writes, and starts from a Node that Belay runs on', () => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
  ) as { filename: string }[];
  const [copied] = saidOf('COPY');
  const [from = '', to = ''] = copied?.split(' ') ?? [];
  const pattern = new RegExp(`^${from.replaceAll('.', String.raw`\.`).replaceAll('*', '.*')}$`);
  expect(packed?.filename).toMatch(pattern);
  // It is installed from where it was copied to.
  expect(recipe).toContain(`npm install --global ${to}${from}`);
  const { engines, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    engines: { node: string };
    bin: Record<string, string>;
  };
  const major = Number(/^node:(\d+)-slim$/.exec(saidOf('FROM')[0] ?? '')?.[1]);
  expect(major).toBeGreaterThanOrEqual(Number(/\d+/.exec(engines.node)?.[0]));
  expect(Object.keys(bin)).toContain(listOf(saidOf('CMD')[0])[0]);
  // Node collects no process but its own children, and runs of a daemon outlive theirs.
  const [init = ''] = listOf(saidOf('ENTRYPOINT')[0]);
  expect(saidOf('RUN')[0]).toMatch(new RegExp(`install .*\\b${init}\\b`));
});

test('its command leads the state folder of its environment, is found healthy, and ends at its stop signal', async () => {
  const port = String(await freePort());
  const [, ...args] = listOf(saidOf('CMD')[0]).map((word) => word.replace('9464', port));
  const [, , program = ''] = listOf(saidOf('HEALTHCHECK')[0]?.replace(/^CMD /, ''));
  expect(saidOf('HEALTHCHECK')[0]).toContain('http://127.0.0.1:9464/healthz');
  expect(saidOf('ENV')).toEqual([`BELAY_STATE=${saidOf('VOLUME')[0]}`]);
  mkdirSync(join(folder.dir, 'windows'));
  const run = promisify(execFile);
  const isHealthy = (): Promise<boolean> =>
    run(process.execPath, ['-e', program.replace('9464', port)]).then(
      () => true,
      () => false,
    );
  expect(await isHealthy()).toBe(false);
  const daemon = folder.start(args);
  let log = '';
  daemon.child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until('the daemon', () => log.includes('"leads"'));
  expect(await isHealthy()).toBe(true);
  daemon.child.kill(saidOf('STOPSIGNAL')[0] as NodeJS.Signals);
  expect((await daemon.ended).code).toBe(0);
}, 120_000);
