/** Fetches the Automation documents that tasks of AWS's windows run. Only reads. */
import { textIn } from '../../actions/aws/reply.ts';
import { makeReport, readTree } from '../../document/index.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import type { AwsDocument, AwsTask, WantedRunbook } from '../../windows/index.ts';

export interface ReadDocument {
  readonly name: string;
  readonly version: string;
  readonly document: AwsDocument;
  readonly text: string;
}

/** The Automation documents of tasks, by the task's id. One that cannot be read keeps no other task from being imported. */
export async function readDocuments(
  aws: Aws,
  tasks: readonly AwsTask[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadDocument>> {
  const read = new Map<string, ReadDocument>();
  for (const { id, type, arn, documentVersion: version = '' } of tasks) {
    if (type !== 'AUTOMATION') continue;
    const known = [...read.values()].find((each) => each.name === arn && each.version === version);
    read.set(id, known ?? { name: arn, version, ...(await readDocument(aws, arn, version, signal)) });
  }
  return read;
}

async function readDocument(
  aws: Aws,
  name: string,
  version: string,
  signal: AbortSignal,
): Promise<Pick<ReadDocument, 'document' | 'text'>> {
  const params = {
    Name: name,
    DocumentFormat: 'YAML',
    ...(version === '' ? {} : { DocumentVersion: version }),
  };
  try {
    const reply = await aws.call({ service: 'ssm', operation: 'GetDocument', params, signal });
    const content = textIn(reply, 'Content');
    const text = content.endsWith('\n') ? content : `${content}\n`;
    return { document: { kind: 'document', lists: listParametersIn(text) }, text };
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    const why = `its document ${name} cannot be read (${error.message})`;
    return { document: { kind: 'unread', why }, text: '' };
  }
}

/** Parameters that take a list; none of a text that is not a runbook, which validation tells. */
function listParametersIn(text: string): ReadonlySet<string> {
  const source = { file: 'document', text };
  const root = readTree(source, makeReport(source));
  const parameters = root?.kind === 'map' ? root.entries.get('parameters')?.value : undefined;
  if (parameters?.kind !== 'map') return new Set();
  const lists = [...parameters.entries].flatMap(([name, { value }]) => {
    const type = value.kind === 'map' ? value.entries.get('type')?.value : undefined;
    return type?.kind === 'scalar' && /^(?:StringList|List<)/.test(String(type.value)) ? [name] : [];
  });
  return new Set(lists);
}

export function textByName(
  documents: ReadonlyMap<string, ReadDocument>,
  { name, version = '' }: Extract<WantedRunbook, { kind: 'document' }>,
): string | undefined {
  return [...documents.values()].find((each) => each.name === name && each.version === version)?.text;
}
