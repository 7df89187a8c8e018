/** --strict-ssm: no additions, and AWS's limits on size. Source: reference page section 1.5. */
import { everyDraft, type StepDraft } from '../draft.ts';
import type { ValidationContext } from './context.ts';

const documentBytesMax = 64 * 1024;
const parametersMax = 200;
const parameterNameMax = 50;

export function validateStrict(context: ValidationContext): void {
  const { draft, report, source } = context;
  for (const { name, span } of draft.additions) {
    report.error('ADDITION', span, `${name} is Belay's addition, which AWS does not know`);
  }
  for (const step of everyDraft(draft.steps)) checkTimeout(step, context);
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
