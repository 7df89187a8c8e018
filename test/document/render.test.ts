import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';

import { renderDiagnostics, summarizeDiagnostics, type Diagnostic } from '../../src/document/index.ts';

const source = { file: 'patch.yaml', text: 'a: 1\r\nlist:\r\n\t- {{ x }}\r\n' };

const diagnostic: Diagnostic = {
  severity: 'error',
  code: 'UNKNOWN_REFERENCE',
  message: 'step "A" uses {{ x }}, but there is no parameter x',
  file: 'patch.yaml',
  start: { line: 3, column: 7 },
  end: { line: 3, column: 8 },
  hint: 'Did you mean y?',
};

const render = (more: Partial<Diagnostic>, color = false): string =>
  renderDiagnostics([{ ...diagnostic, ...more }], [source], { color });

describe('a rendered diagnostic', () => {
  test('has place, code, sentence, line, caret and hint', () => {
    expect(render({})).toBe(
      [
        'patch.yaml:3:7  UNKNOWN_REFERENCE',
        '  step "A" uses {{ x }}, but there is no parameter x',
        '  3 |  - {{ x }}',
        '    |       ^',
        '  Did you mean y?',
        '',
      ].join('\n'),
    );
  });

  test('underlines to the end of the line when the span goes on', () => {
    expect(render({ end: { line: 4, column: 1 } })).toContain('    |       ^^^^\n');
  });

  test('does without the line when the text is not at hand, or not to be shown', () => {
    expect(render({ file: 'other.yaml' })).not.toContain('|');
    expect(render({ isConcealed: true })).not.toContain('{{ x }}\n');
  });

  test('says when it is only a warning', () => {
    expect(render({ severity: 'warning' })).toContain('UNKNOWN_REFERENCE (warning)\n');
  });

  test('is the same text in colour', () => {
    const colored = render({}, true);
    expect(colored).toContain('\u001B[');
    expect(stripVTControlCharacters(colored)).toBe(render({}));
  });

  test('lets nothing of the file steer the terminal', () => {
    const text = 'a: \u001B[2J\u202E\u0007x';
    const rendered = renderDiagnostics(
      [
        {
          ...diagnostic,
          message: `no \u001B]0;x\u0007 here`,
          start: { line: 1, column: 1 },
          end: { line: 1, column: 2 },
        },
      ],
      [{ file: 'patch.yaml', text }],
      { color: false },
    );
    for (const control of ['\u001B', '\u0007', '\u202E']) expect(rendered).not.toContain(control);
  });
});

describe('the summary', () => {
  test('counts errors, warnings and files', () => {
    const warning = { ...diagnostic, severity: 'warning' } as const;
    expect(summarizeDiagnostics([])).toBe('');
    expect(summarizeDiagnostics([diagnostic])).toBe('1 error in 1 file.');
    expect(summarizeDiagnostics([diagnostic, diagnostic, warning, { ...warning, file: 'b' }])).toBe(
      '2 errors and 2 warnings in 2 files.',
    );
    expect(summarizeDiagnostics([warning])).toBe('1 warning in 1 file.');
  });
});
