import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkNginx } from '../../src/actions/check/nginx.ts';
import { drain } from '../../src/actions/nginx/drain.ts';
import { carryOut, observe, run, undo, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';
import { MinioLab } from './minio/cluster.ts';

// lb1's nginx comes with the images of the MinIO cluster; the servers behind it are small ones on lb1 itself.
const reason = MinioLab.unavailable();
const File = '/etc/nginx/conf.d/app.conf';
const AccessLog = '/var/log/nginx/app.log';
const servers = ['one.lab:9000', 'two.lab:9000', 'three.lab:9000'];
const configuration = `upstream app {
  server one.lab:9000 max_fails=1;
  server two.lab:9000
    max_fails=1;   # the second
  server three.lab:9000;
  keepalive 4;
}
log_format upstream '$uri upstream=$upstream_addr';
server { listen 8081; access_log ${AccessLog} upstream; location / { proxy_pass http://app; } }
`;
/** Says its own address, on /slow only after six seconds, on /slower after twelve. */
const backend = `
import http.server, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        time.sleep({"/slow": 6, "/slower": 12}.get(self.path, 0))
        body = (sys.argv[1] + "\\n").encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer((sys.argv[1], 9000), Answer).serve_forever()
`;

describe.skipIf(reason)(
  `nginx:drain on a real host${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let lab: Lab;
    let world: World;
    const sh = async (text: string, stdin = '') => {
      const { stdout, stderr, code } = await lab.exec('lb1', text, { stdin });
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };
    const inputs = (Server: string, more = {}) => ({
      Host: 'lb1',
      File,
      Server,
      Upstream: 'app',
      QuietSeconds: 0,
      ...more,
    });
    const asked = () => sh('for i in $(seq 30); do curl -s http://127.0.0.1:8081/; done | sort -u | xargs');
    const workers = () => sh('pgrep -P "$(cat /run/nginx.pid)" | sort | xargs');
    /** Until the workers of before have ended: nginx starts the new ones first, and for a while both answer. */
    const reload = async () => {
      const before = await workers();
      await sh('systemctl reload nginx');
      const olds = async () => (await workers()).split(' ').filter((pid) => before.split(' ').includes(pid));
      await expect.poll(olds, { timeout: 30_000 }).toEqual([]);
      await expect.poll(workers, { timeout: 30_000 }).not.toBe('');
    };

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['lb1'] });
      world = { hosts: { lb1: labHost(lab, 'lb1') } };
      await sh('cat >/root/backend.py', backend);
      await sh(
        'printf "127.0.0.2 one.lab\\n127.0.0.3 two.lab\\n127.0.0.4 three.lab\\n" >>/etc/hosts; for n in 2 3 4; do systemd-run -q --unit=backend$n python3 /root/backend.py 127.0.0.$n; done',
      );
      await sh(`cat >${File}; rm -f /etc/nginx/conf.d/minio.conf; systemctl start nginx`, configuration);
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);
    beforeEach(async () => {
      await sh(`cat >${File}; chmod 0640 ${File}; rm -rf /var/lib/belay`, configuration);
      await reload();
    });

    test('no request fails while it drains, none arrives afterwards, and undo puts the very bytes back', async () => {
      const load = lab.exec(
        'lb1',
        'for i in $(seq 150); do curl -s -o /dev/null -w "%{http_code}\\n" http://127.0.0.1:8081/; sleep 0.01; done | sort | uniq -c',
      );
      const done = await run(drain, inputs('two.lab:9000', { AccessLog, QuietSeconds: 1 }), world, {
        lostReply: true,
      });
      expect(done.ending).toMatchObject({
        kind: 'done',
        outputs: { Upstream: 'app', State: 'drained', Changed: true },
        changes: [{ target: 'lb1', subject: 'two.lab:9000', from: 'serving', to: 'drained' }],
        note: expect.stringMatching(
          /every worker that knew it as serving has ended \(\d+\); 0 of \d+ requests/,
        ),
      });
      expect(await asked()).toBe('127.0.0.2 127.0.0.4');
      expect((await load).stdout.trim()).toBe('150 200');
      expect(await sh(`stat -c %a ${File}; grep -c 'max_fails=1 down;   # the second' ${File}`)).toBe(
        '640\n1',
      );

      expect(await undo(drain, done, world, { knowing: 'nothing' })).toMatchObject({
        kind: 'done',
        changes: [{ from: 'drained', to: 'serving' }],
      });
      expect(await asked()).toBe('127.0.0.2 127.0.0.3 127.0.0.4');
      expect(`${await sh(`cat ${File}`)}\n`).toBe(configuration);
      expect(await undo(drain, done, world)).toMatchObject({ kind: 'done', changes: [] });
      expect(await sh('find /var/lib/belay/nginx -type f')).toBe('');
    });

    test('serving takes a server back; again it changes nothing, and undo drains it', async () => {
      await run(drain, inputs('two.lab:9000'), world);
      const done = await run(drain, inputs('two.lab:9000', { State: 'serving' }), world);
      expect(done.ending).toMatchObject({ kind: 'done', outputs: { State: 'serving', Changed: true } });
      expect(`${await sh(`cat ${File}`)}\n`).toBe(configuration);
      const again = await run(drain, inputs('two.lab:9000', { State: 'serving' }), world);
      expect(again.ending).toMatchObject({
        kind: 'done',
        changes: [],
        note: 'two.lab:9000 is serving already',
      });
      await undo(drain, done, world);
      expect(await asked()).toBe('127.0.0.2 127.0.0.4');
    });

    test('an undo that drains again is over when no worker is left that would send a request', async () => {
      await run(drain, inputs('two.lab:9000'), world);
      const done = await run(drain, inputs('two.lab:9000', { State: 'serving' }), world);
      const slow = lab.exec('lb1', 'for i in 1 2 3; do curl -s http://127.0.0.1:8081/slower & done; wait');
      const asWorker = (words: string) =>
        sh(`ps -o args= --ppid "$(cat /run/nginx.pid)" | grep -c '${words}' || true`);
      await expect
        .poll(() => sh('ss -Htn state established "dport = :9000" | wc -l'), { timeout: 20_000 })
        .not.toBe('0');
      const short = { ...done, inputs: { ...done.inputs, WithinSeconds: 1 } };
      expect(await undo(drain, short, world)).toMatchObject({
        kind: 'failed',
        code: 'NGINX_OLD_WORKERS',
        message: expect.stringContaining('two.lab:9000 is marked down'),
      });
      expect(await asWorker('shutting down')).not.toBe('0');
      // Asked for again, it waits for those that the first one has left.
      expect(await undo(drain, done, world)).toMatchObject({ kind: 'done' });
      expect(await asWorker('shutting down')).toBe('0');
      expect(await asked()).toBe('127.0.0.2 127.0.0.4');
      expect((await slow).stdout.trim().split('\n')).toHaveLength(3);
      expect(await sh('find /var/lib/belay/nginx -type f')).not.toContain('.reload');
    });

    test('the last server that serves is not drained', async () => {
      for (const server of servers.slice(0, 2)) await run(drain, inputs(server), world);
      const before = await sh(`cat ${File}`);
      const last = await run(drain, inputs('three.lab:9000'), world);
      expect(last.ending).toMatchObject({
        kind: 'failed',
        code: 'LAST_SERVER',
        message: expect.stringMatching(
          /^lb1 .*three.lab:9000 is the last server of the upstream app that serves/,
        ),
      });
      expect(await sh(`cat ${File}`)).toBe(before);
    });

    test('a configuration that nginx refuses before or after the change leaves file and workers as they were', async () => {
      await sh('echo "nonsense on;" >/etc/nginx/conf.d/broken.conf');
      const running = await workers();
      const broken = await run(drain, inputs('two.lab:9000'), world);
      expect(broken.ending).toMatchObject({
        kind: 'failed',
        code: 'NGINX_REFUSED',
        message: expect.stringMatching(
          /even as it is.*unknown directive "nonsense" in \/etc\/nginx\/conf\.d\/broken/,
        ),
        outputs: { Upstream: 'app', State: 'serving', Changed: false },
      });
      await sh('rm /etc/nginx/conf.d/broken.conf');

      // No nginx refuses the word `down`: a wrapper says no in its stead, as it would to whatever else is wrong by then.
      await sh(
        `mv $(which nginx) /usr/sbin/nginx.real; printf '#!/bin/sh\\n[ "$1" = -t ] && grep -q down ${File} && { echo "nginx: [emerg] no room for a server that is down in ${File}:4" >&2; exit 1; }\\nexec /usr/sbin/nginx.real "$@"\\n' >/usr/sbin/nginx; chmod 755 /usr/sbin/nginx`,
      );
      const refused = await run(drain, inputs('two.lab:9000'), world);
      await sh('mv /usr/sbin/nginx.real /usr/sbin/nginx');
      expect(refused.ending).toMatchObject({
        kind: 'failed',
        code: 'NGINX_REFUSED',
        message: expect.stringMatching(
          /it is as it was and nothing was reloaded: \[emerg\] no room for a server/,
        ),
      });
      expect(`${await sh(`cat ${File}`)}\n`).toBe(configuration);
      expect(await workers()).toBe(running);
      expect(await undo(drain, refused, world)).toMatchObject({ kind: 'done', changes: [] });
      expect(await workers()).toBe(running);
    });

    test('a worker with a request that does not end fails the step by its number, and a later attempt waits it out', async () => {
      const slow = lab.exec('lb1', 'for i in 1 2 3; do curl -s http://127.0.0.1:8081/slow & done; wait');
      await sh('sleep 0.5');
      const tried = await run(drain, inputs('two.lab:9000', { WithinSeconds: 1 }), world);
      expect(tried.ending).toMatchObject({
        kind: 'failed',
        code: 'NGINX_OLD_WORKERS',
        message: expect.stringMatching(/have not ended 1 s after the reload.*worker_shutdown_timeout/),
      });
      const again = await carryOut(drain, inputs('two.lab:9000', { WithinSeconds: 30 }), tried.before, world);
      expect(again.ending).toMatchObject({ kind: 'done', changes: [{ to: 'drained' }] });
      expect((await slow).stdout.trim().split('\n')).toHaveLength(3);
    });

    test('a second upstream that names the server too is found out', async () => {
      await sh(
        `printf 'upstream again { server 127.0.0.3:9000; keepalive 4; }\\nserver { listen 8082; location / { proxy_pass http://again; proxy_http_version 1.1; proxy_set_header Connection ""; } }\\n' >/etc/nginx/conf.d/again.conf`,
      );
      await reload();
      const load = lab.exec(
        'lb1',
        'for i in $(seq 60); do curl -s -o /dev/null http://127.0.0.1:8082/; sleep 0.1; done',
      );
      const done = await run(drain, inputs('two.lab:9000', { AccessLog, QuietSeconds: 1 }), world);
      await load;
      await sh('rm /etc/nginx/conf.d/again.conf');
      await reload();
      expect(done.ending).toMatchObject({
        kind: 'failed',
        code: 'NGINX_STILL_SERVED',
        message: expect.stringMatching(/open connection\(s\) to 127\.0\.0\.3:9000 all the same/),
      });
    });

    test('a file that was edited meanwhile keeps the edit; one without the line is left alone', async () => {
      const done = await run(drain, inputs('two.lab:9000'), world);
      await sh(`sed -i 's/keepalive 4/keepalive 8/' ${File}`);
      expect(await undo(drain, done, world)).toMatchObject({
        kind: 'done',
        changes: [{ from: 'drained', to: 'serving' }],
        note: expect.stringContaining('edited by somebody else meanwhile'),
      });
      expect(`${await sh(`cat ${File}`)}\n`).toBe(configuration.replace('keepalive 4', 'keepalive 8'));

      const other = await run(drain, inputs('one.lab:9000'), world);
      await sh(`sed -i '/one.lab/d' ${File}`);
      const text = await sh(`cat ${File}`);
      expect(await undo(drain, other, world)).toMatchObject({
        kind: 'failed',
        code: 'NGINX_NO_SERVER',
        message: expect.stringContaining(
          'has no server one.lab:9000 in the upstream app; there are: two.lab:9000',
        ),
      });
      expect(await sh(`cat ${File}`)).toBe(text);
      await expect(observe(drain, inputs('one.lab:9000'), world)).rejects.toMatchObject({
        code: 'NGINX_NO_SERVER',
      });
    });

    test('check:nginx: exactly these servers, by name or address; one that is drained, missing or too many is told', async () => {
      const look = async (Servers: readonly string[], more = {}) => {
        const done = await run(
          checkNginx.action,
          { Hosts: ['lb1'], Upstream: 'app', Servers, OnNonCompliant: 'report', ...more },
          world,
        );
        const { Violations, Unknown } = (
          done.ending as unknown as {
            outputs: { Violations: { Subject: string; Found: string }[]; Unknown: { Code: string }[] };
          }
        ).outputs;
        return [
          ...Violations.map(({ Subject, Found }) => `${Subject} is ${Found}`),
          ...Unknown.map(({ Code }) => Code),
        ];
      };
      expect(await look(servers)).toEqual([]);
      await sh(`sed -i 's/server two.lab:9000/server 127.0.0.3:9000/' ${File}`);
      expect(await look(servers)).toEqual([]);
      expect(await look([...servers, 'four.lab:9000'])).toEqual(['four.lab:9000 in app is missing']);
      expect(await look(servers.slice(1))).toEqual([
        'one.lab:9000 in app is a server that does not belong there',
      ]);
      await run(drain, inputs('one.lab:9000'), world);
      expect(await look(servers)).toEqual(['one.lab:9000 in app is down']);
      expect(await look(servers, { Upstream: 'other' })).toEqual(['upstream other is missing']);
      await sh(`echo 'nonsense;' >>${File}`);
      expect(await look(servers)).toEqual([
        expect.stringMatching(/^configuration is refused: .*nonsense/),
        'NGINX_REFUSED',
      ]);
    });
  },
);
