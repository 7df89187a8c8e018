/** The saved sandbox: what was done is there for the next process, and a killed process leaves all of an effect or none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorldState } from '../../src/world/index.ts';
import { newWorld, openWorld, sandboxAws, sandboxIds, WorldFileFailure } from '../../src/world/index.ts';
import { fakeClock } from './fake-clock.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-world-'));
  file = join(folder, 'sandbox', 'world.json');
});
afterEach(() => rm(folder, { recursive: true }));

const open = () => openWorld({ file, ...fakeClock() });
const snapshot = { service: 'ec2', operation: 'CreateSnapshot', params: { VolumeId: sandboxIds.db1Data } };
const saved = async (): Promise<WorldState> => JSON.parse(await readFile(file, 'utf8')) as WorldState;

describe('a saved world', () => {
  it('begins as the one that a newcomer meets, readable by its owner only', async () => {
    const world = await open();
    expect(world.look()).toEqual(newWorld());
    expect(await saved()).toEqual(newWorld());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('is found again as it was left', async () => {
    const world = await open();
    await sandboxAws(world).call(snapshot);
    expect((await open()).look()).toEqual(world.look());
    expect(Object.keys((await saved()).snapshots)).toHaveLength(1);
  });

  it('keeps nothing of a change that failed', async () => {
    const world = await open();
    const failing = world.change((state) => {
      state.instances = {};
      throw new Error('half-way');
    });
    await expect(failing).rejects.toThrow('half-way');
    expect(world.look()).toEqual(newWorld());
    expect(await saved()).toEqual(newWorld());
  });

  it('shows a change of another process, and adds to it', async () => {
    const [one, other] = [await open(), await open()];
    await sandboxAws(one).call(snapshot);
    expect(Object.keys(other.look().snapshots)).toHaveLength(1);
    await sandboxAws(other).call(snapshot);
    expect(Object.keys(one.look().snapshots)).toHaveLength(2);
  });

  it('makes changes that are asked for at once one after the other', async () => {
    const world = await open();
    const aws = sandboxAws(world);
    const replies = await Promise.all(Array.from({ length: 4 }, () => aws.call(snapshot)));
    expect(new Set(replies.map((reply) => reply['SnapshotId'])).size).toBe(4);
    expect(Object.keys((await saved()).snapshots)).toHaveLength(4);
  });

  it.each([
    ['{ half', 'cannot be read'],
    ['{"format": 99}', 'is not a sandbox'],
  ])('that is damaged is refused with what to do: %s', async (text, message) => {
    await open();
    await writeFile(file, text);
    const failure = await open().catch((error: unknown) => error);
    if (!(failure instanceof WorldFileFailure)) throw new Error(`it was opened: ${String(failure)}`);
    expect(failure.message).toContain(file);
    expect(failure.message).toContain(message);
    expect(failure.message).toContain('Delete the file');
  });
});

describe('a process that is killed', () => {
  it('leaves a whole world behind, with every effect that it reported', async () => {
    const program = `
      import { openWorld } from ${JSON.stringify(new URL('../../src/world/index.ts', import.meta.url).href)};
      const world = await openWorld({ file: process.argv[1], now: () => 1e12 });
      for (let round = 1; ; round += 1) {
        await world.change((state) => { state.serial = round; state.tags.round = { round: String(round) }; });
        process.stdout.write(round + '\\n');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let reported = '';
    child.stdout.on('data', (chunk: Buffer) => {
      reported += chunk.toString();
      if (reported.split('\n').length > 20) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const last = Number(reported.trim().split('\n').at(-1));
    const state = await saved();
    expect(last).toBeGreaterThanOrEqual(20);
    // The change under way when it was killed may have been saved, but no more than that one, and all of it.
    expect([last, last + 1]).toContain(state.serial);
    expect(state.tags['round']).toEqual({ round: String(state.serial) });
    expect((await open()).look().serial).toBe(state.serial);
  });

  it('leaves a half-written file that is cleared away, unless its writer lives', async () => {
    await open();
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'close');
    const mine = `world.json.${process.pid}.new`;
    for (const name of [`world.json.${ended.pid}.new`, mine, 'notes.new'])
      await writeFile(join(folder, 'sandbox', name), '{');
    await open();
    expect(await readdir(join(folder, 'sandbox'))).toEqual(['notes.new', 'world.json', mine]);
  });
});
