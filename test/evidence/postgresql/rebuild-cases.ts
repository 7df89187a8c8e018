/** runbooks/postgresql/rebuild-standby.yaml where its runner is killed: both ways are seen to the end, and what they cannot do is refused. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { DrawnCases } from '../drawn-cases.ts';
import { outputOf } from '../patch/command.ts';
import { unit } from '../patch/stage.ts';
import { runOf } from '../patch/way.ts';
import { primary, type Replicas } from './replicas.ts';

const own = '/var/lib/postgresql/15/main';

export function rebuildCases(cases: DrawnCases, replicasOf: () => Replicas, runbook: string): void {
  const goAstray = async (replicas: Replicas): Promise<void> => {
    await replicas.onHost(
      'db3',
      `cd / && runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl -D ${own} promote -w`,
    );
    await replicas.sql('db3', 'create table astray as select 1 n');
  };
  const words = (file: string, Rewind: string) =>
    runOf(file, { Primary: primary, Standby: 'db3', Rewind, CatchUpSeconds: '120' });

  for (const [Rewind, step, way] of [
    ['false', 'Copy', 'a base backup'],
    ['true', 'Rewind', 'pg_rewind'],
  ] as const)
    cases.test(
      `a standby is made anew by ${way} under a writer; killed in the midst of it and resumed it follows, and misses nothing`,
      async () => {
        const replicas = replicasOf();
        await replicas.reset();
        await replicas.onHost('db3', `rm -rf ${own}.before-*`);
        // For a moment there are two primaries, and what is written to the one that went astray is to go.
        await replicas.startWriter([primary, 'db2']);
        await goAstray(replicas);
        const running = replicas.begin(words(runbook, Rewind));
        await running.says(`▸ ${step} `, 120);
        await running.end();
        const { executionId } = await replicas.show();
        const { code, stderr } = await replicas.belay(['resume', executionId]);
        expect(code, stderr).toBe(0);
        const shown = await replicas.show();
        if (Rewind === 'true') expect(outputOf(shown, 'Rewind', 'WasRewound')).toBe(true);
        else expect(outputOf(shown, 'Copy', 'Kept')).toContain(`${own}.before-`);
        expect(await replicas.sql('db3', 'select status from pg_stat_wal_receiver')).toBe('streaming');
        expect(await replicas.sql('db3', "select to_regclass('astray') is null")).toBe('t');
        expect(
          await replicas.onHost(
            'db3',
            `ls -d ${own}.before-* 2>/dev/null | wc -l; ls -d ${own}.copied-* 2>/dev/null | wc -l`,
          ),
        ).toBe(Rewind === 'true' ? '0\n0' : '1\n0');
        expect(await replicas.lost('db3')).toBe('');
        await replicas.onHost('db3', `rm -rf ${own}.before-*`);
      },
    );

  cases.test(
    'what a standby cannot be made from is refused, and it serves again what it had: a primary that is a standby, another cluster, files elsewhere, no WAL to rewind by',
    async () => {
      const replicas = replicasOf();
      await replicas.reset();
      const run = async (more: Readonly<Record<string, string>>) =>
        await replicas.belay(runOf(runbook, { Primary: primary, Standby: 'db3', ...more }));
      const standby = await run({ Primary: 'db2' });
      expect(standby.code, standby.stderr).toBe(1);
      expect(standby.stderr).toContain('IN_RECOVERY');

      const side = 'postgresql@15-side';
      const drop = `systemctl stop ${side} 2>/dev/null; pg_dropcluster 15 side 2>/dev/null; systemctl reset-failed ${side} 2>/dev/null; true`;
      await replicas.onHost(
        primary,
        `${drop}; pg_createcluster -p 5439 15 side -- --no-sync >/dev/null
printf "listen_addresses = '*'\\n" >/etc/postgresql/15/side/conf.d/side.conf
sed -i '1i host all,replication all 10.0.0.0/8 trust' /etc/postgresql/15/side/pg_hba.conf; systemctl start ${side}`,
      );
      const address = replicas.world.lab.address(primary);
      for (const Rewind of ['false', 'true']) {
        const other = await run({
          PrimaryService: unit,
          ConnInfo: `host=${address} port=5439 user=postgres`,
          Rewind,
        });
        expect(other.code, other.stderr).toBe(3);
        expect(other.stderr).toContain('OTHER_CLUSTER');
        expect(await replicas.sql('db3', 'select pg_is_in_recovery()')).toBe('t');
      }
      await replicas.onHost(primary, drop);

      await replicas.onHost(
        'db3',
        `systemctl stop ${unit}; mv ${own}/pg_wal /var/lib/postgresql/wal && ln -s /var/lib/postgresql/wal ${own}/pg_wal; systemctl start ${unit}`,
      );
      const linked = await run({});
      expect(linked.code, linked.stderr).toBe(3);
      expect(linked.stderr).toContain('HAS_WAL_LINK');
      expect(await replicas.sql('db3', 'select pg_is_in_recovery()')).toBe('t');
      await replicas.onHost(
        'db3',
        `systemctl stop ${unit}; rm ${own}/pg_wal && mv /var/lib/postgresql/wal ${own}/pg_wal; systemctl start ${unit}`,
      );

      // The WAL since the parting is gone on the standby, so pg_rewind cannot read what to take back.
      await goAstray(replicas);
      await replicas.sql('db3', 'alter system set wal_keep_size = 0; select pg_reload_conf()');
      await replicas.sql(
        'db3',
        Array.from(
          { length: 4 },
          () => 'insert into astray values (2); select pg_switch_wal(); checkpoint',
        ).join('; '),
      );
      const gone = await run({ Rewind: 'true' });
      expect(gone.code, gone.stderr).toBe(3);
      expect(gone.stderr).toContain('CANNOT_REWIND');
      expect(gone.stderr).toContain('postgresql/rebuild-standby makes this standby anew by a base backup');
      expect(await replicas.sql('db3', 'select count(*) from astray')).not.toBe('0');
      const copied = await run({});
      expect(copied.code, copied.stderr).toBe(0);
      expect(await replicas.sql('db3', 'select status from pg_stat_wal_receiver')).toBe('streaming');
      await replicas.onHost('db3', `rm -rf ${own}.before-*`);
    },
  );

  cases.test(
    'killed in the undo of a copy that was no use: resumed, what the standby had is back and serves',
    async () => {
      const replicas = replicasOf();
      await replicas.reset();
      await goAstray(replicas);
      const text = readFileSync(runbook, 'utf8').replace("Standbys: ['{{ Standby }}']", 'Standbys: [b1]');
      const running = replicas.begin(
        runOf(await replicas.runbook('never.yaml', text), {
          Primary: primary,
          Standby: 'db3',
          CatchUpSeconds: '1',
        }),
      );
      await running.says('✖ IsFollowing', 240);
      await running.says('Start', 60);
      await running.end();
      const { executionId } = await replicas.show();
      const { code, stderr } = await replicas.belay(['resume', executionId]);
      expect(code, stderr).toBe(3);
      expect(await replicas.sql('db3', 'select n from astray')).toBe('1');
      expect(await replicas.onHost('db3', `ls -d ${own}.before-* ${own}.copied-* 2>/dev/null | wc -l`)).toBe(
        '0',
      );
    },
  );
}
