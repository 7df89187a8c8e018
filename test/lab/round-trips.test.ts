/**
 * How often a host is asked for one step of an action, counted where the bytes go: once before the step, once for all of it, for a file
 * and for packages once right behind it (what somebody else changes later is told from that), and once when everything is done. An undo
 * takes one, and two looks around it. What takes long is looked at besides, for its output, at most every two seconds in the end.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { openTransports } from '../../src/runtime/transports.ts';
import type { HostAddress } from '../../src/transports/host.ts';
import { channelHost } from '../../src/transports/hosts/channel-host.ts';
import { SshNetwork } from '../../src/transports/hosts/ssh.ts';
import { watched, type ProtocolStep } from '../evidence/hosts/killed-at.ts';
import { Lab } from './hosts/lab.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(`round trips${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ hosts: ['h1'] });
    await lab.publish('h1', 'old');
    await lab.exec(
      'h1',
      "apt-get update; printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/idle.service; systemctl daemon-reload; systemctl start idle",
    );
  }, 360_000);
  afterAll(() => lab?.down(), 60_000);

  test.each<[string, number, JsonObject]>([
    ['host:command', 0, { Command: ['true'] }],
    ['host:service', 2, { Name: 'idle', State: 'stopped' }],
    ['host:file', 3, { Path: '/root/file', Content: 'new' }],
    ['host:package', 3, { Names: ['belay-demo'] }],
  ])('%s: one to act, and %i to look', { timeout: 120_000 }, async (action, reads, inputs) => {
    const dir = mkdtempSync(join(tmpdir(), 'belay-trips-'));
    const asked: ProtocolStep[] = [];
    const network = new SshNetwork({ stateDir: dir });
    const address: HostAddress = {
      name: 'h1',
      transport: 'ssh',
      address: lab.address('h1'),
      user: 'ops',
      identityFile: lab.identityFile,
      knownHostsFile: lab.knownHosts,
      become: 'sudo',
      tags: {},
    };
    const channel = watched(network.channel(address), (step) => {
      asked.push(step);
    });
    const host = channelHost(address, 'h1', channel);
    const belay = new Belay({
      state: join(dir, 'state'),
      cwd: dir,
      env: { ...process.env, HOME: dir },
      stdin: () => Promise.resolve(''),
      openTransports: async (options) => ({ ...(await openTransports(options)), host: () => host }),
    });
    const count = (step: ProtocolStep): number => asked.filter((one) => one === step).length;
    try {
      const step = { name: 'Act', action, inputs: { Host: 'h1', ...inputs } };
      const undo = action === 'host:command' ? { undo: { none: 'it does nothing' } } : {};
      const file = join(dir, 'r.yaml');
      writeFileSync(file, JSON.stringify({ schemaVersion: '0.3', mainSteps: [{ ...step, ...undo }] }));
      const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
      expect(await belay.run(id, { onWait: 'leave' })).toMatchObject({ result: { status: 'Success' } });
      expect(count('> start')).toBe(1);
      expect(count('> read'), asked.join()).toBe(reads);
      if (reads === 0) return;
      await belay.requestRollback(id, { force: false });
      expect(await belay.run(id, { onWait: 'leave' })).toMatchObject({ result: { rollbackStatus: 'clean' } });
      expect(count('> start')).toBe(2);
      // Whether somebody else has changed it since, and what the undo left.
      expect(count('> read')).toBe(reads + 2);
      if (action !== 'host:package') expect(count('> look')).toBeLessThanOrEqual(12);
    } finally {
      await host.close();
      await network.close();
      belay.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
