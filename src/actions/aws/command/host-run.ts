/** What aws:runCommand runs on a host that SSM does not reach: AWS-RunShellScript, a document that Belay knows, or one beside the runbook. */
import { checkCommandDocument, commandPlan, type CommandDocument } from '../../../document/index.ts';
import type { Json, JsonObject } from '../../../json.ts';
import { ActionFailure, type ActionContext } from '../../define-action.ts';
import { knownDocument, refusedDocument } from './aws-documents.ts';
import { documentRun } from './driver.ts';
import { documentNameOf, shellDocument, shellRun, type RunCommandInputs, type ShellRun } from './inputs.ts';

/** aws:runDocument within aws:runDocument. */
const depthMax = 5;

type Asked = Pick<RunCommandInputs, 'DocumentName' | 'Parameters'>;
type Files = Pick<ActionContext, 'commandDocument'>;

/** Throws ActionFailure UNSUPPORTED_DOCUMENT, BAD_DOCUMENT and BAD_PARAMETERS. */
export async function hostRun({ DocumentName, Parameters }: Asked, files: Files): Promise<ShellRun> {
  const name = documentNameOf(DocumentName);
  if (name === shellDocument) return shellRun(Parameters);
  const document = await documentCalled(name, files);
  const plan = filled(name, document, Parameters ?? {});
  const plugins = [];
  for (const plugin of plan.plugins) plugins.push(...(await inlined(name, plugin, files, 1)));
  return documentRun(name, { ...plan, plugins });
}

async function documentCalled(name: string, files: Files): Promise<CommandDocument> {
  const known = knownDocument(name);
  if (known !== undefined) return known;
  const source = await files.commandDocument?.(name);
  if (source === undefined) {
    const why = refusedDocument(name) ?? 'it is neither beside the runbook nor in commands/ there';
    throw new ActionFailure({
      code: 'UNSUPPORTED_DOCUMENT',
      message: `the Command document ${name} cannot be run on hosts that SSM does not reach: ${why}; nothing was run`,
    });
  }
  const { document, diagnostics } = checkCommandDocument(source);
  if (document !== undefined) return document;
  const first = diagnostics.find(({ severity }) => severity === 'error');
  const at = first === undefined ? source.file : `${source.file}:${first.start.line}:${first.start.column}`;
  throw new ActionFailure({
    code: 'BAD_DOCUMENT',
    message: `the Command document ${name} is not right: ${at} ${first?.message ?? ''}; nothing was run. belay validate ${source.file} shows all`,
  });
}

function filled(name: string, document: CommandDocument, parameters: JsonObject) {
  const plan = commandPlan(document, parameters);
  if (plan.ok) return plan;
  throw new ActionFailure({
    code: 'BAD_PARAMETERS',
    message: `the Command document ${name}: ${plan.problems.join('; ')}; nothing was run`,
  });
}

type Planned = Extract<ReturnType<typeof commandPlan>, { ok: true }>['plugins'][number];

/** aws:runDocument of a document that Belay finds: its plugins stand in its place. */
async function inlined(
  document: string,
  plugin: Planned,
  files: Files,
  depth: number,
): Promise<readonly Planned[]> {
  if (plugin.action !== 'aws:runDocument' || plugin.isSkipped || plugin.platform === 'Windows')
    return [plugin];
  const path = plugin.inputs['documentPath'];
  const type = plugin.inputs['documentType'];
  const refuse = (why: string): ActionFailure =>
    new ActionFailure({
      code: 'UNSUPPORTED_DOCUMENT',
      message: `${document}: ${plugin.name} is aws:runDocument, and ${why}; nothing was run`,
    });
  if (type !== 'SSMDocument' || typeof path !== 'string')
    throw refuse('a document that lies on the host (LocalPath) is run by the SSM agent only');
  if (depth >= depthMax) throw refuse(`documents run each other more than ${depthMax} deep`);
  const name = documentNameOf(path);
  const parameters = objectOf(plugin.inputs['documentParameters']);
  if (name === shellDocument) {
    const run = shellRun(parameters as RunCommandInputs['Parameters']);
    const inputs = {
      runCommand: run.text,
      workingDirectory: run.workingDirectory ?? '',
      timeoutSeconds: run.timeoutSeconds,
    };
    return [{ ...plugin, action: 'aws:runShellScript', inputs }];
  }
  const inner = filled(name, await documentCalled(name, files), parameters);
  if (Object.keys(inner.env).length > 0)
    throw refuse(
      `${name} has parameters with interpolationType, which is not done for a document within another`,
    );
  const found: Planned[] = [];
  for (const each of inner.plugins)
    for (const one of await inlined(name, each, files, depth + 1))
      found.push({ ...one, name: `${plugin.name}/${one.name}`, platform: plugin.platform ?? one.platform });
  return found;
}

function objectOf(value: Json | undefined): JsonObject {
  const read = typeof value === 'string' ? parsed(value) : value;
  return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as JsonObject) : {};
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
