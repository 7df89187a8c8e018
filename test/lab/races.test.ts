/** Root's work in folders of others on a real host, each name of which is exchanged under its hands. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { authorizedKeys } from '../../src/actions/host/authorized-keys.ts';
import { binary } from '../../src/actions/host/binary.ts';
import { file } from '../../src/actions/host/file.ts';
import type { AnyAction } from '../../src/actions/define-action.ts';
import { installPair, observePair } from '../../src/actions/scripts/tls.ts';
import type { JsonObject } from '../../src/json.ts';
import { giveEntry, lookAtEntry, takeEntry, type LockEntry } from '../../src/runtime/locks/lock-entry.ts';
import { HostFailure, type Host } from '../../src/transports/host.ts';
import { NotDone, run, undo, type World } from '../support/action-bed.ts';
import { blankKey } from '../actions/host/keys.ts';
import { drawn, isThorough } from '../evidence/sample.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';
import { arm, attacker, attacks, disarm, wrapTools, type Attack, type Target } from './races.ts';

const reason = Lab.unavailable();
const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const key = blankKey(3, 'new');
const owns = (folder: string, more = '') =>
  `rm -rf ${folder}*; mkdir -p ${folder}; ${more} chown -R ${attacker}:${attacker} ${folder}; chmod 755 ${folder}`;

interface Work extends Target {
  readonly action: AnyAction;
  readonly inputs: JsonObject;
}
const works: Readonly<Record<string, Work>> = {
  'host:authorizedKeys of a user': {
    path: `/home/${attacker}/.ssh/authorized_keys`,
    prepare: owns(
      `/home/${attacker}/.ssh`,
      `printf 'ssh-ed25519 AAAAmine mine\\n' >/home/${attacker}/.ssh/authorized_keys;`,
    ),
    action: authorizedKeys,
    inputs: { Host: 'h1', User: attacker, Keys: [key.line] },
  },
  'host:authorizedKeys of a user without a folder': {
    path: `/home/${attacker}/.ssh`,
    prepare: `rm -rf /home/${attacker}/.ssh* /home/${attacker}/.belay* /home/${attacker}/.taken*`,
    action: authorizedKeys,
    inputs: { Host: 'h1', User: attacker, Keys: [key.line] },
  },
  'host:file of a service': {
    path: '/srv/app/conf/app.conf',
    prepare: owns('/srv/app', `mkdir /srv/app/conf; echo old >/srv/app/conf/app.conf;`),
    action: file,
    inputs: { Host: 'h1', Path: '/srv/app/conf/app.conf', Content: 'new\n', Owner: attacker, Mode: '0666' },
  },
  'host:file that is to be absent': {
    path: '/srv/app/conf/app.conf',
    prepare: owns('/srv/app', `mkdir /srv/app/conf; echo old >/srv/app/conf/app.conf;`),
    action: file,
    inputs: { Host: 'h1', Path: '/srv/app/conf/app.conf', State: 'absent' },
  },
  'host:binary of a service': {
    path: '/srv/app/bin/tool',
    prepare: owns(
      '/srv/app',
      `mkdir /srv/app/bin; echo 1 >/srv/app/bin/tool; echo 2 >/srv/app/bin/tool.new;`,
    ),
    action: binary,
    inputs: { Host: 'h1', Path: '/srv/app/bin/tool', State: 'swapped', Sha256: sha('2\n') },
  },
  'host:binary that is staged': {
    path: '/srv/app/bin/tool.new',
    prepare: owns('/srv/app', `mkdir /srv/app/bin; echo 1 >/srv/app/bin/tool; echo 2 >/srv/tool-2;`),
    action: binary,
    inputs: {
      Host: 'h1',
      Path: '/srv/app/bin/tool',
      State: 'staged',
      Source: '/srv/tool-2',
      Sha256: sha('2\n'),
    },
  },
};
const names = Object.keys(attacks) as Attack[];
/** Of the pair of tls:installCertificate only the scripts: a handshake is not a race. */
const pair: Target = {
  path: '/srv/app/certs/private.key',
  prepare: owns(
    '/srv/app',
    'mkdir /srv/app/certs; echo old >/srv/app/certs/private.key; echo old >/srv/app/certs/public.crt;',
  ),
};
const mine: LockEntry = {
  owner: 'f0/01RACE',
  folderId: 'f0',
  executionId: '01RACE',
  runbook: 'race',
  who: 'ops@here',
  lock: 'host:h1',
  since: 1,
};

describe.skipIf(reason)(
  `root in folders of others${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: isThorough ? 3_600_000 : 120_000 },
  () => {
    let lab: Lab;
    let host: Host;
    let world: World;
    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1'] });
      host = labHost(lab, 'h1');
      world = { hosts: { h1: host } };
      await wrapTools(lab, 'h1');
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);
    afterEach(async () => {
      // What an attacker made under the names of Belay's own files is his, and would look like something that Belay left.
      const made = `find /srv/app* /home/${attacker} -name '.belay*' -prune -exec rm -rf {} +`;
      await lab.exec(
        'h1',
        `rm -f /run/race/attack; rm -rf /var/lib/belay /var/tmp/belay-lock*; ${made} 2>/dev/null || :`,
      );
    });

    /** The step and its undo under attack; refusals are as good an end as any, so long as nothing was won. */
    const attacked = async (work: Work, attack: Attack, at: number | 'every') => {
      const before = await arm(lab, 'h1', attack, work, at);
      const said: string[] = [];
      const started = Date.now();
      try {
        const done = await run(work.action, work.inputs, world);
        said.push(done.ending.kind === 'failed' ? done.ending.message : 'done');
        const undone = await undo(work.action, done, world);
        said.push(undone.kind === 'failed' ? undone.message : 'undone');
      } catch (error) {
        if (!(error instanceof NotDone)) throw error;
        said.push(error.message);
      }
      const end = await disarm(lab, 'h1', before);
      return { ...end, said, seconds: (Date.now() - started) / 1000 };
    };

    describe.for(Object.entries(works))('%s', ([name, work]) => {
      test.for(drawn(`the attack on ${name}`, names) as readonly Attack[])(
        'is not won by anybody where, before every call of a tool, %s',
        async (attack) => {
          const { won, said, seconds } = await attacked(work, attack, 'every');
          expect({ won, said }).toMatchObject({ won: [] });
          expect(seconds).toBeLessThan(60);
          for (const sentence of said) expect(sentence).toMatch(/^(done|undone|h1 .*: .+)$/su);
        },
      );

      test.runIf(isThorough)('is not won at any single call of a tool either', async () => {
        for (const attack of names) {
          const { calls } = await attacked(work, attack, 1_000_000);
          for (let at = 1; at <= calls; at += 1) {
            const { won, said } = await attacked(work, attack, at);
            expect({ attack, at, won, said }).toMatchObject({ won: [] });
          }
        }
      });

      // In ordinary folders that is what every other test of these actions shows.
      test.runIf(isThorough || work.action === file)(
        'is done, and undone, where nobody attacks',
        async () => {
          await arm(lab, 'h1', names[0] ?? 'the file becomes a link', work, 1_000_000);
          const done = await run(work.action, work.inputs, world);
          expect(done.ending).toMatchObject({ kind: 'done' });
          expect(await undo(work.action, done, world)).toMatchObject({ kind: 'done' });
          const { stdout } = await lab.exec('h1', `find /srv/app /home/${attacker} -name '.belay*'`);
          expect(stdout).toBe('');
        },
      );
    });

    test.for(drawn('the attack on a certificate and its key', names) as readonly Attack[])(
      'a certificate and its key are not won by anybody where, before every call of a tool, %s',
      async (attack) => {
        const signal = AbortSignal.timeout(60_000);
        const before = await arm(lab, 'h1', attack, pair, 'every');
        const files = ['/srv/app/certs/public.crt', pair.path];
        await host.read(observePair(files), { signal, timeoutMs: 30_000 });
        const token = `race-${Date.now()}`;
        const script = installPair(
          ['k', ...files, sha('old\n'), sha('old\n'), '-', 'HUP'],
          new TextEncoder().encode('root only: key\n'),
        );
        await host.start(token, { ...script, env: { BELAY_CERTIFICATE: 'crt\n' } }, { signal });
        const sink = { write: () => {} };
        for (;;) {
          const state = await host.poll(token, {
            from: { stdout: 0, stderr: 0 },
            sink,
            waitMs: 5_000,
            signal,
          });
          if (state.kind !== 'running') break;
        }
        const { won } = await disarm(lab, 'h1', before);
        // The new key is his, once it is in its place.
        expect(won.filter((what) => !/lies in \S*private\.key$/.test(what))).toEqual([]);
      },
    );

    describe('the lock of a host', () => {
      const signal = () => AbortSignal.timeout(40_000);
      const asAttacker = (text: string) =>
        lab.exec(
          'h1',
          `cd /var/tmp && setpriv --reuid ${attacker} --regid ${attacker} --clear-groups sh -c '${text}'`,
        );
      const victim = async () =>
        (await lab.exec('h1', 'stat -c "%U %a %y %h" /etc/victim; cat /etc/victim')).stdout;

      test.for([
        ['a folder of his', 'mkdir -m 777 belay-lock', 'directory'],
        ['a FIFO', 'mkfifo -m 666 belay-lock', 'fifo'],
        ['a link to a file of root', 'ln -s /etc/victim belay-lock', 'symbolic link'],
        ['another name of a file of root', 'ln /etc/victim belay-lock', 'regular file of the user root'],
        ['a file of his', 'printf "\\033[2Jmine\\n" >belay-lock', 'regular file'],
      ] as const)(
        'is refused with path and owner where somebody has made %s of it',
        async ([, text, kind]) => {
          await lab.exec('h1', `rm -rf /etc/victim; echo 'root only' >/etc/victim; chmod 600 /etc/victim`);
          if (text.startsWith('ln /')) await lab.exec('h1', `cd /var/tmp && ${text}`);
          else await asAttacker(text);
          const before = await victim();
          for (const ask of [() => takeEntry(host, mine, signal()), () => lookAtEntry(host, signal())]) {
            const refused = await ask().then(String, (error: unknown) => error);
            expect(refused).toBeInstanceOf(HostFailure);
            const { message } = refused as HostFailure;
            expect(message).toContain('/var/tmp/belay-lock is not a lock that Belay made');
            expect(message).toContain(kind);
            if (kind !== 'regular file of the user root')
              expect(message).toContain(`of the user ${attacker}`);
            expect(message).not.toMatch(/root only|mine|\p{Cc}/u);
          }
          expect(await giveEntry(host, mine.owner, signal())).toEqual({ kind: 'free' });
          expect(await victim()).toBe(before);
        },
      );

      test('is not the concern of whoever made the folder of earlier versions', async () => {
        await lab.exec('h1', `rm -rf /etc/victim; echo 'root only' >/etc/victim; chmod 600 /etc/victim`);
        await asAttacker('mkdir -m 777 belay-locks; ln -s /etc/victim belay-locks/host');
        const before = await victim();
        expect(await takeEntry(host, mine, signal())).toEqual({ kind: 'taken' });
        await asAttacker('rm belay-locks/host; mkfifo -m 666 belay-locks/host');
        expect(await takeEntry(host, mine, signal())).toEqual({ kind: 'taken' });
        await asAttacker('rm -rf belay-locks; ln -s /etc belay-locks; rm -f belay-lock');
        expect(await lookAtEntry(host, signal())).toEqual({ kind: 'held', entry: mine });
        expect(await giveEntry(host, mine.owner, signal())).toEqual({ kind: 'free' });
        expect(await victim()).toBe(before);
      });

      test('that an earlier version took is respected, and its own execution finds it', async () => {
        const entry = ['f0/01OLD', 'old', 'ops@there', 'host:h1', '1', 'end'].join('\\n');
        await lab.exec(
          'h1',
          `mkdir -m 1777 /var/tmp/belay-locks; printf '${entry}\\n' >/var/tmp/belay-locks/host`,
        );
        expect(await takeEntry(host, mine, signal())).toMatchObject({
          kind: 'held',
          entry: { owner: 'f0/01OLD', who: 'ops@there', since: 1 },
        });
        expect(await takeEntry(host, { ...mine, owner: 'f0/01OLD' }, signal())).toEqual({ kind: 'taken' });
        expect(await lookAtEntry(host, signal())).toMatchObject({
          entry: { owner: 'f0/01OLD', runbook: 'race' },
        });
        expect(await giveEntry(host, 'f0/01OLD', signal())).toEqual({ kind: 'free' });
        expect(await lookAtEntry(host, signal())).toEqual({ kind: 'free' });
      });
    });
  },
);
