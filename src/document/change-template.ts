/** Keys that Change Manager writes into its change templates, which are Automation documents of their own kind. */
import type { Report } from './report.ts';
import type { MapNode } from './tree.ts';

export const changeTemplateKeys = [
  'templateInformation',
  'emergencyChange',
  'autoApprovable',
  'executableRunBooks',
];

/** A template can be run, and then asks for its approvals; starting the runbooks is what Change Manager does after that. */
export function reportChangeTemplate(root: MapNode, report: Report): void {
  const found = changeTemplateKeys.flatMap((key) => root.entries.get(key) ?? []);
  const at = root.entries.get('executableRunBooks') ?? found[0];
  if (at === undefined) return;
  report.warn(
    'CHANGE_TEMPLATE',
    at.keySpan,
    'this is a change template of Change Manager: Belay runs its steps, and starts none of its executableRunBooks',
    'Run the runbooks themselves once it is approved.',
  );
}
