/** A primary with standbys that stream from it, on database hosts of the lab, and a writer that knows what was acknowledged. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { labWorld, type LabWorld } from '../../lab/world.ts';
import { BelayCommand, shownFrom, type CommandEnd, type Shown } from '../patch/command.ts';
import { packages, unit } from '../patch/stage.ts';
import { isThorough, pick } from '../sample.ts';

/** Of the two files that need replicas CI takes one, for one case of it. Undefined: this one. */
export function notDrawn(file: 'patched' | 'cut off'): string | undefined {
  const isDrawn = isThorough || pick('a primary with two standbys, at all', ['patched', 'cut off']) === file;
  return isDrawn ? undefined : 'not drawn; BELAY_FAULTS=all runs it';
}

export const primary = 'db1';
export const standbys = ['db2', 'db3'];
/** First, as the first line that fits counts. */
const trusts =
  "grep -q '^host all,replication all 10' /etc/postgresql/15/main/pg_hba.conf || sed -i '1i host all,replication all 10.0.0.0/8 trust' /etc/postgresql/15/main/pg_hba.conf";
/** Writes to whichever server is the primary. */
const writer = 'db3';
const data = '/var/lib/postgresql/15/main';

export interface Replicas {
  readonly world: LabWorld;
  readonly versions: { readonly old: string; readonly new: string };
  begin(args: readonly string[]): BelayCommand;
  belay(args: readonly string[]): Promise<CommandEnd>;
  show(): Promise<Shown>;
  runbook(name: string, text: string): Promise<string>;
  /** By root, past Belay. Throws when it fails. */
  onHost(host: string, script: string, stdin?: string): Promise<string>;
  sql(host: string, text: string): Promise<string>;
  /** The old packages everywhere, every server up, every standby streaming. */
  reset(): Promise<void>;
  /** Writes to whichever of the hosts is a primary, to all of them where none are named. */
  startWriter(hosts?: readonly string[]): Promise<void>;
  /** The hosts whose server runs and is none of the standbys. */
  primaries(): Promise<readonly string[]>;
  /** Ends the writer; acknowledged numbers that a server does not have, when it has caught up. */
  lost(host: string): Promise<string>;
  acknowledged(): Promise<number>;
  down(): Promise<void>;
}

export async function raiseReplicas(): Promise<Replicas> {
  const world = await labWorld({ hosts: ['b1', primary, ...standbys] });
  const folder = await mkdtemp(join(tmpdir(), 'belay-replicas-'));
  const commands: BelayCommand[] = [];
  const { lab } = world;
  const down = async (): Promise<void> => {
    await Promise.all(commands.map((command) => command.end()));
    await world.down();
    await rm(folder, { recursive: true, force: true });
  };
  const onHost = async (host: string, script: string, stdin?: string): Promise<string> => {
    const done = await lab.exec(host, script, stdin === undefined ? {} : { stdin });
    if (done.code !== 0) throw new Error(`${host}: ${script}\nended with ${done.code}: ${done.stderr}`);
    return done.stdout.trim();
  };
  const sql = (host: string, text: string): Promise<string> =>
    onHost(host, 'cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1', text);
  const all = [primary, ...standbys];
  try {
    const served = await lab.postgresqlVersions();
    await onHost(
      primary,
      `printf "listen_addresses = '*'\\nwal_log_hints = on\\nwal_keep_size = 256MB\\nhot_standby = on\\n" >/etc/postgresql/15/main/conf.d/replicas.conf
       ${trusts}
       systemctl restart ${unit}`,
    );
    const copy = async (host: string, index: number): Promise<void> => {
      await onHost(
        host,
        `printf "listen_addresses = '*'\\nwal_log_hints = on\\nwal_keep_size = 256MB\\n" >/etc/postgresql/15/main/conf.d/replicas.conf
         ${trusts}
         systemctl stop ${unit} && rm -rf ${data} ${data}.before-*
         cd / && runuser -u postgres -- pg_basebackup -h ${lab.address(primary)} -D ${data} -R -X stream -c fast -C -S slot${index}
         systemctl start ${unit}`,
      );
    };
    for (const [index, host] of standbys.entries()) await copy(host, index);
    const inventory = { hosts: world.inventory.hosts, groups: { postgres: all } };
    await writeFile(join(folder, 'belay.yaml'), stringify(inventory));
    await sql(primary, 'create table acks (n int primary key)');
    const env = { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8', XDG_CONFIG_HOME: folder };
    const begin = (args: readonly string[]): BelayCommand => {
      const command = new BelayCommand([...args, '--state', join(folder, 'state')], { cwd: folder, env });
      commands.push(command);
      return command;
    };
    // A case that ran out of time would hold the lock of the cluster against all others.
    const endLeft = async (): Promise<void> => {
      const left = commands.filter(({ isRunning }) => isRunning);
      await Promise.all(left.map((command) => command.end()));
      if (left.length === 0) return;
      const { executionId } = shownFrom((await begin(['show', '--json']).ended).stdout);
      await begin(['discard', executionId, '--why', 'its case ran out of time']).ended;
    };
    return {
      world,
      versions: { old: served.old, new: served.new },
      begin,
      belay: (args) => begin(args).ended,
      show: async () => shownFrom((await begin(['show', '--json']).ended).stdout),
      runbook: async (name, text) => {
        const file = join(folder, name);
        await writeFile(file, text);
        return file;
      },
      onHost,
      sql,
      reset: async () => {
        await endLeft();
        await onHost(writer, 'touch /root/stop; systemctl stop belay-writer 2>/dev/null; true');
        for (const host of all) {
          await lab.publish(host, 'old');
          const names = packages.map((name) => `${name}=${served.old}`).join(' ');
          await onHost(
            host,
            `export DEBIAN_FRONTEND=noninteractive
             [ "$(dpkg-query -W -f '\${Version}' postgresql-15)" = '${served.old}' ] ||
               { apt-get -qq update && apt-get -qq -y --allow-downgrades install ${names} >/dev/null 2>&1; }
             systemctl start ${unit}`,
          );
          await lab.publish(host, 'new');
        }
        // A case that has failed in the midst of a switchover leaves other roles behind.
        if ((await sql(primary, 'select pg_is_in_recovery()')) === 't')
          await sql(primary, 'select pg_promote(true, 60)');
        for (const [index, host] of standbys.entries()) {
          const follows = `select count(*) from pg_stat_wal_receiver where status = 'streaming' and sender_host = '${lab.address(primary)}'`;
          let isFollowing = false;
          for (let tries = 0; tries < 20 && !isFollowing; tries += 1) {
            isFollowing = (await sql(host, follows).catch(() => '0')) === '1';
            if (!isFollowing) await delay(500);
          }
          if (isFollowing) continue;
          await sql(
            primary,
            `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'slot${index}' and not active`,
          );
          await copy(host, index);
        }
        await sql(primary, 'truncate acks');
      },
      primaries: async () => {
        const said = await Promise.all(
          all.map(async (host) =>
            (await sql(host, 'select pg_is_in_recovery()').catch(() => '')) === 'f' ? host : '',
          ),
        );
        return said.filter((host) => host !== '');
      },
      startWriter: async (hosts = all) => {
        await onHost(
          writer,
          `: >/root/acked; rm -f /root/stop
           cat >/root/writer.sh <<'END'
n=0
while [ ! -e /root/stop ] && [ $n -lt 100000 ]; do
  n=$((n + 1))
  psql -XAtq -d '${hosts
    .map((host) => `host=${lab.address(host)}`)
    .join(' ')
    .replaceAll(
      ' host=',
      ',',
    )} user=postgres connect_timeout=2 target_session_attrs=read-write' -c "insert into acks values ($n)" >/dev/null 2>&1 && echo $n >>/root/acked
  sleep 0.05
done
END
           systemctl stop belay-writer 2>/dev/null; systemctl reset-failed belay-writer 2>/dev/null
           systemd-run -q --collect --unit belay-writer sh /root/writer.sh`,
        );
      },
      lost: async (host) => {
        await onHost(writer, 'touch /root/stop; systemctl stop belay-writer 2>/dev/null; true');
        const acked = (await onHost(writer, 'cat /root/acked')).split('\n').filter(Boolean);
        for (let tries = 0; tries < 60; tries += 1) {
          const have = new Set((await sql(host, 'select n from acks')).split('\n'));
          const missing = acked.filter((n) => !have.has(n));
          if (missing.length === 0) return '';
          if (tries === 59) return missing.join(' ');
          await delay(500);
        }
        return 'nothing was read';
      },
      acknowledged: async () => Number(await onHost(writer, 'wc -l </root/acked')),
      down,
    };
  } catch (error) {
    await down();
    throw error;
  }
}
