/**
 * The same table on hosts of the lab: each action on hosts that a plain one can carry out × each way in which a step can end ×
 * each kind of undo. What Belay says is compared with what root sees on the host. CI takes fifteen rows by the seed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { actions } from '../../../src/actions/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import { openTransports } from '../../../src/runtime/transports.ts';
import { Lab } from '../../lab/hosts/lab.ts';
import { labHost } from '../../lab/lab-host.ts';
import { seed } from '../sample.ts';
import { expectRowHolds, sampledRows } from './rows.ts';

const rowsInCi = 15;

/** Each is changed by a row of its own, so that rows go side by side. */
const hosts = ['h1', 'h2', 'h3'] as const;

const keyOf = (letter: string): string =>
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)} ${letter}`;

/** What each does to a host as `baseline` leaves it. */
const acting: Readonly<Record<string, { readonly action: string; readonly inputs: JsonObject }>> = {
  'a command': { action: 'host:command', inputs: { Script: 'echo after >/etc/belay-new' } },
  'a new file': { action: 'host:file', inputs: { Path: '/etc/belay-new', Content: 'after\n' } },
  'a file': {
    action: 'host:file',
    inputs: { Path: '/etc/belay-there', Content: 'after\n', Owner: 'daemon', Mode: '0600' },
  },
  'a file that goes': { action: 'host:file', inputs: { Path: '/etc/belay-there', State: 'absent' } },
  'a package': { action: 'host:package', inputs: { Names: ['belay-demo'], Version: '1.1' } },
  'a unit that is stopped': { action: 'host:service', inputs: { Name: 't-row', State: 'stopped' } },
  'a unit that is enabled': { action: 'host:service', inputs: { Name: 't-row', Enabled: true } },
  'a program that is staged': {
    action: 'host:binary',
    inputs: { Path: '/opt/row', State: 'staged', Source: '/opt/row.source', Sha256: 'SHA256 OF SOURCE' },
  },
  'a program that is brought back': {
    action: 'host:binary',
    inputs: { Path: '/opt/row', State: 'restored' },
  },
  'a key': { action: 'host:authorizedKeys', inputs: { User: 'rower', Keys: [keyOf('B')] } },
  'a key that goes': {
    action: 'host:authorizedKeys',
    inputs: { User: 'rower', State: 'absent', Keys: [keyOf('A')] },
  },
};

/** These need more than a plain host: tests of their own show their truth, with the servers that they are about. */
const elsewhere = ['host:reboot'];

/** Makes what the rows start from, whatever a row before has left; a package manager that it left is let end first. */
const baseline = `set -eu
tries=0
while grep -qsxE 'apt-get|dpkg' /proc/[0-9]*/comm; do
  tries=$((tries + 1)); [ "$tries" -lt 600 ] || { echo 'a package manager does not end' >&2; exit 1; }
  sleep 0.1
done
rm -f /etc/belay-new /opt/row.new
printf 'before\\n' >/etc/belay-there; chown root:root /etc/belay-there; chmod 0644 /etc/belay-there
cp /bin/true /opt/row; cp /bin/false /opt/row.old; cp /bin/echo /opt/row.source
id rower >/dev/null 2>&1 || useradd -m rower
mkdir -p ~rower/.ssh; printf '%s\\n' '${keyOf('A')}' '${keyOf('C')}' >~rower/.ssh/authorized_keys
chown -R rower ~rower/.ssh; chmod 0700 ~rower/.ssh; chmod 0600 ~rower/.ssh/authorized_keys
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/t-row.service
systemctl daemon-reload; systemctl disable -q t-row; systemctl start t-row
[ "$(dpkg-query -W -f '\${Version}' belay-demo 2>/dev/null)" = 1.0 ] || { apt-get -q update; apt-get -y -q --allow-downgrades install belay-demo=1.0; } >/dev/null
`;

/** Lines as those of the sandbox's footprint, by root's own eyes. */
const look = (host: string): string => `
for file in /etc/belay-new /etc/belay-there /opt/row /opt/row.new /opt/row.old ~rower/.ssh/authorized_keys; do
  [ ! -e "$file" ] || echo "file disk $file $(stat -c '%F %U:%G %a' "$file") $(sha256sum <"$file")"
done
echo "package disk belay-demo $(dpkg-query -W -f '\${Version} \${db:Status-Status} \${db:Status-Want}' belay-demo)"
echo "unit disk t-row $(systemctl is-enabled t-row)"
echo "runs ${host} t-row $(systemctl is-active t-row)"
echo "runs ${host} belay-demo $(systemctl is-active belay-demo) $(cat /run/belay-demo.version)"
`;

const reason = Lab.unavailable();

test('each action on hosts is in the table, or is said to be shown elsewhere', () => {
  const onHosts = [...actions.values()].filter(
    ({ name, flow, effect }) =>
      name.startsWith('host:') &&
      flow === undefined &&
      (typeof effect === 'function' || effect.kind !== 'read'),
  );
  const inTable = new Set([...Object.values(acting).map(({ action }) => action), ...elsewhere]);
  expect(onHosts.map(({ name }) => name).filter((name) => !inTable.has(name))).toEqual([]);
});

describe.skipIf(reason)(
  `the account on hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'belay-lab-table-'));
    let lab: Lab;
    /** Those on which no row is. */
    const free: string[] = [];
    const waiting: ((host: string) => void)[] = [];
    const take = (): Promise<string> =>
      new Promise((resolve) => {
        const host = free.shift();
        if (host === undefined) waiting.push(resolve);
        else resolve(host);
      });
    const giveBack = (host: string): void => {
      const next = waiting.shift();
      if (next === undefined) free.push(host);
      else next(host);
    };

    beforeAll(async () => {
      lab = await Lab.up({ hosts: [...hosts] });
      await Promise.all(hosts.map((host) => lab.publish(host, 'new')));
      free.push(...hosts);
    }, 360_000);
    afterAll(async () => {
      rmSync(folder, { recursive: true, force: true });
      await lab?.down();
    }, 60_000);

    test.concurrent.each(sampledRows(Object.keys(acting), rowsInCi))(
      `$name that ends $ends, undo $undo (seed ${seed})`,
      async (row) => {
        const of = acting[row.name];
        if (of === undefined) throw new Error(`there is no ${row.name}`);
        const host = await take();
        const port = labHost(lab, host);
        try {
          await lab.exec(host, baseline);
          const sha256 = (await lab.exec(host, 'sha256sum </opt/row.source')).stdout.slice(0, 64);
          const dir = mkdtempSync(join(folder, 'row-'));
          writeFileSync(join(dir, 'belay.yaml'), stringify({ hosts: { [host]: { transport: 'local' } } }));
          const instanceId = `i-of-${host}`;
          await expectRowHolds(row, {
            dir,
            action: of.action,
            inputs: JSON.parse(
              JSON.stringify({ Host: host, ...of.inputs }).replace('SHA256 OF SOURCE', sha256),
            ) as JsonObject,
            isSandbox: false,
            open: async (options) => ({ ...(await openTransports(options)), host: () => port }),
            look: async () => ({
              lines: (await lab.exec(host, look(host))).stdout.trim().split('\n'),
              places: {
                hosts: { [host]: { name: host, instanceId } },
                volumes: { disk: { attachment: { instanceId } } },
                instances: { [instanceId]: {} },
              },
            }),
          });
        } finally {
          await port.close();
          giveBack(host);
        }
      },
    );
  },
);
