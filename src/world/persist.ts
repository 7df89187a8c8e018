/** The sandbox's state on disk: one file, replaced as a whole, so that a killed run finds what it last did. */
import { readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { newWorld } from './seed.ts';
import type { WorldState } from './state.ts';
import { makeWorld, type Clock, type World } from './world.ts';

/** Why the saved world cannot be used or kept. `message` is a sentence for the operator. */
export class WorldFileFailure extends Error {
  override readonly name = 'WorldFileFailure';
}

/**
 * Opens the world saved in the file, or begins a new one there. Every change is on disk, by fsync and rename, before
 * it counts. Not for two writers at once: a change made by another process is seen, two at the same instant are not.
 * Rejects with WorldFileFailure.
 */
export async function openWorld(options: Clock & { readonly file: string }): Promise<World> {
  const { file } = options;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await sweep(file);
  let known = fingerprint(file);
  const saved = known === undefined ? undefined : load(file);
  const keeper = {
    newer: () => {
      const found = fingerprint(file);
      if (found === undefined || found === known) return undefined;
      known = found;
      return load(file);
    },
    save: async (state: WorldState) => {
      await replace(file, JSON.stringify(state));
      known = fingerprint(file);
    },
  };
  if (saved === undefined) await keeper.save(newWorld());
  return makeWorld(saved ?? load(file), options, keeper);
}

/** What changes whenever the file is replaced. */
function fingerprint(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}

function load(file: string): WorldState {
  let state: unknown;
  try {
    state = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new WorldFileFailure(
      `The sandbox's state ${file} cannot be read: ${String(error)}. Delete the file to begin with a new sandbox.`,
      { cause: error },
    );
  }
  if (!isWorldState(state))
    throw new WorldFileFailure(
      `${file} is not a sandbox's state of format 1. Delete the file to begin with a new sandbox.`,
    );
  return withLaterKinds(state);
}

/** What the sandbox has learned to model since the file was written is not in there yet. */
function withLaterKinds(state: WorldState): WorldState {
  const { images } = newWorld();
  return { ...state, images: state.images ?? images, stacks: state.stacks ?? {} };
}

function isWorldState(value: unknown): value is WorldState {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === 1;
}

/** Removes what processes left that were killed while they saved. */
async function sweep(file: string): Promise<void> {
  for (const name of await readdir(dirname(file))) {
    const [, rest] = name.split(`${basename(file)}.`);
    const pid = /^(\d+)\.new$/.exec(rest ?? '')?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(dirname(file), name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.${process.pid}.new`;
  try {
    // The state may hold what a runbook put into files and parameters: for its owner only.
    const handle = await open(next, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
    const folder = await open(dirname(file), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await rm(next, { force: true });
    throw new WorldFileFailure(`The sandbox's state could not be saved to ${file}: ${String(error)}.`, {
      cause: error,
    });
  }
}
