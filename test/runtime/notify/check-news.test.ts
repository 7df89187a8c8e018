/** What a compliance check tells: one message for each rule, told again it is told once. */
import type { ComplianceNews } from '../../../src/compliance/index.ts';
import { afterEach, expect, test } from 'vitest';
import { checkMessages, tellCheck, type CheckRun } from '../../../src/runtime/notify/check-news.ts';
import { NotifyBed } from './bed.ts';

let bed: NotifyBed | undefined;
afterEach(() => {
  bed?.[Symbol.dispose]();
  bed = undefined;
});

const check: CheckRun = {
  id: '17',
  file: 'compliance/hosts.yaml',
  at: Date.UTC(2026, 11, 6, 2),
  command: 'belay findings --open',
  channels: [],
};
const rule = (more: Partial<Extract<ComplianceNews, { kind: 'rule' }>> = {}): ComplianceNews => ({
  kind: 'rule',
  rule: 'sshd-active',
  severity: 'high',
  found: [],
  fixed: [],
  unknown: [],
  openCount: 0,
  ...more,
});
const web = (number: number) => ({ target: `web${number}`, says: 'sshd is inactive, wanted is active' });

test('new findings are one message, the first ten named, with the command to type', () => {
  const found = Array.from({ length: 12 }, (_, index) => web(index));
  const [message, ...others] = checkMessages(check, rule({ found, openCount: 12 }), 'ops1');
  expect(others).toEqual([]);
  expect(message?.subject).toBe('[high] sshd-active: 12 new');
  expect(message?.text.split('\n')).toEqual([
    '[high] sshd-active: 12 new.',
    ...found.slice(0, 10).map(({ target, says }) => `  ${target}  ${says}`),
    '  2 more',
    '12 of sshd-active are open now.',
    '',
    'compliance/hosts.yaml, checked 2026-12-06T02:00:00Z',
    'on ops1: belay findings --open',
  ]);
});

test('fixed while others are open is fixed; when nothing is open any more it is resolved', () => {
  const [some] = checkMessages(check, rule({ fixed: [web(1)], openCount: 2 }), 'ops1');
  expect(some?.subject).toBe('sshd-active: 1 fixed on web1');
  const [all] = checkMessages(check, rule({ fixed: [web(1)] }), 'ops1');
  expect(all?.subject).toBe('resolved: sshd-active');
});

test('channels are told of what they want, once, however often a check hands it over', async () => {
  bed = new NotifyBed(
    `  ops: { webhook: 'http://127.0.0.1:1/' }\n  new: { command: [page], events: [findingNew] }\n  named: { command: [named], onlyNamed: true }`,
  );
  const news = [rule({ found: [web(1)], unknown: [web(2)], openCount: 1 })];
  tellCheck(bed.notifier(), check, news);
  tellCheck(bed.notifier(), check, news);
  tellCheck(bed.notifier(), { ...check, id: '18', channels: ['named'] }, [
    { kind: 'stopped', why: 'it was killed' },
  ]);
  await bed.notifier().round();
  const told = bed.sent.map(
    ({ way, fields }) => `${way.kind === 'command' ? way.argv.join(' ') : way.kind} ${fields['event']}`,
  );
  expect(told.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    'named checkStopped',
    'page findingNew',
    'webhook checkStopped',
    'webhook findingNew',
    'webhook findingUnknown',
  ]);
});
