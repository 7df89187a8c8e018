/** runbooks/patch-postgresql.yaml: one more step fails behind each step, and the runner is killed behind each step. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { worldMissing } from '../../lab/world.ts';
import { DrawnCases } from '../drawn-cases.ts';
import { accidentOn, failingAfter, placesIn } from '../failing-step.ts';
import { shipped, withStep } from '../patch/runbooks.ts';
import { callerArn, dataQuery, raiseStage, unit, type Stage } from '../patch/stage.ts';
import { runOf } from '../patch/way.ts';
import { judgedCases } from './judged-cases.ts';

const reason = worldMissing();
const caseMs = 400_000;
/** Without other clusters the loops over them have no passes. */
const places = placesIn('patch-postgresql').filter((place) => !place.includes('/'));
const touching = places.slice(places.indexOf('Stop'));

describe.skipIf(reason)(
  `the patch of one server, cut off behind every step${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let stage: Stage;
    const words = (file: string) =>
      runOf(file, {
        Host: 'db1',
        Version: `${stage.versions.new.server}*`,
        Approvers: callerArn,
        DataQuery: dataQuery,
      });
    const state = async () => ({
      version: await stage.serverVersion(),
      data: await stage.data(),
      unit: await stage.onHost(`systemctl is-active ${unit}`),
      volume: stage.dataVolume(),
    });

    beforeAll(async () => {
      stage = await raiseStage();
    }, 400_000);
    afterAll(() => stage?.down(), 120_000);

    const cases = new DrawnCases();
    for (const place of places) {
      cases.test(
        `failed after ${place}: the old server runs over the same data, and no snapshot is left`,
        async () => {
          await stage.reset();
          const before = await state();
          const document = failingAfter('patch-postgresql', place, accidentOn('db1'));
          const file = await stage.runbook(`after-${place}.yaml`, stringify(document));
          const { code, stderr } = await stage.belay(words(file), stage.world.inventory);
          expect(code, stderr).toBe(touching.includes(place) ? 3 : 1);
          expect(await state(), stderr).toEqual(before);
          expect(stage.calls('CreateVolume')).toEqual([]);
          expect(stage.calls('DeleteSnapshot').length, stderr).toBe(stage.calls('CreateSnapshot').length);
        },
      );
      cases.test(`killed after ${place}: it is resumed, and the patch is done once`, async () => {
        await stage.reset();
        const before = await state();
        const running = stage.begin(words(shipped), stage.world.inventory);
        await running.says(`✔ ${place} `, 240);
        await running.end();
        const { executionId, status } = await stage.show();
        const { code, stderr } =
          status === 'Success'
            ? { code: 0, stderr: '' }
            : await stage.belay(['resume', executionId], stage.world.inventory);
        expect(code, stderr).toBe(0);
        expect(await state()).toEqual({ ...before, version: stage.versions.new.server });
        expect(await stage.dpkgLog()).toHaveLength(1);
        expect(stage.calls('CreateSnapshot')).toHaveLength(1);
      });
    }
    cases.test(
      'a stop that kills the server gets no snapshot: the server is started again and recovers',
      async () => {
        await stage.reset();
        const before = await state();
        await stage.onHost(`mkdir -p /run/systemd/system/${unit}.service.d
printf '[Service]\\nExecStop=\\nExecStop=/bin/kill -KILL $MAINPID\\n' >/run/systemd/system/${unit}.service.d/slow.conf
systemctl daemon-reload`);
        const { code, stderr } = await stage.belay(words(shipped), stage.world.inventory);
        await stage.onHost(`rm -r /run/systemd/system/${unit}.service.d; systemctl daemon-reload`);
        expect(stderr).toContain('NOT_SHUT_DOWN');
        expect(code, stderr).toBe(3);
        expect(await state()).toEqual(before);
        expect(stage.calls('CreateSnapshot')).toEqual([]);
      },
    );
    cases.test(
      'a stop that hangs beyond its limit: nothing is snapshotted or installed, and once it has ended the server serves again',
      async () => {
        await stage.reset();
        const before = await state();
        const dropIn = `/run/systemd/system/${unit}.service.d`;
        // A smart stop waits for its clients, however long they stay.
        await stage.onHost(`mkdir -p ${dropIn}
printf '[Service]\\nExecStop=\\nExecStop=/usr/bin/pg_ctlcluster --skip-systemctl-redirect -m smart 15-main stop\\nTimeoutStopSec=7200\\n' >${dropIn}/hangs.conf
systemctl daemon-reload; systemctl stop stays 2>/dev/null
systemd-run -q --collect --unit stays runuser -u postgres -- psql -XAtqc 'select pg_sleep(3600)'`);
        const text = readFileSync(shipped, 'utf8').replace(
          '  - name: Stop\n',
          '  - name: Stop\n    timeoutSeconds: 10\n',
        );
        const running = stage.begin(words(await stage.runbook('hangs.yaml', text)), stage.world.inventory);
        try {
          await running.says('TIMED_OUT', 240);
        } finally {
          await stage.onHost(`systemctl stop stays; rm -rf ${dropIn}; systemctl daemon-reload`);
        }
        const { code, stderr } = await running.ended;
        expect(code, stderr).toBe(3);
        expect(stage.calls('CreateSnapshot')).toEqual([]);
        expect(await state()).toEqual(before);
      },
    );
    cases.test(
      'without a repository from Stage on, and under Include: all, another cluster is stopped and started with it',
      async () => {
        await stage.reset();
        await stage.onHost(
          'pg_lsclusters -h | grep -q second || pg_createcluster 15 second -- --no-sync >/dev/null; systemctl start postgresql@15-second',
        );
        const started = () =>
          stage.onHost('systemctl show -p ActiveEnterTimestampMonotonic --value postgresql@15-second');
        const since = await started();
        const gone = withStep(
          readFileSync(shipped, 'utf8'),
          '  - name: BeforeStop\n',
          `  - name: RepositoryGoes
    action: host:command
    inputs: { Host: '{{ Host }}', Script: 'mv /etc/apt/sources.list /etc/apt/sources.list.away; rm -rf /var/lib/apt/lists/*' }
    undo: { none: it is the accident that the test is about }

`,
        );
        const file = await stage.runbook('gone.yaml', gone);
        const { code, stderr } = await stage.belay(
          [...words(file), '-p', 'Include=all', '-p', `Service=${unit}`],
          stage.world.inventory,
        );
        await stage.onHost('mv /etc/apt/sources.list.away /etc/apt/sources.list');
        expect(code, stderr).toBe(0);
        expect(await stage.serverVersion()).toBe(stage.versions.new.server);
        expect(await started()).not.toBe(since);
        expect(await stage.onHost('systemctl is-active postgresql@15-second')).toBe('active');
        await stage.onHost('systemctl stop postgresql@15-second && pg_dropcluster 15 second');
      },
    );
    judgedCases(cases, () => stage, words);
    cases.draw('the patch of one server, cut off', caseMs);
  },
);
