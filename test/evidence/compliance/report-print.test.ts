/**
 * The report of a check in a real browser: a thousand findings, what hostile hosts said among them, laid out on paper without a table that is
 * cut off, without network, and with nothing of a host that runs, is fetched or turns letters around.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportHtml } from '../../../src/cli/view/report-html.ts';
import type { Finding, Look } from '../../../src/compliance/index.ts';

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`]).length > 0;
  } catch {
    return false;
  }
});
const reason = browser === undefined ? 'no Chromium is installed here' : undefined;

const now = Date.parse('2026-12-01T00:00:00Z');
/** Right-to-left override, terminal escapes, markup, an image of elsewhere, and words without any place to break. */
const said = [
  'a\u202Egpj.exe\u202C b',
  '\u001B[31mred\u001B[0m \u0007 \u0090 \u2066',
  '</td></table><script>document.title = "ran"</script><img src="http://192.0.2.1/x.png">',
  'x'.repeat(2_000),
  'well\n'.repeat(40),
];
const findings = Array.from({ length: 1_000 }, (_, index): Finding => {
  const words = said[index % said.length] ?? '';
  return {
    set: 'base',
    rule: `a-rule-with-quite-a-long-name-${index % 25}`,
    target: `host-${index}.with.a.long.name.example.com`,
    subject: index % 7 === 0 ? words : `subject ${index}`,
    severity: index % 2 === 0 ? 'CRITICAL' : 'LOW',
    status: index % 10 === 9 ? 'unknown' : 'open',
    wanted: 'well',
    found: words,
    code: index % 10 === 9 ? 'UNREACHABLE' : '',
    reason: index % 10 === 9 ? words : '',
    firstSeenAt: now - index * 3_600_000,
    lastSeenAt: now,
    closedAt: null,
    missedTimes: 0,
    isOfTarget: false,
    isTold: true,
  };
});
const looks: Look[] = findings.map(({ rule, target, subject, found }) => ({
  rule,
  target,
  judged: [{ kind: 'broken', subject, wanted: 'well', found }],
  isWhole: true,
}));
const html = reportHtml({
  outcomes: [
    {
      ruleSet: {
        name: 'base',
        rules: [...new Set(findings.map(({ rule }) => rule))].map((name) => ({
          name,
          severity: 'CRITICAL' as const,
          check: 'check:file',
          inputs: {},
          targets: ['h'],
          secrets: {},
          why: said[3] ?? '',
        })),
        report: {},
        channels: [],
      },
      checkId: 1,
      startedAt: now - 1_000,
      endedAt: now,
      verdict: 'NON_COMPLIANT',
      isWhole: true,
      looks,
      changes: [],
      open: findings,
      acknowledgements: [],
      reportTroubles: [],
    },
  ],
  findings: findings.map((finding) => ({ finding, acknowledgement: null })),
  checks: Array.from({ length: 30 }, (_, index) => ({
    id: index,
    set: 'base',
    startedAt: 0,
    endedAt: now - index * 86_400_000,
    isWhole: true,
    verdict: 'NON_COMPLIANT',
    counts: { open: 1_000 - index },
  })),
  now,
});

/** A4 between its margins, in CSS pixels. */
const paperWidth = 688;

describe.skipIf(reason)(`a report on paper${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  const run = promisify(execFile);
  const browse = (...words: string[]) =>
    run(
      browser ?? '',
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--host-resolver-rules=MAP * ~NOTFOUND',
        '--proxy-server=127.0.0.1:1',
        `--user-data-dir=${join(folder, 'profile')}`,
        ...words,
      ],
      { maxBuffer: 64 * 1024 * 1024 },
    );
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'belay-report-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  test('has each of its thousand findings, over many pages', async () => {
    writeFileSync(join(folder, 'report.html'), html);
    const pdf = join(folder, 'report.pdf');
    await browse('--no-pdf-header-footer', `--print-to-pdf=${pdf}`, `file://${folder}/report.html`);
    const text = readFileSync(pdf, 'latin1');
    expect(text.startsWith('%PDF-')).toBe(true);
    const pages = text.match(/\/Type \/Page\b(?!s)/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(20);
    for (const { target } of findings) expect(html).toContain(`>${target}</td>`);
  }, 120_000);

  test('is as wide as the paper: no table is cut off, and no text leaves its cell', async () => {
    const measured = html
      .replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '')
      .replaceAll('@media print', '@media all')
      .replace(
        '</body>',
        `<script>
          const cut = [...document.querySelectorAll('td, th, svg, table')].filter((each) =>
            each.getBoundingClientRect().right > document.documentElement.clientWidth + 1 || each.scrollWidth > each.clientWidth + 1 && each.tagName !== 'svg');
          document.body.textContent = 'measured ' + JSON.stringify({
            width: document.documentElement.clientWidth, whole: document.documentElement.scrollWidth,
            cut: cut.slice(0, 3).map((each) => each.outerHTML.slice(0, 200)), cells: document.title });
        </script></body>`,
      );
    writeFileSync(join(folder, 'measured.html'), measured);
    const { stdout } = await browse(
      `--window-size=${paperWidth},1000`,
      '--hide-scrollbars',
      '--dump-dom',
      `file://${folder}/measured.html`,
    );
    const [, json = '{}'] = /measured (\{.*\})/.exec(stdout) ?? [];
    const { width, whole, cut, cells } = JSON.parse(json) as Record<string, unknown>;
    expect(cut).toEqual([]);
    expect(whole).toBe(width);
    // No script of a host has run, although this copy would let it.
    expect(cells).toBe('Compliance of base');
  }, 120_000);

  test('shows what steers and what turns letters around as what it is', () => {
    for (const character of ['\u001B', '\u202E', '\u202C', '\u2066', '\u0007', '\u0090'])
      expect(html).not.toContain(character);
    expect(html).toContain('\\u202egpj.exe');
    expect(html).not.toContain('<img');
  });
});
