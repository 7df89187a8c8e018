/** The codes that this room adds to those of the document room. */
import type { Report, Span } from '../document/index.ts';

export const complianceCodes = {
  RULE_NAME: 'A name of a rule or a file that cannot be one: letters, digits, dots, dashes and underscores.',
  DUPLICATE_RULE: 'Two rules of one file with the same name.',
  DUPLICATE_RULE_SET: 'Two compliance files with the same Name.',
  UNKNOWN_CHECK: 'Check names no action of the family check:.',
  NO_TARGETS: 'The check looks at hosts, and neither the rule nor the file names any.',
  NO_HOSTS_HERE: 'The check looks at the account, which has no hosts as Targets.',
  BAD_TARGET: 'A selector of instances without a tag: instance-tag:KEY=VALUE.',
  NO_RUNBOOK: 'A Remedy names a runbook that is not there.',
  WRONG_CHECK_INPUT: 'An input that the check does not take, or not so.',
  UNKNOWN_PLACEHOLDER: 'A value in double braces in a Remedy that no finding has.',
} as const;

export type ComplianceCode = keyof typeof complianceCodes;

export function reportRule(
  report: Report,
  code: ComplianceCode,
  span: Span,
  message: string,
  hint?: string,
): void {
  report.foreign(code, span, message, hint);
}
