/** What other accounts lay into the inbox of the state folder: a signed decision counts, whoever laid it there, and nothing else does anything. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BelayFolder, idIn, type Running } from '../cli/belay-process.ts';
import { startSmallSts } from './small-sts.ts';

const reason = process.getuid?.() === 0 ? undefined : 'only root can act as another account';
/** The user `nobody`, who is everywhere. */
const stranger = 65_534;
const as = (script: string, input = ''): string =>
  execFileSync('sh', ['-c', script], {
    uid: stranger,
    gid: stranger,
    input,
    encoding: 'utf8',
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin' },
  });

describe.skipIf(reason)(
  `an account that may read nothing of the state folder${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let folder: BelayFolder;
    let running: Running | undefined;
    let id = '';
    let inbox = '';
    beforeEach(() => {
      folder = new BelayFolder();
      chmodSync(folder.dir, 0o711);
      inbox = join(folder.state, 'inbox');
    });
    afterEach(() => {
      running?.child.kill('SIGKILL');
      folder.clear();
    });

    function keyOf(person: string): string {
      const file = join(folder.dir, `key-of-${person}`);
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', person, '-f', file]);
      return file;
    }
    const publicOf = (file: string) => readFileSync(`${file}.pub`, 'utf8').trim();

    async function waiting(approvers: object, approvals: object = {}) {
      folder.write('belay.yaml', JSON.stringify({ approvers, approvals: { inbox: true, ...approvals } }));
      const file = folder.write(
        'ask.yaml',
        JSON.stringify({
          schemaVersion: '0.3',
          mainSteps: [
            {
              name: 'Ask',
              action: 'aws:approve',
              inputs: { Message: 'May I?', Approvers: Object.keys(approvers) },
            },
          ],
          outputs: ['Ask.ApproverDecisions'],
        }),
      );
      running = folder.start(['run', file, '-y']);
      id = idIn(await running.says('belay approve'));
      const { code, stdout } = await folder.run(['approve', id, '--request']);
      expect(code).toBe(0);
      return { running, request: folder.write('request', stdout) };
    }
    const signed = async (
      request: string,
      words: readonly string[],
      env: Record<string, string> = {},
    ): Promise<string> => {
      const { code, stdout, stderr } = await folder.run(['sign', request, '--out', '-', ...words], env);
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('May I?') });
      return stdout;
    };

    test('approves by a file that an approver has signed', async () => {
      const key = keyOf('alice');
      const { running: run, request } = await waiting({ alice: { keys: [publicOf(key)] } });
      const decision = await signed(request, ['--key', key, '--comment', 'go']);
      expect(() => as(`ls ${inbox}`)).toThrow(/denied/);
      expect(() => as(`cat ${join(folder.state, 'journal.db')}`)).toThrow(/denied/);
      as(`umask 022; cat >${inbox}/mine`, decision);
      const ended = await run.ended;
      expect(ended).toMatchObject({ code: 0 });
      expect(ended.stdout).toContain('"SignedBy":"alice"');
      expect(readdirSync(inbox)).toEqual([]);
      expect(statSync(inbox).mode & 0o7777).toBe(0o1733);
    });

    test('lays it there itself, whole, by belay sign', async () => {
      const key = keyOf('alice');
      const { running: run, request } = await waiting({ alice: { keys: [publicOf(key)] } });
      expect(await folder.run(['sign', request, '--key', key, '--reject'])).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('rejected as alice'),
      });
      expect(await run.ended).toMatchObject({ code: 5 });
    });

    test('approves while nobody runs the execution: the next runner takes it', async () => {
      const key = keyOf('alice');
      const { running: run, request } = await waiting({ alice: { keys: [publicOf(key)] } });
      run.child.kill('SIGKILL');
      await run.ended;
      as(`umask 022; cat >${inbox}/mine`, await signed(request, ['--key', key]));
      expect(await folder.run(['resume', id, '--no-wait'])).toMatchObject({ code: 0 });
    });

    test('proves its AWS identity by a file, which AWS is asked about when it is taken', async () => {
      const caller = { secret: 's', arn: 'arn:aws:iam::111122223333:user/carol' };
      const sts = await startSmallSts({ AKIA00000000CAROL000: caller });
      try {
        const { running: run, request } = await waiting(
          { carol: { arns: [caller.arn] } },
          { stsEndpoint: sts.url },
        );
        const env = {
          AWS_ACCESS_KEY_ID: 'AKIA00000000CAROL000',
          AWS_SECRET_ACCESS_KEY: 's',
          AWS_REGION: 'eu-west-1',
        };
        const decision = await signed(request, ['--aws'], env);
        // What it says that AWS has answered counts for nothing, and neither does another word.
        const forged = { ...(JSON.parse(decision) as { aws: object }), comment: 'other' };
        as(`umask 022; cat >${inbox}/forged`, JSON.stringify(forged));
        expect(await run.says('does not count')).toContain('SignatureDoesNotMatch');
        as(`umask 022; cat >${inbox}/mine`, decision);
        expect(await run.ended).toMatchObject({
          code: 0,
          stdout: expect.stringContaining(`"Key":"${caller.arn}"`),
        });
      } finally {
        await sts.close();
      }
    });

    test('does nothing by any other file: each is told and set aside, and the run goes on', async () => {
      const [key, other] = [keyOf('alice'), keyOf('mallory')];
      const { running: run, request } = await waiting({ alice: { keys: [publicOf(key)] } });
      const good = JSON.parse(await signed(request, ['--key', key])) as Record<string, unknown>;
      const victim = folder.write('victim', 'root only');
      chmodSync(victim, 0o600);
      const text = JSON.stringify(good);
      const signature = execFileSync('ssh-keygen', ['-Y', 'sign', '-f', other, '-n', 'belay-approval'], {
        input: 'x',
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      const put = (name: string, value: unknown): string =>
        `printf %s '${JSON.stringify(value).replaceAll("'", `'\\''`)}' >${name}`;
      as(
        [
          `umask 022; cd ${inbox}`,
          'mkfifo fifo; mkdir folder; mkdir full; touch full/x; ln -s /dev/zero zero; ln -s ../journal.db link',
          `ln -s ${victim} secret; ln -s . loop; : >empty; touch -d '1 hour ago' empty`,
          `head -c 40000 /dev/zero >big; printf '\\377\\376' >bytes; touch -d '1 hour ago' bytes`,
          `printf '{{{{' >nonsense; touch -d '1 hour ago' nonsense`,
          put(`"$(printf 'esc\\033[2J\\n;id')"`, { belay: 'decision 1' }),
          put('unsigned', { ...good, signature: undefined }),
          put('another', { ...good, signature }),
          put('changed', { ...good, comment: 'other' }),
          put('elsewhere', { ...good, executionId: '000000000000' }),
          put('step', { ...good, step: 'Other' }),
          put('wait', { ...good, wait: 'Ask#2' }),
          put('who', { ...good, approver: 'mallory' }),
          put('proto', { ...good, __proto__: 1, approver: '__proto__' }),
          put('types', { ...good, comment: { length: 1 } }),
          put('child', { ...good, executionId: `${id}.0000000000` }),
          `chmod 000 step`,
        ].join('\n'),
      );
      for (const why of [
        'it is a link',
        'it is not a file',
        'it is longer than',
        'it is not a decision',
        'it is not signed',
        'no approver has its key',
        'not over this decision',
        'there is no execution 000000000000 here',
        'does not wait for it',
        'it names no approver',
        'it is not UTF-8',
        'of what it is',
      ])
        await run.says(why);
      const said = await run.says('cannot be removed').catch((error: unknown) => String(error));
      expect(said).not.toMatch(/[^\P{Cc}\n]/u);
      expect(said).not.toContain('root only');
      as(`umask 022; cat >${inbox}/mine`, text);
      expect(await run.ended).toMatchObject({ code: 0 });
      expect(readFileSync(victim, 'utf8')).toBe('root only');
      expect(existsSync(join(folder.state, 'journal.db'))).toBe(true);
    });
  },
);
