/** runbooks/patch-postgresql.yaml on a database host: patched, or climbing down with the data put back from the snapshot. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shipped, withAccident } from '../patch/runbooks.ts';
import { start, type Bed } from './bed.ts';
import { storyOf, type Story } from './oracle.ts';
import type { Subject } from './series.ts';

const packages = 'postgresql-15 postgresql-client-15 libpq5';
/** What moto calls everybody. */
const callerArn = 'arn:aws:sts::123456789012:user/moto';

const dataQuery = 'select count(*) from rows';
/** For the climb half of the rows go while the server is patched, and an approver sends the data back to the snapshot. */
const hurtHalf = "cd / && runuser -u postgres -- psql -XAtqc 'delete from rows where id % 2 = 0'";

export function postgresql(bed: Bed, ending: 'patched' | 'climbing'): Subject {
  const { world } = bed;
  const runbook = (): string => {
    if (ending === 'patched') return shipped;
    const file = join(bed.folder, 'climbing.yaml');
    writeFileSync(file, withAccident(hurtHalf));
    return file;
  };
  const stories = new Map<string, () => Story>();
  const onHost = async (host: string, script: string): Promise<string> => {
    const { code, stdout, stderr } = await world.lab.exec(host, script);
    if (code !== 0) throw new Error(`${host}: ${script} ended with ${code}: ${stderr}`);
    return stdout.trim();
  };
  const sql = (host: string, text: string): Promise<string> =>
    onHost(host, `cd / && runuser -u postgres -- psql -XAtqc "${text}"`);
  return {
    way: 'ssh',
    reset: async (host) => {
      const versions = await world.lab.postgresqlVersions();
      await world.lab.publish(host, 'new');
      const wanted = packages
        .split(' ')
        .map((name) => `${name}=${versions.old}`)
        .join(' ');
      await onHost(
        host,
        `export DEBIAN_FRONTEND=noninteractive
         [ "$(dpkg-query -W -f '\${Version}' postgresql-15)" = '${versions.old}' ] ||
           { apt-get -qq update && apt-get -qq -y --allow-downgrades install ${wanted} >/dev/null 2>&1; }
         systemctl start postgresql@15-main && : >/var/log/dpkg.log`,
      );
      await sql(host, 'drop table if exists rows; create table rows as select generate_series(1, 1000) id');
      await onHost(host, 'sync');
      stories.set(host, storyOf(world, host));
    },
    start: async (host) => {
      const versions = await world.lab.postgresqlVersions();
      return start(bed.belay(host), runbook(), {
        Host: host,
        Version: versions.new,
        Approvers: callerArn,
        DataQuery: dataQuery,
      });
    },
    decide: async (host, id) => {
      await bed.belay(host).decide(id, undefined, { decision: 'approve', comment: 'evidence' });
    },
    look: async (host) => ({
      packages: await onHost(
        host,
        `dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status},' ${packages}`,
      ),
      upgrades: (await onHost(host, `sed -n 's/^[^ ]* [^ ]* upgrade //p' /var/log/dpkg.log`)).split('\n'),
      unit: await onHost(host, 'systemctl is-active postgresql@15-main'),
      rows: await sql(host, 'select count(*) from rows'),
      mounted: await onHost(
        host,
        "findmnt -n -o FSTYPE /var/lib/postgresql && grep -c ' /var/lib/postgresql ' /proc/mounts",
      ),
      ...stories.get(host)?.(),
    }),
  };
}
