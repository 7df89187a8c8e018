/**
 * A step of a child, or of a child of it, with `undo: { none: … }` that told nothing: the endings of the executions above name it, and call
 * its host "as it was" in no word. The world is a file on this machine.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endingLines } from '../../../src/cli/view/ending.ts';
import { executionJson } from '../../../src/cli/view/execution-json.ts';
import { makeStyle } from '../../../src/cli/view/style.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Belay } from '../../../src/runtime/belay.ts';
import { localBelay } from '../../support/local-belay.ts';

const style = makeStyle({ color: false, unicode: true });
let dir: string;
let belay: Belay;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-by-word-below-'));
  writeFileSync(join(dir, 'belay.yaml'), 'hosts: { here: { transport: local } }\n');
  writeFileSync(path('ours'), 'before');
  belay = localBelay(dir);
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true, force: true });
});

const path = (name: string): string => join(dir, name);
const ours = (): JsonObject => ({
  name: 'Ours',
  action: 'host:file',
  inputs: { Host: 'here', Path: path('ours'), Content: 'after' },
});
const act = (): JsonObject => ({
  name: 'Act',
  action: 'host:command',
  inputs: { Host: 'here', Script: `echo acted >'${path('theirs')}'` },
  undo: { none: 'it is to stay' },
});
/** It is stopped at its limit. */
const endless = (): JsonObject => ({
  ...act(),
  timeoutSeconds: 2,
  inputs: { Host: 'here', Script: `echo acted >'${path('theirs')}'; sleep 600` },
});
const call = (name: string): JsonObject => ({
  name: 'Call',
  action: 'aws:executeAutomation',
  inputs: { DocumentName: name },
});
const ask = (): JsonObject => ({
  name: 'Ask',
  action: 'aws:approve',
  inputs: { Approvers: [userInfo().username], Message: 'go on?', MinRequiredApprovals: 1 },
});

function write(name: string, ...mainSteps: JsonObject[]): string {
  writeFileSync(
    path(name),
    JSON.stringify({ schemaVersion: '0.3', rollback: { when: 'onFailure' }, mainSteps }),
  );
  return path(name);
}

async function run(file: string): Promise<string> {
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
  await belay.run(id, { onWait: 'leave' });
  return id;
}

/** How deep the step lies, and the name by which the execution on top knows it. */
const depths: readonly [string, string, () => string][] = [
  ['a child', 'Call/Act', () => 'below.json'],
  ['a child of a child', 'Call/Call/Act', () => write('between.json', call('below.json'))],
];

test.each(depths)(
  '%s that did nothing else: nobody says that nothing was changed',
  async (_, name, between) => {
    write('below.json', act());
    const id = await run(write('top.json', call(between())));
    const view = await belay.view(id);
    expect(view.status).toBe('Success');
    expect(readFileSync(path('theirs'), 'utf8')).toBe('acted\n');
    const ending = endingLines(view, style).join('\n');
    expect(ending).not.toContain('Nothing was changed');
    expect(ending).not.toContain('Call left no change');
    expect(ending).toContain(`${name} ran; by its undo: none there is nothing to take back.`);
    const { account } = executionJson(view);
    expect(account.isUntouched).toBe(false);
    expect(account.byWord.ran).toEqual([{ step: name, targets: ['here'] }]);
  },
);

test.each(depths)(
  '%s whose other steps were taken back: the host is not as it was',
  async (_, name, between) => {
    write('below.json', ours(), act());
    const id = await run(write('top.json', call(between()), ask()));
    await belay.decide(id, undefined, { decision: 'reject', comment: '' });
    await belay.run(id, { onWait: 'leave' });
    const view = await belay.view(id);
    expect(view.rollbackStatus).toBe('clean');
    expect(readFileSync(path('ours'), 'utf8')).toBe('before');
    expect(existsSync(path('theirs'))).toBe(true);
    const ending = endingLines(view, style).join('\n');
    expect(ending).not.toMatch(/(?:^|[.,] )here is as it was/);
    expect(ending).toContain(`${name} ran on here; by its undo: none there is nothing to take back.`);
    expect(ending).toContain('hat else was changed on here is as it was at');
  },
);

/** Some above it have nothing that they could take back. */
const above: readonly [string, string, () => JsonObject][] = [
  ['a child', 'Call/Act', () => call('below.json')],
  ['a child of a child', 'Call/Call/Act', () => call(write('between.json', call('below.json')))],
  [
    'a child of one that nobody is to take back',
    'Call/Call/Act',
    () => call(write('between.json', { ...call('below.json'), undo: { none: 'it is to stay, too' } })),
  ],
];

test.each(above)(
  'nobody knows how far %s came: it may have changed something, after a rollback, too',
  async (_, name, calling) => {
    write('below.json', ours(), endless());
    const id = await run(write('top.json', calling()));
    const view = await belay.view(id);
    expect(view.status).toBe('Failed');
    expect(readFileSync(path('ours'), 'utf8')).toBe('before');
    const ending = endingLines(view, style).join('\n');
    expect(ending).toContain(
      `${name} may have changed something on here; by its undo: none nothing takes that back`,
    );
    expect(ending).not.toMatch(/(?:^|[.,] )here is as it was|Nothing is left changed|Nothing was changed/);
    expect(ending).not.toContain('belay rollback');
    const { account } = executionJson(view);
    expect(account.isUntouched).toBe(false);
    expect(account.isNothingLeft).toBe(false);
    expect(account.byWord.unsure).toContainEqual({ step: name, targets: ['here'] });
  },
);
