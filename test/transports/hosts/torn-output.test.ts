/** What a script printed is gone, or cannot be read to its end, at the moment in which it is sent. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { HostAddress } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { failureOf, never, newToken, read, run, untilEnd } from '../../contract/host/command.ts';

const address: HostAddress = { name: 'here', transport: 'local', become: 'none', tags: {} };
const folder = mkdtempSync(join(tmpdir(), 'belay-torn-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A host one of whose tools does something else once, when `arm` was called. */
function hostWith(tool: string, instead: string) {
  const base = mkdtempSync(join(folder, 'host-'));
  const bin = join(base, 'bin');
  const mark = join(base, 'armed');
  mkdirSync(bin);
  writeFileSync(
    join(bin, tool),
    `#!/bin/sh\nif rm ${mark} 2>/dev/null; then ${instead}; fi\nexec /usr/bin/${tool} "$@"\n`,
  );
  chmodSync(join(bin, tool), 0o755);
  const stateBase = join(base, 'state');
  mkdirSync(stateBase);
  const shell = { ...defaultShell, stateBase, path: `${bin}:${defaultShell.path}` };
  return {
    host: localHost(address, shell),
    arm: () => writeFileSync(mark, ''),
    isArmed: () => existsSync(mark),
  };
}

describe('output that vanishes between its size and its bytes', { timeout: 30_000 }, () => {
  const instead = '/usr/bin/ls "$@"; for last; do rm -f "$last"; done; exit 0';

  it('fails the read alone, and the next one is answered', async () => {
    const { host, arm, isArmed } = hostWith('ls', instead);
    await read(host, 'true');
    arm();
    expect(await failureOf(read(host, 'echo four'))).toMatchObject({ code: 'STATE_UNUSABLE' });
    expect(isArmed()).toBe(false);
    expect((await read(host, 'echo again')).stdout).toBe('again\n');
    await host.close();
  });

  it('leaves a command that had begun to be asked again', async () => {
    const { host, arm, isArmed } = hostWith('ls', instead);
    await read(host, 'true');
    const token = newToken();
    arm();
    await host.start(token, { text: 'echo four; exit 3' }, { signal: never }).catch(() => {});
    const { state } = await untilEnd(host, token);
    expect(isArmed()).toBe(false);
    expect(state).toMatchObject({ kind: 'exited', exitCode: 3 });
    await host.close();
  });
});

describe('output of which only a part could be sent', { timeout: 30_000 }, () => {
  it('ends the connection as lost, and never as an answer that makes no sense', async () => {
    const { host, arm, isArmed } = hostWith('dd', 'printf fo; exit 1');
    await read(host, 'true');
    arm();
    expect(await failureOf(read(host, 'echo four'))).toMatchObject({ code: 'CONNECTION_LOST' });
    expect(isArmed()).toBe(false);
    expect((await read(host, 'echo again')).stdout).toBe('again\n');
    expect((await run(host, 'echo and again')).stdout).toBe('and again\n');
    await host.close();
  });
});
