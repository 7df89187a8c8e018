/** --strict-ssm: no additions, and AWS's limits on size. Source: reference page section 1.5. */
import type { ValidationContext } from './context.ts';

const documentBytesMax = 64 * 1024;
const parametersMax = 200;
const parameterNameMax = 50;

export function validateStrict({ draft, report, source }: ValidationContext): void {
  for (const { name, span } of draft.additions) {
    report.error('ADDITION', span, `${name} is Belay's addition, which AWS does not know`);
  }
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
