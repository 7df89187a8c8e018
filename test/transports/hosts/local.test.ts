/** The local transport, on every POSIX shell that this machine has. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { HostAddress } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import type { HostShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { failureOf, never, newToken, read, run } from '../../contract/host/command.ts';
import { echoServer } from '../../contract/host/dial.ts';
import { hostContract } from '../../contract/host.ts';
import { shellsHere, withFilesForDocuments } from './shells.ts';

const address: HostAddress = { name: 'here', transport: 'local', become: 'none', tags: {} };
const folder = mkdtempSync(join(tmpdir(), 'belay-local-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

for (const { name, shell, skip } of shellsHere(folder)) {
  hostContract(
    `a local host whose shell is ${name}`,
    async () => {
      const stateBase = mkdtempSync(join(folder, 'state-'));
      const [host, other] = [1, 2].map(() => localHost(address, { ...shell, stateBase }));
      if (host === undefined || other === undefined) throw new Error('two hosts were made');
      const listener = await echoServer();
      return {
        host,
        other,
        listener,
        close: async () => {
          await Promise.all([host.close(), other.close(), listener.close()]);
        },
      };
    },
    {
      fast: shell === defaultShell,
      ignoresInterrupt: name === 'busybox',
      ...(skip === undefined ? {} : { skip }),
    },
  );
}

describe('the pipes of a keeper', () => {
  const oldBash = withFilesForDocuments(mkdtempSync(join(folder, 'old-bash-')));
  const shells = [
    { name: 'that the shell makes for here-documents', shell: defaultShell as HostShell | undefined },
    { name: 'that have names, where here-documents are files', shell: oldBash },
  ];
  for (const { name, shell } of shells) {
    it.skipIf(shell === undefined)(`${name}, carry commands and reads side by side`, async () => {
      const stateBase = mkdtempSync(join(folder, 'pipes-'));
      const host = localHost(address, { ...(shell ?? defaultShell), stateBase });
      const texts = ['one', 'two', 'three', 'four'];
      const ran = await Promise.all([
        ...texts.map((text) => run(host, `printf %70000s ${text}`)),
        ...texts.map((text) => read(host, { text: `printf %70000s ${text}` })),
      ]);
      expect(ran.map(({ stdout }) => stdout)).toEqual(
        [...texts, ...texts].map((text) => text.padStart(70_000)),
      );
      await host.close();
    });
  }
});

describe('the state folder', () => {
  const withBase = (stateBase: string): HostShell => ({ ...defaultShell, stateBase });
  const own = `belay-${process.getuid?.()}`;

  it('is refused when it is a link', async () => {
    const base = mkdtempSync(join(folder, 'link-'));
    mkdirSync(join(base, 'elsewhere'));
    symlinkSync(join(base, 'elsewhere'), join(base, own));
    const failure = await failureOf(
      localHost(address, withBase(base)).start(newToken(), { text: 'true' }, { signal: never }),
    );
    expect(failure).toMatchObject({ code: 'STATE_UNUSABLE', effect: 'none' });
    expect(failure.message).toContain('is not a folder of user');
  });

  it.skipIf(process.getuid?.() !== 0)(
    'is refused when another user made it (only root can try)',
    async () => {
      const base = mkdtempSync(join(folder, 'foreign-'));
      mkdirSync(join(base, own));
      chownSync(join(base, own), 65_534, 65_534);
      const failure = await failureOf(
        localHost(address, withBase(base)).start(newToken(), { text: 'true' }, { signal: never }),
      );
      expect(failure.code).toBe('STATE_UNUSABLE');
    },
  );

  it('is refused when it cannot be made', async () => {
    const failure = await failureOf(
      localHost(address, withBase(join(folder, 'missing'))).start(
        newToken(),
        { text: 'true' },
        { signal: never },
      ),
    );
    expect(failure.code).toBe('STATE_UNUSABLE');
    expect(failure.message).toContain('cannot be made');
  });

  it('is closed to others when its owner left it open', async () => {
    const base = mkdtempSync(join(folder, 'open-'));
    mkdirSync(join(base, own), { mode: 0o755 });
    const host = localHost(address, withBase(base));
    await host.start(newToken(), { text: 'true' }, { signal: never });
    expect((await read(host, { text: 'ls -ld "$1"', args: [join(base, own)] })).stdout).toMatch(
      /^drwx------/,
    );
  });
});

describe('a state folder that is taken away while a connection lasts', () => {
  it('is made again, and looked at again', async () => {
    const base = mkdtempSync(join(folder, 'gone-'));
    const host = localHost(address, { ...defaultShell, stateBase: base });
    await run(host, 'true');
    rmSync(join(base, `belay-${process.getuid?.()}`), { recursive: true });
    expect((await run(host, 'echo back')).stdout).toBe('back\n');
    rmSync(join(base, `belay-${process.getuid?.()}`), { recursive: true });
    symlinkSync('/tmp', join(base, `belay-${process.getuid?.()}`));
    const failure = await failureOf(host.start(newToken(), { text: 'true' }, { signal: never }));
    expect(failure.code).toBe('STATE_UNUSABLE');
    await host.close();
  });
});

describe('a connection that nobody closed', () => {
  it('does not keep Belay from ending', { timeout: 60_000 }, () => {
    const program = join(import.meta.dirname, 'left-open.ts');
    expect(execFileSync(process.execPath, [program], { encoding: 'utf8', timeout: 30_000 })).toBe('read\n');
  });
});
