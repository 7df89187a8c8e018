/** Hosts whose tools are older than Belay expects: what they cannot show is told as unknown, and nothing is done because of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkClock } from '../../src/actions/check/clock.ts';
import { check as checkHttp } from '../../src/actions/http/check.ts';
import { packageAction } from '../../src/actions/host/package.ts';
import { service } from '../../src/actions/host/service.ts';
import { mountDisks, unmountMounts } from '../../src/actions/scripts/volume.ts';
import type { Host, HostScript } from '../../src/transports/host.ts';
import { newToken, run, undo, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';
import { bareDnf, oldTools } from './old-tools.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(
  `old systems${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let world: World;
    const sh = async (host: string, text: string) => (await lab.exec(host, text)).stdout.trim();
    const put = (host: string, path: string, text: string) =>
      sh(host, `rm -f ${path}; cat >${path} <<'TOOL'\n${text}TOOL\nchmod 0755 ${path}`);

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1', 'r1'] });
      world = { hosts: { h1: labHost(lab, 'h1'), r1: labHost(lab, 'r1') } };
      for (const [path, text] of Object.entries(oldTools)) {
        await sh('h1', `cp -a ${path} ${path}.new`);
        await put('h1', path, text);
      }
      await put(
        'h1',
        '/etc/systemd/system/t-well.service',
        '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n',
      );
      await put(
        'h1',
        '/etc/systemd/system/t-ill.service',
        '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c "sleep 1; exit 3"\nRestart=always\nRestartSec=200ms\n',
      );
      await sh('h1', 'systemctl daemon-reload');
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);

    test('systemd 219: a unit is started, enabled and taken back, and one that does not stay up is none', async () => {
      expect(await sh('h1', 'systemctl show -p MainPID --value t-well 2>&1 || true')).toContain(
        'unrecognized',
      );
      const done = await run(
        service,
        { Host: 'h1', Name: 't-well', State: 'started', Enabled: true, StableSeconds: 1 },
        world,
      );
      expect(done.ending).toMatchObject({
        kind: 'done',
        outputs: { ActiveState: 'active', UnitFileState: 'enabled' },
      });
      expect(await undo(service, done, world)).toMatchObject({
        kind: 'done',
        outputs: { ActiveState: 'inactive', UnitFileState: 'disabled' },
      });
      const ill = await run(service, { Host: 'h1', Name: 't-ill', State: 'started' }, world);
      expect(ill.ending).toMatchObject({
        kind: 'failed',
        code: 'SERVICE_FAILED',
        message: expect.stringContaining('did not stay so'),
      });
      await sh('h1', 'systemctl stop t-ill');
    });

    test('systemctl that cannot say how a unit is: nothing is called up, whatever its start has told', async () => {
      await sh('h1', 'rm -f /run/old-silent; systemctl stop t-well');
      const tool = oldTools['/usr/bin/systemctl'] ?? '';
      // The bus answers until the unit is started, and no more.
      await put(
        'h1',
        '/usr/bin/systemctl',
        tool
          .replace('[ "$1" = show ]', '[ "$1" != start ] || : >/run/old-silent\n[ "$1" = show ]')
          .replace(
            '/usr/bin/systemctl.new "$@" |',
            '[ ! -e /run/old-silent ] || { echo "Failed to get properties: Connection timed out" >&2; exit 1; }\n/usr/bin/systemctl.new "$@" |',
          ),
      );
      const done = await run(
        service,
        { Host: 'h1', Name: 't-well', State: 'started', StableSeconds: 1 },
        world,
      );
      await sh('h1', 'rm -f /run/old-silent');
      await put('h1', '/usr/bin/systemctl', tool);
      expect(done.ending).toMatchObject({ kind: 'failed', code: 'SERVICE_FAILED' });
    });

    test('timedatectl that only speaks to people is understood, and where it says nothing that is unknown', async () => {
      const judged = async (said: string) => {
        await sh('h1', `echo ${said} >/run/old-ntp`);
        const { ending } = await run(
          checkClock.action,
          { Hosts: ['h1'], MaxSkewSeconds: 3600, Synchronized: true },
          world,
        );
        return ending;
      };
      expect(await judged('yes')).toMatchObject({ kind: 'done' });
      expect(await judged('no')).toMatchObject({ kind: 'failed' });
      const unknown = await judged('n/a');
      expect(JSON.stringify(unknown)).toContain('does not say whether');
    });

    test('curl 7.29 asks with the headers that it was given', async () => {
      await put(
        'h1',
        '/opt/echo.py',
        `import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = self.headers.get('x-asked', 'nothing').encode()
        self.send_response(200); self.send_header('content-length', str(len(said))); self.end_headers(); self.wfile.write(said)
http.server.HTTPServer(('127.0.0.1', 7780), H).serve_forever()
`,
      );
      await sh(
        'h1',
        'systemd-run -q --unit t-echo python3 /opt/echo.py; for i in $(seq 200); do curl -s -o /dev/null http://127.0.0.1:7780/ && break; sleep 0.1; done',
      );
      const asked = 'a "quoted" \\ word';
      const { ending } = await run(
        checkHttp,
        { Host: 'h1', Url: 'http://127.0.0.1:7780/', Headers: { 'X-Asked': asked }, ExpectBody: asked },
        world,
      );
      await sh('h1', 'systemctl stop t-echo');
      expect(ending).toMatchObject({ kind: 'done' });
    });

    test('a mount comes back by its own unit', async () => {
      const host = world.hosts?.['h1'];
      if (host === undefined) throw new Error('there is no h1');
      const source = await sh('h1', 'findmnt -n -o SOURCE,FSTYPE,OPTIONS /srv/data');
      const [disk = '', fstype = ''] = source.split(/\s+/);
      await detach(host, unmountMounts(['/srv/data']));
      await detach(host, mountDisks(['/srv/data', fstype, 'rw,noatime,nodiratime', disk, '-']));
      // By what the unit says, and not by the options that were handed over.
      expect(await sh('h1', 'findmnt -n -o SOURCE,FSTYPE,OPTIONS /srv/data')).toBe(source);
    });

    test('which version is the newest is not known where nothing can be asked, and the one installed is not called it', async () => {
      await lab.publish('r1', 'old');
      const install = async (Version: string) =>
        (await run(packageAction, { Host: 'r1', Names: ['belay-demo'], Version }, world)).ending;
      expect(await install('1.0-1')).toMatchObject({ kind: 'done' });
      await lab.publish('r1', 'new');
      await sh('r1', '[ -e /usr/bin/dnf.new ] || cp -a /usr/bin/dnf /usr/bin/dnf.new');
      await put('r1', '/usr/bin/dnf', bareDnf);
      for (const version of ['latest', '1.*'])
        expect(await install(version)).toMatchObject({
          kind: 'failed',
          code: 'NO_TOOL',
          message: expect.stringMatching(
            /which versions of belay-demo this host can get is not known: dnf has no repoquery here .*nothing was changed/,
          ),
        });
      expect(await install('1.0-1')).toMatchObject({ kind: 'done', changes: [] });
      await sh('r1', 'mv /usr/bin/dnf.new /usr/bin/dnf');
    });

    test('a repository that is passed over because it does not answer may have the newest', async () => {
      await sh(
        'r1',
        'printf "[away]\\nname=away\\nbaseurl=http://127.0.0.1:9/\\nenabled=1\\ngpgcheck=0\\nskip_if_unavailable=1\\n" >/etc/yum.repos.d/away.repo',
      );
      const { ending } = await run(
        packageAction,
        { Host: 'r1', Names: ['belay-demo'], Version: 'latest' },
        world,
      );
      await sh('r1', 'rm /etc/yum.repos.d/away.repo');
      expect(ending).toMatchObject({ kind: 'failed', code: 'LISTS_NOT_REFRESHED' });
    });
  },
);

/** Runs a changing script to its end. Throws when it says no. */
async function detach(host: Host, script: HostScript): Promise<void> {
  const token = newToken();
  const signal = AbortSignal.timeout(60_000);
  const said: string[] = [];
  const sink = { write: (_: string, chunk: Uint8Array) => void said.push(Buffer.from(chunk).toString()) };
  await host.start(token, script, { signal });
  for (let from = { stdout: 0, stderr: 0 }; ; await delay(100)) {
    const state = await host.poll(token, { from, sink, waitMs: 5_000, signal });
    if ('next' in state) from = state.next;
    if (state.kind === 'exited' && state.exitCode === 0) return;
    if (state.kind !== 'running') throw new Error(`${script.name}: ${state.kind}: ${said.join('')}`);
  }
}
