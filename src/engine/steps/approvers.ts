/** Who may approve and how many must: Approvers, or the EnhancedApprovals of a change template. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

export interface Approvals {
  readonly approvers: readonly string[];
  readonly wanted: number;
  /** How many must come from one approver, who may be a group. */
  readonly each: readonly { readonly approver: string; readonly wanted: number }[];
}

/** A text in Approvers is a list of one. */
export function approvalsOf(inputs: JsonObject): Approvals {
  const enhanced = enhancedOf(inputs['EnhancedApprovals']);
  const given = inputs['Approvers'];
  const plain = Array.isArray(given) ? given.map(String) : typeof given === 'string' ? [given] : [];
  const wantedOfEach = enhanced.reduce((sum, { wanted }) => sum + wanted, 0);
  return {
    approvers: [...new Set([...plain, ...enhanced.map(({ approver }) => approver)])],
    wanted: Math.max(Number(inputs['MinRequiredApprovals'] ?? 1), wantedOfEach),
    each: enhanced,
  };
}

/** `given`: who approved, by the entry that each counts for. */
export function isEnough({ wanted, each }: Approvals, given: readonly string[]): boolean {
  const countOf = (approver: string): number => given.filter((entry) => entry === approver).length;
  return given.length >= wanted && each.every((entry) => countOf(entry.approver) >= entry.wanted);
}

function enhancedOf(
  value: Json | undefined,
): readonly { readonly approver: string; readonly wanted: number }[] {
  const list = isJsonObject(value) ? value['Approvers'] : undefined;
  return (Array.isArray(list) ? (list as readonly Json[]) : []).flatMap((item) =>
    isJsonObject(item) && typeof item['approver'] === 'string'
      ? [{ approver: item['approver'], wanted: Number(item['minRequiredApprovals'] ?? 0) }]
      : [],
  );
}
