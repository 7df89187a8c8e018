/** --strict-ssm: no additions, and AWS's limits on size. Source: reference page section 1.5. */
import type { Json } from '../../json.ts';
import { everyDraft, type StepDraft } from '../draft.ts';
import { isExpression } from '../expression.ts';
import type { ValidationContext } from './context.ts';
import { refuseLooseConditions } from './strict-conditions.ts';
import { refuseLooseTexts } from './strict-texts.ts';

const documentBytesMax = 64 * 1024;
const parametersMax = 200;
const parameterNameMax = 50;
const filesMax = 5;

export function validateStrict(context: ValidationContext): void {
  const { draft, report, source } = context;
  for (const { name, span } of draft.additions) {
    report.error('ADDITION', span, `${name} is Belay's addition, which AWS does not know`);
  }
  for (const step of everyDraft(draft.steps)) {
    checkTimeout(step, context);
    checkLists(step, context);
    checkInputsKey(step, context);
    refuseLooseConditions(step, report);
  }
  refuseLooseTexts(context);
  checkFiles(context);
  checkVariables(context);
  checkResourceDefaults(context);
  const top = draft.node.entries.get('schemaVersion')?.keySpan ?? draft.node.span;
  const bytes = new TextEncoder().encode(source.text).length;
  if (bytes > documentBytesMax) {
    report.error('SSM_LIMIT', top, `the document has ${bytes} bytes, AWS allows ${documentBytesMax}`);
  }
  if (draft.parameters.size > parametersMax) {
    const at = draft.node.entries.get('parameters')?.keySpan ?? top;
    const message = `the document has ${draft.parameters.size} parameters, AWS allows ${parametersMax}`;
    report.error('SSM_LIMIT', at, message);
  }
  for (const [name, { keySpan }] of draft.parameters) {
    if (name.length <= parameterNameMax) continue;
    const message = `the name of this parameter has ${name.length} characters, AWS allows ${parameterNameMax}`;
    report.error('SSM_LIMIT', keySpan, message);
  }
}

function checkTimeout({ step, node, nameSpan }: StepDraft, { catalog, report }: ValidationContext): void {
  const most = catalog.action(step.action)?.timeoutSecondsMaxInSsm;
  if (most === undefined || typeof step.timeoutSeconds !== 'number' || step.timeoutSeconds <= most) return;
  const at = node.entries.get('timeoutSeconds')?.value.span ?? nameSpan;
  report.error(
    'SSM_LIMIT',
    at,
    `AWS ends ${step.action} after ${most} seconds, and this asks for ${step.timeoutSeconds}`,
  );
}

function checkLists({ step, node, nameSpan }: StepDraft, { catalog, report }: ValidationContext): void {
  const inputs = node.entries.get('inputs')?.value;
  for (const [name, most] of Object.entries(catalog.action(step.action)?.listMaxInSsm ?? {})) {
    const list = step.inputs[name];
    if (!Array.isArray(list) || list.length <= most) continue;
    const at = inputs?.kind === 'map' ? inputs.entries.get(name)?.value.span : undefined;
    const message = `${name} has ${list.length} entries, and AWS takes at most ${most}`;
    report.error('SSM_LIMIT', at ?? nameSpan, message);
  }
}

/** An action that needs no inputs still has the key. */
function checkInputsKey({ step, node, nameSpan }: StepDraft, { report }: ValidationContext): void {
  if (node.entries.has('inputs')) return;
  report.error(
    'MISSING_KEY',
    nameSpan,
    `step "${step.name}" has no inputs, which AWS wants`,
    'Add inputs: {}.',
  );
}

/** Source: the guide, aws:updateVariable. */
const variableNameMax = 50;
const variableTextMax = 512;
const variableItemsMax = { StringList: 50, MapList: 200 } as const;

function checkVariables({ draft, report }: ValidationContext): void {
  const node = draft.node.entries.get('variables')?.value;
  for (const [name, { keySpan }] of node?.kind === 'map' ? node.entries : []) {
    const { type, default: value } = draft.document.variables?.[name] ?? {};
    const refuse = (what: string, is: number, most: number): void =>
      report.error('SSM_LIMIT', keySpan, `${what} of this variable has ${is}, AWS allows ${most}`);
    if (name.length > variableNameMax) refuse('the name', name.length, variableNameMax);
    if (typeof value === 'string' && type === 'String' && value.length > variableTextMax)
      refuse('the text', value.length, variableTextMax);
    const most = type === 'StringList' || type === 'MapList' ? variableItemsMax[type] : undefined;
    if (most !== undefined && Array.isArray(value) && value.length > most)
      refuse('the list', value.length, most);
  }
}

/** What AWS takes for a parameter of a resource's type. Source: the guide, "Populating input parameters". */
const resourcePatterns: Readonly<Record<string, RegExp>> = {
  'AWS::EC2::Instance::Id': /^m?i-(?:[a-z0-9]{8}|[a-z0-9]{17})$/,
  'AWS::S3::Bucket::Name': /^[0-9a-z][a-z0-9.-]{3,63}$/,
  'AWS::IAM::Role::Arn': /^arn:(?:aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b):iam::[0-9]{12}:role\/.*$/,
};

/** An empty default is one that AWS's own documents have. */
function checkResourceDefaults({ draft, report }: ValidationContext): void {
  for (const [name, { keySpan, value: node }] of draft.parameters) {
    const { type, default: written } = draft.document.parameters[name] ?? {};
    const pattern = resourcePatterns[/^List<(.+)>$/.exec(type ?? '')?.[1] ?? type ?? ''];
    const values = Array.isArray(written) ? (written as readonly Json[]) : [written ?? ''];
    const wrong = values.find(
      (value) =>
        typeof value === 'string' && value !== '' && !isExpression(value) && pattern?.test(value) === false,
    );
    if (wrong === undefined) continue;
    const at = node.kind === 'map' ? node.entries.get('default')?.value.span : undefined;
    report.error('DEFAULT_VALUE', at ?? keySpan, `${JSON.stringify(wrong)} is no ${type} as AWS takes it`);
  }
}

function checkFiles({ draft, report }: ValidationContext): void {
  const entry = draft.node.entries.get('files');
  const files = entry?.value.kind === 'map' ? entry.value.entries.size : 0;
  if (entry === undefined || files <= filesMax) return;
  report.error('SSM_LIMIT', entry.keySpan, `the document has ${files} attachments, AWS allows ${filesMax}`);
}
