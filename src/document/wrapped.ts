/**
 * Files that hold a runbook inside of something else: a CloudFormation template, a Terraform file, what `aws ssm get-document`
 * prints as JSON or as text. Each is told as what it is, with what to take out of it, at its place; the rest of its problems would be echoes.
 */
import type { Report } from './report.ts';
import type { Span, TreeNode } from './tree.ts';

/** Reports what wraps the runbook and returns true; false where the text is no such file. Reads the text only. */
export function reportWrapper(text: string, report: Report): boolean {
  // A runbook may quote any of these further down, in a script or a description.
  const runbookAt = text.search(/^["']?schemaVersion["']?\s*:/m);
  const head = runbookAt === -1 ? text : text.slice(0, runbookAt);
  return (
    reportCalendar(head, report) ||
    reportMarkdown(head, report) ||
    reportTerraform(head, text, report) ||
    reportCloudFormation(head, text, report) ||
    reportTextReply(text, report)
  );
}

/**
 * `aws ssm get-document --output text` puts what else it knows of the document behind it, parted by tabs: when it was made, format,
 * type, version, name and status. Lines about attachments may follow.
 */
const textReply =
  /\t[^\t\n]*\t(?:YAML|JSON|TEXT)\t[A-Z][\w.]*\t\d+\t[\w.:/-]+(?:\t[^\n]*)?\n?(?:(?:ATTACHMENTSCONTENT|REQUIRES)\t[^\n]*\n?)*\s*$/;

function reportTextReply(text: string, report: Report): boolean {
  // Only the end is looked at, however long the text is.
  const from = Math.max(0, text.length - 4_000);
  const found = textReply.exec(text.slice(from));
  if (found === null || !/schemaVersion/.test(text)) return false;
  const at = from + found.index;
  const rest = found[0].trimEnd();
  report.error(
    'NOT_A_RUNBOOK',
    { start: at, end: at + Math.max(1, rest.indexOf('\n') === -1 ? rest.length : rest.indexOf('\n')) },
    'this is what aws ssm get-document --output text prints: the document ends here, and the rest tells of it',
    'Take the document alone: aws ssm get-document --name NAME --query Content --output text.',
  );
  return true;
}

function reportMarkdown(head: string, report: Report): boolean {
  const fence = /^```[A-Za-z]*[ \t]*$/m.exec(head);
  if (fence === null) return false;
  report.error(
    'NOT_A_RUNBOOK',
    spanOf(fence[0], fence.index),
    'this is a Markdown page, and a block of code opens here',
    'Take the block that is the runbook out into a file of its own.',
  );
  return true;
}

function reportCalendar(text: string, report: Report): boolean {
  if (!/^\s*BEGIN:VCALENDAR/.test(text)) return false;
  const at = text.indexOf('BEGIN:VCALENDAR');
  report.error(
    'NOT_A_RUNBOOK',
    { start: at, end: at + 'BEGIN:VCALENDAR'.length },
    'this is a change calendar (iCalendar), and no runbook',
    'A maintenance window can name it as a freeze calendar.',
  );
  return true;
}

const terraformBlock =
  /^(?:resource|data|module|variable|provider|locals|output|terraform)(?:\s+"[^"\n]*")*\s*\{/m;
const terraformDocument = /^[ \t]*resource\s+"aws_ssm_document"\s+"([^"\n]*)"/gm;

function reportTerraform(head: string, text: string, report: Report): boolean {
  const block = terraformBlock.exec(head);
  if (block === null) return false;
  const documents = [...text.matchAll(terraformDocument)];
  const [first] = documents;
  if (first === undefined) {
    const span = spanOf(block[0], block.index);
    report.error('NOT_A_RUNBOOK', span, 'this is a Terraform file, and there is no aws_ssm_document in it');
    return true;
  }
  for (const [index, found] of documents.entries()) {
    const end = documents[index + 1]?.index ?? text.length;
    const content = /^[ \t]*(content)[ \t]*=[ \t]*([^\n]{0,40})/m.exec(text.slice(found.index, end));
    const from = content === null ? 0 : content.index + content[0].indexOf('content');
    const at = found.index + from;
    const file = /^(?:file|templatefile)\(\s*"([^"]+)"/.exec(content?.[2] ?? '')?.[1];
    report.error(
      'NOT_A_RUNBOOK',
      { start: at, end: at + (content === null ? found[0].length : 'content'.length) },
      `this is a Terraform file; the document is the content of the resource aws_ssm_document "${found[1] ?? ''}"`,
      file === undefined
        ? 'Take the content out into a file of its own, with every ${…} replaced by what it stands for.'
        : `It is in the file ${file} already: validate that one.`,
    );
  }
  return true;
}

/** In YAML and in JSON; `Type` and `Content` of a resource in either order. */
const templateDocument = /(["']?)Type\1\s*:\s*(["']?)AWS::SSM::Document\2/g;

function reportCloudFormation(head: string, text: string, report: Report): boolean {
  const isTemplate =
    /^["']?(?:Resources|AWSTemplateFormatVersion)["']?\s*:/m.test(head) ||
    (/^\s*\{/.test(text) && hasTopLevel(text, 'Resources'));
  if (!isTemplate) return false;
  const documents = [...text.matchAll(templateDocument)];
  if (documents.length === 0) {
    const at = text.search(/["']?(?:Resources|AWSTemplateFormatVersion)["']?\s*:/);
    const message = 'this is a CloudFormation template, and there is no AWS::SSM::Document in it';
    report.error('NOT_A_RUNBOOK', { start: Math.max(at, 0), end: Math.max(at, 0) + 1 }, message);
    return true;
  }
  for (const [index, found] of documents.entries()) {
    const end = documents[index + 1]?.index ?? text.length;
    const content = /(["']?)Content\1\s*:/.exec(text.slice(found.index, end));
    const at = found.index + (content?.index ?? 0);
    const name = resourceName(text, found.index);
    report.error(
      'NOT_A_RUNBOOK',
      spanOf((content ?? found)[0].replace(/\s*:$/, ''), at),
      `this is a CloudFormation template; the document is the Content of ${name === undefined ? 'a resource' : `the resource ${name}`} of type AWS::SSM::Document`,
      'Take what is below Content out into a file of its own, with every !Sub, !Ref and Fn:: replaced by what it stands for.',
    );
  }
  return true;
}

/** The key above, that is indented less than `Type`, or in JSON the key whose brace opened last. */
function resourceName(text: string, at: number): string | undefined {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  const indent = at - lineStart;
  const above = text.slice(0, lineStart).split('\n').toReversed();
  for (const line of above) {
    const key = /^(\s*)["']?([A-Za-z0-9]+)["']?\s*:\s*\{?\s*$/.exec(line);
    if (key?.[1] !== undefined && key[1].length < indent) return key[2];
  }
  return undefined;
}

function hasTopLevel(text: string, key: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return (
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) && !('schemaVersion' in value)
    );
  } catch {
    return false;
  }
}

const spanOf = (text: string, start: number): Span => ({ start, end: start + text.length });

/** What `aws ssm get-document` prints, and the request of CreateDocument: the document is text in Content. */
export function reportEnvelope(root: TreeNode, report: Report): boolean {
  if (root.kind !== 'map' || root.entries.has('schemaVersion')) return false;
  const content = root.entries.get('Content');
  const isText = content?.value.kind === 'scalar' && typeof content.value.value === 'string';
  if (content === undefined || !(isText || content.value.kind === 'map')) return false;
  if (!['Name', 'DocumentType', 'DocumentFormat', 'DocumentVersion'].some((key) => root.entries.has(key)))
    return false;
  report.error(
    'NOT_A_RUNBOOK',
    content.keySpan,
    'this is the reply of GetDocument or the request of CreateDocument; the document is its Content',
    isText
      ? 'Take the text out into a file of its own: aws ssm get-document --name NAME --query Content --output text.'
      : 'Take what is below Content out into a file of its own.',
  );
  return true;
}
