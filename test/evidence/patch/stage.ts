/**
 * What the evidence happens on: db1 with PostgreSQL on a volume of its own, in the private network behind b1, and the AWS
 * endpoint in which both are instances. One stage per test file; `reset` makes it new for the next case.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { CallEntry, EffectEntry } from '../../lab/endpoint/journal.ts';
import { labWorld, type LabWorldWithAws } from '../../lab/world.ts';
import { BelayCommand, shownFrom, type CommandEnd, type Shown } from './command.ts';

export const packages = ['postgresql-15', 'postgresql-client-15', 'libpq5'];
export const unit = 'postgresql@15-main';
export const mount = '/var/lib/postgresql';
/** What moto calls everybody who has not assumed a role. */
export const callerArn = 'arn:aws:sts::123456789012:user/moto';

const rowCount = 50_000;
/** The number of rows and a digest over all of them, in an order that the data itself gives. */
export const dataQuery =
  "select count(*) || ' ' || md5(string_agg(md5(t::text), '' order by t.id)) from accounts t";
const makeRows = `drop table if exists accounts;
create table accounts as
  select id, md5(id::text) as owner, (id * 7919) % 10007 as balance from generate_series(1, ${rowCount}) id;
alter table accounts add primary key (id);
`;

export interface Stage {
  readonly world: LabWorldWithAws;
  /** Full versions of the packages, as dpkg writes them, and what the server itself says then. */
  readonly versions: { readonly old: Version; readonly new: Version };
  /** What `dataQuery` answers while nobody has hurt the data. */
  readonly soundData: string;
  /** The old packages, the server up, all rows there, and the new version in the repository. */
  reset(): Promise<void>;
  /** A command in front. `inventory` is the belay.yaml that it finds; null: there is none. */
  begin(args: readonly string[], inventory?: Inventory | null): BelayCommand;
  belay(args: readonly string[], inventory?: Inventory | null): Promise<CommandEnd>;
  /** The latest execution. */
  show(): Promise<Shown>;
  /** A runbook's text as a file. */
  runbook(name: string, text: string): Promise<string>;
  /** By root on db1, past Belay, ssh and the agent. Throws when it fails. */
  onHost(script: string): Promise<string>;
  serverVersion(): Promise<string>;
  /** What `dataQuery` answers now. */
  data(): Promise<string>;
  /** Upgrades and downgrades of postgresql-15 in dpkg's own log since the last reset: `15.18-0+deb12u1 → 15.20-0+deb12u1`. */
  dpkgLog(): Promise<string[]>;
  /** The volume that lies below the data now. */
  dataVolume(): string;
  /** Calls of the endpoint's journal since the last reset. */
  calls(operation: string): CallEntry[];
  effects(effect: EffectEntry['effect']): EffectEntry[];
  hasSnapshot(id: string): Promise<boolean>;
  down(): Promise<void>;
}

export interface Version {
  readonly full: string;
  readonly server: string;
}

export type Inventory = { readonly hosts: Readonly<Record<string, object>> };

export async function raiseStage(): Promise<Stage> {
  const world = await labWorld({ hosts: ['b1', 'db1'], aws: true });
  const folder = await mkdtemp(join(tmpdir(), 'belay-patch-'));
  const commands: BelayCommand[] = [];
  const down = async (): Promise<void> => {
    await Promise.all(commands.map((command) => command.end()));
    await world.down();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return await makeStage(world, folder, commands, down);
  } catch (error) {
    await down();
    throw error;
  }
}

async function makeStage(
  world: LabWorldWithAws,
  folder: string,
  commands: BelayCommand[],
  down: () => Promise<void>,
): Promise<Stage> {
  const { lab, endpoint } = world;
  const served = await lab.postgresqlVersions();
  if (served.old === served.new)
    throw new Error(
      `the lab's repository has one build of PostgreSQL only (${served.old}): nothing can be patched`,
    );
  const state = join(folder, 'state');
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    XDG_CONFIG_HOME: folder,
    ...world.env,
  };
  const since = { journal: 0, dpkg: 0 };
  const places = new Map<Inventory | null, string>();

  const onHost = async (script: string, stdin?: string): Promise<string> => {
    const done = await lab.exec('db1', script, stdin === undefined ? {} : { stdin });
    if (done.code !== 0) throw new Error(`db1: ${script}\nended with ${done.code}: ${done.stderr}`);
    return done.stdout.trim();
  };
  const sql = (text: string): Promise<string> =>
    onHost('cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1', text);
  const serverVersion = async (): Promise<string> => (await sql('show server_version')).split(' ')[0] ?? '';
  const installed = (): Promise<string> =>
    onHost(`dpkg-query -W -f '\${Version} \${db:Status-Abbrev},' ${packages.join(' ')}`);
  const dpkgLines = async (): Promise<string[]> =>
    (await onHost('grep " upgrade postgresql-15:" /var/log/dpkg.log || true')).split('\n').filter(Boolean);

  const placeOf = (inventory: Inventory | null): string => {
    const known = places.get(inventory);
    if (known !== undefined) return known;
    const place = join(folder, `place-${places.size}`);
    mkdirSync(place);
    if (inventory !== null) writeFileSync(join(place, 'belay.yaml'), stringify(inventory));
    places.set(inventory, place);
    return place;
  };
  const begin = (args: readonly string[], inventory: Inventory | null = null): BelayCommand => {
    const command = new BelayCommand([...args, '--state', state], { cwd: placeOf(inventory), env });
    commands.push(command);
    return command;
  };

  const install = async (version: string): Promise<void> => {
    await lab.publish('db1', 'old');
    const names = packages.map((name) => `${name}=${version}`).join(' ');
    await onHost(
      `export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && apt-get -qq -y --allow-downgrades install ${names} >/dev/null 2>&1`,
    );
  };
  const show = async () => shownFrom((await begin(['show', '--json']).ended).stdout);
  // A case that has failed half-way would hold the host against all others, and against its own second try.
  const endLeft = async (): Promise<void> => {
    await Promise.all(commands.map((command) => command.end()));
    const wasCut = commands.splice(0).some(({ wasEnded }) => wasEnded);
    if (!wasCut) return;
    const { executionId, status, rollbackStatus } = await show();
    if (status !== 'Success' && !['clean', 'partial'].includes(rollbackStatus))
      await begin(['discard', executionId, '--why', 'its case has failed']).ended;
  };
  await sql(makeRows);
  const soundData = await sql(dataQuery);

  return {
    world,
    versions: { old: versionOf(served.old), new: versionOf(served.new) },
    soundData,
    reset: async () => {
      await endLeft();
      if ((await installed()) !== packages.map(() => `${served.old} ii ,`).join(''))
        await install(served.old);
      await onHost(`systemctl start ${unit}`);
      if ((await sql(dataQuery).catch(() => 'none')) !== soundData) await sql(makeRows);
      await lab.publish('db1', 'new');
      since.journal = endpoint.journal.entries().length;
      since.dpkg = (await dpkgLines()).length;
    },
    begin,
    belay: (args, inventory) => begin(args, inventory).ended,
    show,
    runbook: async (name, text) => {
      const file = join(folder, name);
      await writeFile(file, text);
      return file;
    },
    onHost,
    serverVersion,
    data: () => sql(dataQuery),
    dpkgLog: async () =>
      (await dpkgLines()).slice(since.dpkg).map((line) => line.split(' ').slice(-2).join(' → ')),
    dataVolume: () => world.volumeId('db1', mount),
    calls: (operation) => endpoint.journal.calls(operation).filter(({ seq }) => seq > since.journal),
    effects: (effect) => endpoint.journal.effects(effect).filter(({ seq }) => seq > since.journal),
    hasSnapshot: async (id) => (await lab.volumes.list()).snapshots.some(({ name }) => name === id),
    down,
  };
}

const versionOf = (full: string): Version => ({ full, server: full.split('-')[0] ?? full });
