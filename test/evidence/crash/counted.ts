/** One host on which commands.yaml counts what ran, and the hold that keeps its first command going. */
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Bed } from './bed.ts';

export const commandsRunbook = fileURLToPath(new URL('commands.yaml', import.meta.url));
/** Whoever runs the tests: the runbook calls no AWS, so people are known by their user names. */
export const approver = userInfo().username;

export interface Counted {
  /** As root, past Belay. Throws when it fails. */
  onHost(script: string): Promise<string>;
  /** Nothing has run, and the first command will wait. */
  hold(): Promise<void>;
  letGo(): Promise<void>;
  /** What ran, in order. */
  ran(): Promise<string[]>;
  /** Resolves when the host has seen so many. */
  untilRan(count: number): Promise<void>;
}

export function counted(bed: Bed, host: string): Counted {
  const onHost = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await bed.world.lab.exec(host, script);
    if (code !== 0) throw new Error(`${host}: ${script} ended with ${code}: ${stderr}`);
    return stdout.trim();
  };
  const ran = async (): Promise<string[]> =>
    (await onHost('cat /var/tmp/steps 2>/dev/null || true')).split('\n').filter((line) => line !== '');
  return {
    onHost,
    hold: async () => {
      await onHost('rm -f /var/tmp/steps; touch /var/tmp/hold');
    },
    letGo: async () => {
      await onHost('rm -f /var/tmp/hold');
    },
    ran,
    untilRan: async (count) => {
      const giveUpAt = Date.now() + 60_000;
      while ((await ran()).length < count) {
        if (Date.now() > giveUpAt)
          throw new Error(`${host} has seen ${(await ran()).length} of ${count} commands`);
        await delay(200);
      }
    },
  };
}
