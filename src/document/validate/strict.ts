/** --strict-ssm: no additions, and AWS's limits on size. Source: reference page section 1.5. */
import { isJsonObject, type Json } from '../../json.ts';
import { everyDraft, type StepDraft } from '../draft.ts';
import { isExpression } from '../expression.ts';
import { joinsFilters } from '../selector-spelling.ts';
import type { ValidationContext } from './context.ts';
import { refuseLooseConditions } from './strict-conditions.ts';

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
    checkSelectors(step, context);
    checkTargetMaps(step, context);
    refuseLooseConditions(step, report);
  }
  checkFiles(context);
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

/** SSM's subset of JSONPath compares one member in a filter. */
function checkSelectors({ step, node, nameSpan }: StepDraft, { report }: ValidationContext): void {
  const list = node.entries.get('outputs')?.value;
  for (const [index, { Selector: selector, Name: name }] of step.outputs.entries()) {
    if (!joinsFilters(selector)) continue;
    const item = list?.kind === 'list' ? list.items[index] : undefined;
    const at = item?.kind === 'map' ? item.entries.get('Selector')?.value.span : undefined;
    const message = `the filter of the output ${name} joins comparisons, and AWS's filters hold one`;
    report.error('BAD_SELECTOR', at ?? nameSpan, message);
  }
}

/** StartAutomationExecution takes so many keys in a map of TargetMaps, and so many values under each. */
const targetKeysMax = 20;
const targetValuesMax = 25;

function checkTargetMaps({ step, node, nameSpan }: StepDraft, { report }: ValidationContext): void {
  const { TargetMaps: maps } = step.inputs;
  if (step.action !== 'aws:executeAutomation' || !Array.isArray(maps)) return;
  const inputs = node.entries.get('inputs')?.value;
  const at = inputs?.kind === 'map' ? inputs.entries.get('TargetMaps')?.value.span : undefined;
  for (const map of maps as readonly Json[]) {
    const values = isJsonObject(map) ? Object.values(map) : [];
    if (values.length === 0 || values.length > targetKeysMax) {
      const message = `a map of TargetMaps has ${values.length} keys, and AWS takes 1 to ${targetKeysMax}`;
      report.error('SSM_LIMIT', at ?? nameSpan, message);
    }
    const most = Math.max(0, ...values.map((value) => (Array.isArray(value) ? value.length : 1)));
    if (most > targetValuesMax) {
      const message = `a key in a map of TargetMaps has ${most} values, and AWS takes at most ${targetValuesMax}`;
      report.error('SSM_LIMIT', at ?? nameSpan, message);
    }
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
