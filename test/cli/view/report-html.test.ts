/** src/cli/view/report-html.ts and junit.ts: whatever hosts said is text in them, and nothing is fetched. */
import { expect, test } from 'vitest';
import { junitText } from '../../../src/cli/view/junit.ts';
import { reportHtml } from '../../../src/cli/view/report-html.ts';
import type { Finding } from '../../../src/compliance/index.ts';
import { XmlReply } from '../../../src/transports/s3/xml.ts';
import { kept, look, unknown } from '../../compliance/looks.ts';

const hostile = `</td><script>alert("1")</script>&amp; ]]> '\u0000\u001b[31m\ud800`;
const now = Date.parse('2026-12-01T00:00:00Z');
const finding: Finding = {
  set: 'base',
  rule: 'r',
  target: 'h',
  subject: hostile,
  severity: 'HIGH',
  status: 'open',
  wanted: 'well',
  found: hostile,
  code: '',
  reason: '',
  firstSeenAt: now,
  lastSeenAt: now,
  closedAt: null,
  missedTimes: 0,
  isOfTarget: false,
  isTold: true,
};
const outcome = {
  ruleSet: {
    name: 'base',
    rules: [
      {
        name: 'r',
        severity: 'HIGH' as const,
        check: 'check:file',
        inputs: {},
        targets: ['h'],
        secrets: {},
        why: hostile,
      },
    ],
    report: {},
    channels: [],
  },
  checkId: 1,
  startedAt: now - 1_000,
  endedAt: now,
  verdict: 'NON_COMPLIANT' as const,
  isWhole: true,
  looks: [
    look('r', 'h', [{ kind: 'broken', subject: hostile, wanted: hostile, found: hostile }]),
    look('r', 'i', [unknown(hostile)]),
    look('r', 'j', [kept('a')]),
  ],
  changes: [],
  open: [finding],
  acknowledgements: [],
  reportTroubles: [],
};
const row = (id: number, open: number) => ({
  id,
  set: 'base',
  startedAt: 0,
  endedAt: now - (5 - id) * 86_400_000,
  isWhole: true,
  verdict: 'NON_COMPLIANT',
  counts: { open },
});

test('a report has its tables and its plot in itself, and no markup of others', () => {
  const acknowledgement = {
    id: 1,
    rule: 'r',
    target: 'h',
    subject: '*',
    by: hostile,
    why: hostile,
    at: 0,
    until: now,
  };
  const html = reportHtml({
    outcomes: [outcome],
    findings: [{ finding, acknowledgement }],
    checks: [row(3, 1), row(2, 7), row(1, 2)],
    now,
  });
  expect(html).not.toMatch(/<script|https?:|src=|url\(|@import/);
  for (const character of ['\u0000', '\u001b', '\ud800']) expect(html).not.toContain(character);
  expect(html).toContain("default-src 'none'");
  expect(html).toContain('&lt;script&gt;');
  expect(html).toMatch(/<path d="M44\.0 \d+\.\dH[\d.]+V12\.0H[\d.]+V[\d.]+H888\.0"/);
  expect(html).toContain('Open findings (1)');
  expect(html).toContain('Unknown (0)');
  expect(html.match(/<t[dhr][ >]/g)?.length).toBe(html.match(/<\/t[dhr]>/g)?.length);
});

test('JUnit XML parses, and an unknown is an error and not a pass', () => {
  const xml = junitText([outcome]);
  const suite = new XmlReply(xml).root('testsuites')?.one('testsuite');
  expect(suite?.all('testcase')).toHaveLength(3);
  expect(xml).toContain('tests="3" failures="1" errors="1" skipped="0"');
  expect(xml).not.toContain('<script');
  for (const character of ['\u0000', '\u001b', '\ud800']) expect(xml).not.toContain(character);
});
