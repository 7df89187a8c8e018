/** --strict-ssm: no additions, and AWS's limits on size. Source: reference page section 1.5. */
import { everyDraft, type StepDraft } from '../draft.ts';
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
    refuseLooseConditions(step, report);
  }
  checkFiles(context);
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

function checkFiles({ draft, report }: ValidationContext): void {
  const entry = draft.node.entries.get('files');
  const files = entry?.value.kind === 'map' ? entry.value.entries.size : 0;
  if (entry === undefined || files <= filesMax) return;
  report.error('SSM_LIMIT', entry.keySpan, `the document has ${files} attachments, AWS allows ${filesMax}`);
}
