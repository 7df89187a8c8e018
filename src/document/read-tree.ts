/**
 * YAML 1.2 or JSON text → tree with positions, through the `yaml` package. What YAML can say and a runbook cannot
 * (tags, several documents, keys that are not text) is reported.
 */
import type { SourceText } from './diagnostic.ts';
import type { Report } from './report.ts';
import { AliasBomb, aliasedNodesMax, TreeBuilder } from './tree-builder.ts';
import type { Span, TreeNode } from './tree.ts';
import { parseYaml } from './yaml-text.ts';

const syntaxErrorsMax = 10;

/** How many brackets may be open at once before the text is even parsed: deep nesting costs the parser its stack and hours. */
const bracketsMax = 1000;

/** Brackets in texts and comments are counted too; a script that leaves a thousand of them open is hard to imagine. */
function findTooDeep(text: string): number | undefined {
  let open = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '[' || letter === '{') open += 1;
    else if ((letter === ']' || letter === '}') && open > 0) open -= 1;
    if (open > bracketsMax) return at;
  }
  return undefined;
}

/** The tree of a text; undefined when it cannot be told, and then the report says why. Other errors may be reported, too. */
export function readTree(source: SourceText, report: Report): TreeNode | undefined {
  try {
    return readYaml(source, report);
  } catch (error) {
    // Lists can be nested without brackets, too: "- - - - …" exhausts the parser's stack.
    if (!(error instanceof RangeError)) throw error;
    report.error('TOO_DEEP', { start: 0, end: 1 }, 'the text is nested deeper than its parser can follow');
    return undefined;
  }
}

function readYaml(source: SourceText, report: Report): TreeNode | undefined {
  const tooDeepAt = findTooDeep(source.text);
  if (tooDeepAt !== undefined) {
    const message = `more than ${bracketsMax} brackets are open here, which no runbook needs`;
    report.error('TOO_DEEP', { start: tooDeepAt, end: tooDeepAt + 1 }, message);
    return undefined;
  }
  const { document, toOriginal } = parseYaml(source.text);
  // The parser may catch its own stack's end, and tell it as an error of the text.
  if (document.errors.some(({ message }) => /maximum call stack/i.test(message)))
    throw new RangeError('the text is nested deeper than its parser can follow');
  // What follows a first syntax error is mostly its echo; the same slip on other lines is not.
  const [first] = document.errors;
  for (const error of document.errors.filter(({ code }) => code === first?.code).slice(0, syntaxErrorsMax)) {
    const at = { start: toOriginal(error.pos[0]), end: toOriginal(error.pos[1]) };
    report.error(
      'YAML_SYNTAX',
      at,
      firstSentence(error.message, error.code),
      syntaxHint(error.code, source.text, at),
    );
  }
  for (const warning of document.warnings) {
    if (warning.code !== 'TAG_RESOLVE_FAILED') continue;
    const at = { start: toOriginal(warning.pos[0]), end: toOriginal(warning.pos[1]) };
    report.error(
      'UNKNOWN_TAG',
      at,
      `runbooks have no YAML tags, but here is ${source.text.slice(at.start, at.end)}`,
      'If this was cut out of a template, render the template first.',
    );
  }
  if (report.hasErrors) return undefined;
  try {
    const builder = new TreeBuilder(document, report, toOriginal);
    const root = builder.build(document.contents, 0);
    return builder.isBroken ? undefined : root;
  } catch (error) {
    if (!(error instanceof AliasBomb)) throw error;
    report.error(
      'ALIAS',
      error.span,
      `the aliases of the document bring more than ${aliasedNodesMax} values`,
    );
    return undefined;
  }
}

function firstSentence(message: string, code: string): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document starts here';
  const line = message.split('\n')[0] ?? message;
  return line.charAt(0).toLowerCase() + line.slice(1);
}

function syntaxHint(code: string, text: string, at: Span): string | undefined {
  if (code === 'BAD_INDENT')
    return 'A bracket that opens above is not closed, or this line is not indented deep enough.';
  if (code === 'TAB_AS_INDENT') return 'Indent with spaces.';
  if (code === 'MULTIPLE_DOCS') return 'Keep one document per file; remove the line ---.';
  const line = text.slice(text.lastIndexOf('\n', at.start - 1) + 1, at.end + 200).split('\n')[0] ?? '';
  if (/:\s+\{\{/.test(line)) return 'Put expressions in quotes: "{{ Name }}".';
  return undefined;
}
