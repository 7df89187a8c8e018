/**
 * A step with `undo: { none: … }` leaves what its author wants to stay. However it ended and whatever began the rollback, the ending names it,
 * and calls its host "as it was" in no word. The world is a file on this machine.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endedOf, exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { endingLines } from '../../../src/cli/view/ending.ts';
import { executionJson } from '../../../src/cli/view/execution-json.ts';
import { peopleWords } from '../../../src/cli/view/people-words.ts';
import { showLines } from '../../../src/cli/view/show-lines.ts';
import { makeStyle } from '../../../src/cli/view/style.ts';
import type { JsonObject } from '../../../src/json.ts';
import { Belay } from '../../../src/runtime/belay.ts';
import { openTransports } from '../../../src/runtime/transports.ts';
import type { Host } from '../../../src/transports/host.ts';
import { keptIn } from '../../support/local-belay.ts';

const style = makeStyle({ color: false, unicode: true });
let dir: string;
let belay: Belay;
/** The runner dies right after the step with this text began. */
let killsAt = '';

class Killed extends Error {}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-by-word-'));
  writeFileSync(join(dir, 'belay.yaml'), 'hosts: { here: { transport: local } }\n');
  writeFileSync(path('ours'), 'before');
  killsAt = '';
  belay = new Belay({
    state: join(dir, 'state'),
    cwd: dir,
    env: { ...process.env, HOME: dir },
    stdin: () => Promise.resolve(''),
    openTransports: async (options) => {
      const transports = await openTransports(options);
      return { ...transports, host: (name) => dying(keptIn(dir, transports.host(name))) };
    },
  });
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true, force: true });
});

const path = (name: string): string => join(dir, name);

function dying(host: Host): Host {
  return {
    ...host,
    start: async (token, script, options) => {
      await host.start(token, script, options);
      if (killsAt === '' || !JSON.stringify([token, script]).includes(killsAt)) return;
      killsAt = '';
      throw new Killed();
    },
  };
}

const command = (script: string): JsonObject => ({
  action: 'host:command',
  inputs: { Host: 'here', Script: script },
});

const acts: Readonly<Record<string, () => JsonObject>> = {
  'done, told': () => ({
    action: 'host:file',
    inputs: { Host: 'here', Path: path('theirs'), Content: 'acted' },
  }),
  'done, told nothing': () => command(`echo acted >'${path('theirs')}'`),
  'failed, and its end is known': () => command(`echo acted >'${path('theirs')}'; exit 3`),
  'failed, and nobody knows how far it came': () => ({
    ...command(`echo acted >'${path('theirs')}'; sleep 600`),
    timeoutSeconds: 3,
  }),
  'killed in it': () => command(`echo acted >'${path('theirs')}'`),
};
const begunBy = ['itself', 'cancel', 'belay rollback'] as const;

async function start(act: JsonObject): Promise<string> {
  const file = path('runbook.json');
  const mainSteps = [
    { name: 'Ours', action: 'host:file', inputs: { Host: 'here', Path: path('ours'), Content: 'after' } },
    { name: 'Act', ...act, onFailure: 'Continue', undo: { none: 'it is to stay' } },
    {
      name: 'Ask',
      action: 'aws:approve',
      inputs: { Approvers: [userInfo().username], Message: 'go on?', MinRequiredApprovals: 1 },
    },
  ];
  writeFileSync(file, JSON.stringify({ schemaVersion: '0.3', rollback: { when: 'onFailure' }, mainSteps }));
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
  return id;
}

const goOn = (id: string): Promise<unknown> => belay.run(id, { onWait: 'leave' });

async function climbDown(id: string, by: (typeof begunBy)[number]): Promise<void> {
  switch (by) {
    case 'itself':
      await belay.decide(id, undefined, { decision: 'reject', comment: '' });
      break;
    case 'cancel':
      await belay.cancel(id);
      break;
    case 'belay rollback':
      await belay.decide(id, undefined, { decision: 'approve', comment: '' });
      await goOn(id);
      expect(endingLines(await belay.view(id), style).join('\n')).not.toContain('takes everything back');
      await belay.requestRollback(id, { force: false });
      break;
    default:
      by satisfies never;
  }
  await goOn(id);
}

describe.each(Object.keys(acts))('a step with undo none that %s', (how) => {
  test.each(begunBy)(
    'is named by an ending whose rollback was begun by %s',
    async (by) => {
      const id = await start(acts[how]?.() ?? {});
      if (how === 'killed in it') {
        killsAt = path('theirs');
        await expect(goOn(id)).rejects.toBeInstanceOf(Killed);
      }
      await goOn(id);
      await climbDown(id, by);

      const view = await belay.view(id);
      expect(view.rollbackStatus).toBe('clean');
      expect(exitCodeOf(endedOf(view))).toBe(by === 'belay rollback' ? 0 : 3);
      expect(readFileSync(path('ours'), 'utf8')).toBe('before');
      // On a machine with no time it may have ended before it began: then there is nothing to name.
      if (!existsSync(path('theirs'))) return;
      const ending = endingLines(view, style).join('\n');
      expect(ending).not.toMatch(/(?:^|[.,] )here is as it was/);
      expect(ending).toContain('What else was changed on here is as it was at');
      expect(ending).toMatch(/\bAct\b[^.]* on here[^.]*by its undo: none/);
      expect(showLines(view, style, Date.now()).join('\n')).toContain(ending);
      expect(peopleWords.ending(view).join('\n')).toBe(ending);
      const { account } = executionJson(view);
      expect(account.steps.find(({ step }) => step === 'Act')).toMatchObject({ stands: true });
      expect(JSON.stringify(account.byWord)).toContain('Act');
      expect(account.isUntouched).toBe(false);

      await belay.requestRollback(id, { force: true });
      await goOn(id);
      const again = endingLines(await belay.view(id), style).join('\n');
      expect(again).toContain('Nothing was done.');
      expect(again).toMatch(/\bAct\b.*undo: none|no undo: it is to stay/);
      expect(again).not.toMatch(/Act on here {2}as it was before/);
      expect(existsSync(path('theirs'))).toBe(true);
    },
    120_000,
  );
});
