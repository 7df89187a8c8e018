import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { binary } from '../../src/actions/host/binary.ts';
import { carryOut, observe, run, undo, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';

const reason = Lab.unavailable();
const Path = '/usr/local/bin/tool';

describe.skipIf(reason)(
  `host:binary on a real host${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let lab: Lab;
    let world: World;
    let oldSha: string;
    let newSha: string;
    const sh = async (text: string) => {
      const { stdout, stderr, code } = await lab.exec('h1', text);
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };
    const stage = (more = {}) => ({
      Host: 'h1',
      Path,
      State: 'staged',
      Source: '/srv/tool-2',
      Sha256: newSha,
      ...more,
    });
    const swap = () => ({ Host: 'h1', Path, State: 'swapped', Sha256: newSha });
    /** Every file beside the program, by name, with owner, mode and inode. */
    const folder = () =>
      sh(`ls -Aln --time-style=+ /usr/local/bin | awk '/tool|belay/ { print $1, $3, $4, $NF }'`);

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1'] });
      world = { hosts: { h1: labHost(lab, 'h1') } };
      // Two programs of unequal bytes; what follows an ELF file's end is not looked at.
      await sh('cp /bin/sleep /srv/tool-1; { cat /bin/sleep; echo 2; } >/srv/tool-2; chmod 600 /srv/tool-2');
      oldSha = (await sh('sha256sum </srv/tool-1')).slice(0, 64);
      newSha = (await sh('sha256sum </srv/tool-2')).slice(0, 64);
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);
    beforeEach(async () => {
      await sh(
        `rm -rf /var/lib/belay ${Path}*; cp /srv/tool-1 ${Path}; chown daemon:daemon ${Path}; chmod 0750 ${Path}`,
      );
    });

    test('stages beside, swaps under a running program, and undo of both leaves the folder as it was', async () => {
      const before = await folder();
      await sh(`setsid ${Path} 60 >/dev/null 2>&1 & sleep 0.2`);
      const staged = await run(binary, stage(), world, { lostReply: true });
      expect(staged.ending).toMatchObject({
        kind: 'done',
        outputs: { Sha256: oldSha, StagedSha256: newSha, PreviousSha256: null, Changed: true },
        changes: [{ target: 'h1', subject: `${Path}.new`, from: null, to: `sha256 ${newSha.slice(0, 8)}` }],
      });
      const afterStaging = await folder();
      const swapped = await run(binary, swap(), world, { lostReply: true });
      expect(swapped.ending).toMatchObject({
        kind: 'done',
        outputs: { Sha256: newSha, StagedSha256: null, PreviousSha256: oldSha },
        changes: [
          { subject: Path, from: `sha256 ${oldSha.slice(0, 8)}`, to: `sha256 ${newSha.slice(0, 8)}` },
        ],
      });
      expect(await folder()).toBe('-rwxr-x--- 1 1 tool\n-rwxr-x--- 1 1 tool.old');
      expect(await sh('sha256sum </proc/$(pgrep -x tool)/exe; pkill -x tool')).toBe(`${oldSha}  -`);

      expect((await run(binary, swap(), world)).ending).toMatchObject({ kind: 'done', changes: [] });
      expect(await undo(binary, swapped, world, { knowing: 'nothing' })).toMatchObject({ kind: 'done' });
      expect(await folder()).toBe(afterStaging);
      expect(await undo(binary, swapped, world)).toMatchObject({ kind: 'done', changes: [] });
      expect(await undo(binary, staged, world, { lostReply: true })).toMatchObject({ kind: 'done' });
      expect(await folder()).toBe(before);
      expect(await sh('find /var/lib/belay/binaries -type f')).toBe('');
    });

    test('restored is the swap back that a runbook asks for, and has an undo too', async () => {
      await run(binary, stage(), world);
      await run(binary, swap(), world);
      const inputs = { Host: 'h1', Path, State: 'restored', Sha256: oldSha };
      const done = await run(binary, inputs, world);
      expect(done.ending).toMatchObject({
        kind: 'done',
        outputs: { Sha256: oldSha, StagedSha256: newSha, PreviousSha256: null },
      });
      expect((await run(binary, inputs, world)).ending).toMatchObject({ kind: 'done', changes: [] });
      await undo(binary, done, world);
      expect(await observe(binary, inputs, world)).toEqual(done.before);
    });

    test('the program of an earlier swap is kept and comes back with the undo', async () => {
      await sh(`echo ancient >${Path}.old`);
      await run(binary, stage(), world);
      const done = await run(binary, swap(), world);
      await undo(binary, done, world);
      expect(await sh(`cat ${Path}.old`)).toBe('ancient');
      expect(await observe(binary, swap(), world)).toEqual(done.before);
    });

    test('another sha256, something else staged, or nothing staged changes nothing', async () => {
      const before = await folder();
      const wrong = await run(binary, stage({ Sha256: 'a'.repeat(64) }), world);
      expect(wrong.ending).toMatchObject({
        kind: 'failed',
        code: 'SHA256_MISMATCH',
        message: expect.stringMatching(new RegExp(`the sha256 ${newSha}, wanted a{64}; nothing was staged`)),
      });
      expect((await run(binary, stage({ Source: '/srv/none' }), world)).ending).toMatchObject({
        code: 'NO_SUCH_SOURCE',
      });
      await expect(run(binary, swap(), world)).rejects.toMatchObject({ code: 'NOT_STAGED' });
      expect(await folder()).toBe(before);
      await sh(`echo other >${Path}.new`);
      expect((await run(binary, stage(), world)).ending).toMatchObject({ code: 'STAGED_OTHER' });
      await expect(run(binary, swap(), world)).rejects.toMatchObject({ code: 'SHA256_MISMATCH' });
      expect(await sh(`cat ${Path}.new`)).toBe('other');
    });

    test('a program that somebody else replaced meanwhile is left alone by the undo', async () => {
      await run(binary, stage(), world);
      const done = await run(binary, swap(), world);
      await sh(`rm ${Path}; echo third >${Path}`);
      const sha = createHash('sha256').update('third\n').digest('hex');
      expect(await undo(binary, done, world)).toMatchObject({
        kind: 'failed',
        code: 'CHANGED_MEANWHILE',
        message: expect.stringContaining(`its sha256 is ${sha}`),
      });
      expect(await sh(`cat ${Path}`)).toBe('third');
    });

    test('a swap that was killed half-way is finished by the next, and undone as if it had been whole', async () => {
      await run(binary, stage(), world);
      const before = await observe(binary, swap(), world);
      // As a kill between the two renames leaves it.
      await sh(`ln ${Path} ${Path}.old`);
      const done = await carryOut(binary, swap(), before, world);
      expect(done.ending).toMatchObject({
        kind: 'done',
        outputs: { Sha256: newSha, PreviousSha256: oldSha },
      });
      await undo(binary, done, world);
      expect(await observe(binary, swap(), world)).toEqual(before);
    });

    test('fetches over https, and says so when the server cannot be trusted', async () => {
      await sh(
        `cd /srv && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2>/dev/null; setsid openssl s_server -quiet -WWW -accept 8443 -cert cert.pem -key key.pem >/dev/null 2>&1 & sleep 0.5`,
      );
      const inputs = stage({ Source: 'https://localhost:8443/tool-2' });
      const refused = await run(binary, inputs, world);
      expect(refused.ending).toMatchObject({ kind: 'failed', code: 'FETCH_FAILED' });
      expect(refused.logged).toContain('self-signed certificate');
      await sh('cat /srv/cert.pem >>/etc/ssl/certs/ca-certificates.crt');
      expect((await run(binary, inputs, world)).ending).toMatchObject({
        kind: 'done',
        outputs: { StagedSha256: newSha },
      });
    });
  },
);
