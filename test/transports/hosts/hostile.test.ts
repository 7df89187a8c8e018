/**
 * A host that is somebody else's by now: a real OpenSSH server whose forced command answers as it likes. What it says may
 * fail its own step, and nothing more: the run ends in its time, and what was done elsewhere is taken back.
 */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BelayFolder } from '../../cli/belay-process.ts';
import { isThorough } from '../../evidence/sample.ts';
import { makeSshLab, noSshd, type SshLab } from './sshd.ts';

const title = `hosts that answer as they like${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;
const stepSeconds = 3;

/** Who it is, it says honestly; then it reads far enough to know the nonce and the request. */
const forced = (modeFile: string): string => `#!/bin/sh
case $SSH_ORIGINAL_COMMAND in *readlink*) /bin/sh -c "$SSH_ORIGINAL_COMMAND" </dev/null; IFS= read -r go ;; esac
mode=$(cat ${modeFile})
[ "$mode" != noise ] || { head -c 300000 /dev/urandom; head -c 9000000 /dev/urandom >&2; sleep 60; exit; }
while IFS= read -r line; do case $line in b_nonce=*) nonce=\${line#b_nonce=}; nonce=\${nonce%% *}; break ;; esac; done
say() { printf '%s %s\\n' "$nonce" "$*" >&2; }
printf '%s\\n' "$nonce"
say 0 ready 0 01234567-89ab-cdef-0123-456789abcdef /var/lib/belay
while IFS= read -r line; do case $line in b_pass*) break ;; esac; done
case $mode in
  dialect) say 1 vanished __proto__ constructor ;;
  torrent) say 1 begun; while printf '%s 1 o 65536\\n' "$nonce"; do head -c 65536 /dev/zero; done ;;
  alive) say 1 begun; while echo . >&2; do sleep 0.1; done ;;
  dots) while echo . >&2; do sleep 0.1; done ;;
esac
sleep 60
`;

describe.skipIf(noSshd !== undefined)(title, { timeout: 300_000 }, () => {
  let lab: SshLab;
  let folder: BelayFolder;
  const changed = (): string => join(lab.folder, 'changed');
  const mode = (name: string): void => writeFileSync(join(lab.folder, 'mode'), name);

  beforeAll(async () => {
    lab = makeSshLab();
    const force = join(lab.folder, 'force');
    writeFileSync(force, forced(join(lab.folder, 'mode')));
    chmodSync(force, 0o755);
    const [good, bad] = [await lab.start(), await lab.start([`ForceCommand ${force}`])];
    lab.know(good, bad);
    folder = new BelayFolder();
    const entry = ({ port }: { readonly port: number }) => ({
      address: '127.0.0.1',
      port,
      user: lab.address(good).user,
      identityFile: lab.identityFile,
      knownHostsFile: lab.knownHosts,
    });
    folder.write('belay.yaml', JSON.stringify({ hosts: { good: entry(good), bad: entry(bad) } }));
    const steps = [
      {
        name: 'Change',
        action: 'host:file',
        inputs: { Host: 'good', Path: changed(), Content: 'changed\n' },
      },
      {
        name: 'Ask',
        action: 'host:command',
        timeoutSeconds: stepSeconds,
        inputs: { Host: 'bad', Script: 'true' },
        undo: { none: 'it changes nothing' },
      },
    ];
    folder.write(
      'two.yaml',
      JSON.stringify({
        schemaVersion: '0.3',
        rollback: { when: 'onFailure', timeoutSeconds: 60 },
        mainSteps: steps,
      }),
    );
  });
  afterAll(async () => {
    folder?.clear();
    await lab?.close();
  });

  const cases: { name: string; said: RegExp; long?: true }[] = [
    { name: 'dialect', said: /BAD_REPLY|makes no sense/ },
    { name: 'noise', said: /BAD_REPLY|makes no sense/ },
    { name: 'torrent', said: /BAD_REPLY|makes no sense/ },
    { name: 'alive', said: /did not end within 3 s|TimedOut|timed out/i, long: true },
    { name: 'dots', said: /NO_REPLY/, long: true },
  ];
  // Which failure it is tells how long it was waited for: nonsense ends it at once, by no clock.
  // A host that lets itself be waited for is waited for: to stop what may run there, and to find out whether it does.
  test.each(cases.filter(({ long }) => isThorough || long === undefined))(
    'one with $name fails its step in time, and the other host is put back',
    async ({ name, said }) => {
      mode(name);
      const { code, stdout, stderr } = await folder.run(['run', 'two.yaml', '-y']);
      const all = `${stdout}${stderr}`;
      expect(all).not.toMatch(/bug in Belay/i);
      expect(all).toMatch(said);
      expect(code, all).not.toBe(0);
      expect(existsSync(changed()), all).toBe(false);
    },
  );
});
