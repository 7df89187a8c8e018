/** What may stand between `{{` and `}}`: the references of SSM Automation, as data. */

export type Reference =
  | { readonly kind: 'parameter'; readonly name: string; readonly text: string }
  /**
   * `step.Output`. Inside an undo list the step names `inputs`, `outputs` and `before` mean the step that is undone
   * (`ownParts`); nothing in the syntax tells them apart, so the scope does.
   */
  | { readonly kind: 'output'; readonly step: string; readonly output: string; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly text: string }
  /** `global:DATE`, `global:REGION` … */
  | { readonly kind: 'global'; readonly name: string; readonly text: string }
  /** `automation:EXECUTION_ID`. */
  | { readonly kind: 'automation'; readonly name: string; readonly text: string }
  /** `ssm:/path/name`, a parameter of Parameter Store, perhaps with `:version` or `:label`. */
  | { readonly kind: 'parameterStore'; readonly name: string; readonly text: string };

/** The names that, in an undo list, reach into the step that is undone. */
export const ownParts = ['inputs', 'outputs', 'before'] as const;

export const globalNames = ['DATE', 'DATE_TIME', 'REGION', 'ACCOUNT_ID', 'AWS_PARTITION'] as const;
export const automationNames = ['EXECUTION_ID'] as const;

const namePattern = /^[A-Za-z0-9_]+$/;
const outputPattern = /^([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)$/;
const prefixedPattern = /^(global|automation|variable|ssm):\s*([A-Za-z0-9_./:-]+)$/;

/** The reference that a text between braces is; undefined when it is none, as `.Field`, `#if x` or `resolve:ssm:x`. */
export function parseReference(inner: string): Reference | undefined {
  const text = inner.trim();
  if (namePattern.test(text)) return { kind: 'parameter', name: text, text };
  const output = outputPattern.exec(text);
  if (output?.[1] !== undefined && output[2] !== undefined) {
    return { kind: 'output', step: output[1], output: output[2], text };
  }
  const prefixed = prefixedPattern.exec(text);
  const name = prefixed?.[2];
  if (name === undefined) return undefined;
  switch (prefixed?.[1]) {
    case 'global':
      return { kind: 'global', name, text };
    case 'automation':
      return { kind: 'automation', name, text };
    case 'variable':
      return { kind: 'variable', name, text };
    default:
      return { kind: 'parameterStore', name, text };
  }
}

/** Whether a maintenance window fills it in, in the parameters that its task gives. */
export function isGivenByWindow(name: string): boolean {
  return /^(?:RESOURCE_ID|TARGET_ID|TARGET_TYPE|WINDOW_[A-Z_]+)$/.test(name);
}
