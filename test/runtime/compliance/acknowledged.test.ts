/**
 * What is acknowledged, by checks of this machine under a clock of the test: what is told, what the exit code and the memory say while it holds, at
 * its end and afterwards, of a finding that gets worse, is fixed and comes back.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Compliance } from '../../../src/runtime/compliance/compliance.ts';
import { readRuleFiles, soundRuleSets } from '../../../src/runtime/compliance/rule-files.ts';
import { NotifyBed } from '../notify/bed.ts';

const hour = 3_600_000;
let bed: NotifyBed;
let compliance: Compliance;
let file: string;
/** How many messages a test has looked at. */
let looked = 0;

beforeEach(() => {
  bed = new NotifyBed('');
  looked = 0;
  file = join(bed.dir, 'asked');
  const rule = { Name: 'r', Check: 'check:file', Targets: 'here', Inputs: { Path: file, Content: 'good\n' } };
  writeFileSync(join(bed.dir, 'base.yaml'), JSON.stringify({ Name: 'base', Rules: [rule] }));
  writeFileSync(
    bed.config,
    JSON.stringify({ hosts: { here: { transport: 'local' } }, notify: { ops: { command: ['page'] } } }),
  );
  compliance = new Compliance({
    stateDir: bed.state,
    cwd: bed.dir,
    env: { BELAY_CONFIG: bed.config, HOME: bed.dir, PATH: process.env['PATH'] },
    user: 'ann',
    now: () => bed.now,
    notifier: bed.notifier(),
  });
});
afterEach(() => {
  compliance.close();
  bed[Symbol.dispose]();
});

const content = (text: string | null): void =>
  text === null ? rmSync(file, { force: true }) : writeFileSync(file, text);

/** Checks an hour later; the verdict, and the subjects that people are told. */
async function check(): Promise<readonly string[]> {
  bed.now += hour;
  const sets = soundRuleSets(readRuleFiles(join(bed.dir, 'base.yaml'), { cwd: bed.dir, env: {} }));
  const outcomes = await compliance.check(sets, { signal: AbortSignal.timeout(60_000) });
  await bed.notifier().round();
  const told = bed.sent.slice(looked);
  looked = bed.sent.length;
  return [outcomes[0]?.verdict ?? '', ...told.map(({ subject }) => subject)];
}
const acknowledge = (until: string) =>
  compliance.acknowledge({ rule: 'r', target: '*', subject: '*' }, 'OPS-12', until);
const open = () =>
  compliance
    .findings({ isOpen: true })
    .map(({ finding, acknowledgement }) => [finding.found.slice(0, 6), acknowledgement?.by ?? null]);

test('it is quiet until its time, accepted by the exit code, and told again with since when when the time is over', async () => {
  content('bad\n');
  expect(await check()).toEqual(['NON_COMPLIANT', '[MEDIUM] r: 1 new on here']);
  acknowledge('PT2H');
  expect(await check()).toEqual(['COMPLIANT']);
  expect(open()).toEqual([['sha256', 'ann']]);
  // This check is at the very instant at which the acknowledgement ends.
  expect(await check()).toEqual(['NON_COMPLIANT', '[MEDIUM] r: 1 still open on here']);
  expect(bed.sent.at(-1)?.text).toMatch(/open since 2026-11-20; its acknowledgement has ended\n/);
  expect(open()).toEqual([['sha256', null]]);
  expect(await check()).toEqual(['NON_COMPLIANT']);
  content('good\n');
  expect(await check()).toEqual(['COMPLIANT', 'resolved: r']);
});

test('what gets worse, or changes, while it is acknowledged is shown as it is, quiet, and told as it is at the end', async () => {
  content('bad\n');
  await check();
  acknowledge('PT3H');
  await check();
  content('worse\n');
  expect(await check()).toEqual(['COMPLIANT']);
  expect(await check()).toEqual(['NON_COMPLIANT', '[MEDIUM] r: 1 still open on here']);
  // The file itself goes: another subject, which a whole rule's acknowledgement covers as well.
  acknowledge('PT2H');
  content(null);
  expect(await check()).toEqual(['COMPLIANT', 'r: 1 not there any more on here']);
  expect(open()).toEqual([['absent', 'ann']]);
  expect(await check()).toEqual(['NON_COMPLIANT', '[MEDIUM] r: 1 still open on here']);
});

test('what is fixed meanwhile is told as fixed to whoever was told of it; back again it is quiet until the end', async () => {
  content('bad\n');
  await check();
  acknowledge('PT4H');
  content('good\n');
  expect(await check()).toEqual(['COMPLIANT', 'resolved: r']);
  content('bad\n');
  expect(await check()).toEqual(['COMPLIANT']);
  expect(await check()).toEqual(['COMPLIANT']);
  expect(await check()).toEqual(['NON_COMPLIANT', '[MEDIUM] r: 1 still open on here']);
});

test('an acknowledgement that is ended by hand is over for the next check', async () => {
  content('bad\n');
  await check();
  acknowledge('14d');
  await check();
  bed.now += 1;
  expect(compliance.unacknowledge({ rule: 'r', target: '*', subject: '*' })).toBe(1);
  expect(await check()).toEqual(['NON_COMPLIANT', '[MEDIUM] r: 1 still open on here']);
  expect(await check()).toEqual(['NON_COMPLIANT']);
});
