/** What one message about one rule says: the state, what is new, still so and fixed since the last message, and where to look. */
import type { Told } from './alert-memory.ts';
import { lineOf, resources, type RuleStanding } from './standing.ts';

/** Names of one heading; the rest is counted. */
const namedMax = 20;

export interface Difference {
  readonly added: readonly string[];
  readonly still: readonly string[];
  readonly fixed: readonly string[];
}

/** Against the last message. Null: one of the two sets was too large to be kept whole. */
export function difference(rule: RuleStanding, told: Told | null): Difference | null {
  if (rule.Status === 'UNDETERMINED') return { added: [], still: [], fixed: [] };
  const before = told === null ? [] : told.resources;
  if (before === null || !rule.IsComplete) return null;
  const [now, then] = [new Set(rule.ResourceIds), new Set(before)];
  return {
    added: rule.ResourceIds.filter((name) => !then.has(name)),
    still: rule.ResourceIds.filter((name) => then.has(name)),
    fixed: before.filter((name) => !now.has(name)),
  };
}

export interface Occasion {
  readonly account: string;
  readonly region: string;
  readonly executionId: string;
  /** Of this message. */
  readonly number: number;
  readonly memory: string;
  readonly link: string;
}

export function subjectOf(rule: RuleStanding, changed: Difference | null, told: Told | null): string {
  switch (rule.Status) {
    case 'COMPLIANT':
      return `RESOLVED ${rule.Name}: compliant again`;
    case 'UNDETERMINED':
      return `UNDETERMINED ${rule.Name}: ${rule.Cause}`;
    case 'NON_COMPLIANT': {
      const counted = `NON_COMPLIANT ${rule.Name}: ${resources(rule.NonCompliant)}`;
      return told === null || changed === null
        ? counted
        : `${counted}, ${changed.added.length} new, ${changed.fixed.length} fixed`;
    }
    default:
      return rule.Status satisfies never;
  }
}

export function messageOf(
  rule: RuleStanding,
  changed: Difference | null,
  told: Told | null,
  { account, region, executionId, number, memory, link }: Occasion,
): string {
  const notes = new Map(
    rule.Findings.map(({ ResourceType, ResourceId, Annotation }) => [
      `${ResourceType} ${ResourceId}`,
      Annotation,
    ]),
  );
  const list = (heading: string, names: readonly string[]): string[] =>
    names.length === 0
      ? []
      : [
          `${heading} (${names.length}):`,
          ...names.slice(0, namedMax).map((name) => `  ${`${name}  ${notes.get(name) ?? ''}`.trim()}`),
          ...(names.length > namedMax ? [`  and ${names.length - namedMax} more`] : []),
          '',
        ];
  const lists =
    changed === null
      ? [
          `Too many to say which are new: ${rule.NonCompliant} now, ${told?.nonCompliant ?? 0} in the last message.`,
          ...list('Among them', [...notes.keys()]),
        ]
      : [
          ...list(told === null ? 'Non-compliant' : 'New', changed.added),
          ...list('Still', changed.still),
          ...list('Fixed', changed.fixed),
        ];
  const known =
    rule.Status === 'UNDETERMINED' && told !== null && told.nonCompliant > 0
      ? [`When it was last known, ${resources(told.nonCompliant)} non-compliant.`, '']
      : [];
  return [
    `Config rule ${lineOf(rule)}.`,
    `Account ${account}, region ${region}.`,
    '',
    ...lists,
    ...known,
    ...(rule.Status === 'UNDETERMINED'
      ? []
      : [
          `Counted: ${rule.NonCompliant} non-compliant, ${rule.Compliant} compliant, ${rule.NotApplicable} not applicable; evaluated ${rule.EvaluatedAt}.`,
        ]),
    `Execution: ${executionId} (belay show ${executionId})`,
    ...(link === '' ? [] : [`See: ${link}`]),
    told === null
      ? `Message 1 about this rule.`
      : `Message ${number} about this rule, after ${told.messageId} of ${told.sentAt} (${told.status}).`,
    `Sent again only when the state changes; remembered in the parameter ${memory}.`,
  ].join('\n');
}
