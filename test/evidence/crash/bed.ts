/** What the series stand on: hosts behind the bastion that are instances of the lab's AWS endpoint, and a belay.yaml that names them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Belay, type StartRequest } from '../../../src/runtime/belay.ts';
import { labWorld, type LabWorldWithAws } from '../../lab/world.ts';

export interface Bed {
  readonly world: LabWorldWithAws;
  readonly folder: string;
  /** What a runner needs of the environment; nothing of this machine's AWS. */
  readonly env: Readonly<Record<string, string>>;
  /** Belay over the state folder of that name. Closed by `down`. */
  belay(state: string, way?: Way): Belay;
  down(): Promise<void>;
}

export type Way = 'ssh' | 'ssm';

/** Hosts are reached over ssh through b1, or over SSM; state folders of the two ways are apart, as their belay.yaml are. */
export async function raiseBed(hosts: readonly string[]): Promise<Bed> {
  const world = await labWorld({ hosts: ['b1', ...hosts], aws: true });
  const folder = mkdtempSync(join(tmpdir(), 'belay-crash-'));
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: folder,
    TMPDIR: tmpdir(),
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
    ...world.env,
  };
  // What Belay asks AWS in this process, before an execution begins.
  const ownEnv = { ...process.env };
  Object.assign(process.env, world.env);
  const opened = new Map<string, Belay>();
  writeInventories(world, folder);
  return {
    world,
    folder,
    env,
    belay: (state, way = 'ssh') => {
      const stateDir = join(folder, way, state);
      const known = opened.get(stateDir);
      if (known !== undefined) return known;
      const stdin = () => Promise.resolve('');
      const belay = new Belay({ state: stateDir, cwd: join(folder, way), env, stdin });
      opened.set(stateDir, belay);
      return belay;
    },
    down: async () => {
      for (const belay of opened.values()) belay.close();
      for (const name of Object.keys(world.env)) {
        if (ownEnv[name] === undefined) delete process.env[name];
        else process.env[name] = ownEnv[name];
      }
      rmSync(folder, { recursive: true, force: true });
      await world.down();
    },
  };
}

function writeInventories(world: LabWorldWithAws, folder: string): void {
  const write = (way: Way, hosts: Record<string, object>): void => {
    mkdirSync(join(folder, way));
    writeFileSync(join(folder, way, 'belay.yaml'), stringify({ hosts }));
  };
  const ssh: Record<string, object> = {};
  const ssm: Record<string, object> = {};
  for (const [name, entry] of Object.entries(world.inventory.hosts)) {
    ssh[name] = name === 'b1' ? entry : { ...entry, via: 'b1' };
    ssm[name] = { transport: 'ssm', instanceId: entry.instanceId };
  }
  write('ssh', ssh);
  write('ssm', ssm);
}

/** Writes an execution down, as `belay run` does before anything begins. */
export async function start(
  belay: Belay,
  file: string,
  texts: Readonly<Record<string, string>>,
  more: Partial<StartRequest> = {},
): Promise<string> {
  const { id } = await belay.start({ file, texts, values: {}, secrets: {}, sandbox: false, ...more });
  return id;
}
