/** The codes that this room adds to those of the document room. */
import type { Report, Span } from '../document/index.ts';

export const inventoryCodes = {
  HOST_NAME:
    'A name of a host or group that no command line could take: letters, digits, dots, dashes and underscores.',
  BAD_HOST_RANGE:
    "A range of hosts that is none, or a range in a host's value with another length than that in its name.",
  DUPLICATE_HOST: 'A range that stands for a host which another entry stands for.',
  UNKNOWN_BASTION: 'via names a host that the inventory does not have.',
  BASTION_TRANSPORT: 'via names a host that is not reached over ssh, so nothing can jump through it.',
  VIA_CYCLE: 'Hosts that are reached through each other in a circle.',
  KEY_FOR_OTHER_TRANSPORT: "A key that means nothing for the host's transport.",
  MISSING_INSTANCE: 'A host with transport ssm that has no instanceId.',
  DUPLICATE_INSTANCE:
    'Two hosts with the same instance id, or an instance id that is the name of another host.',
  UNKNOWN_MEMBER: 'A group names something that is neither a host nor a group of the inventory.',
  GROUP_CLASH: 'A group with the name or instance id of a host.',
  GROUP_CYCLE: 'Groups that hold each other in a circle.',
  EMPTY_GROUP: 'A group without members.',
  BAD_APPROVER: 'An approver without a name, keys or members that can be used.',
  BAD_KEEP: 'keep is not a time, or one below an hour.',
  BAD_KEY_EXCHANGE: 'keyExchange holds what cannot be the name of a key exchange, or one twice.',
} as const;

export type InventoryCode = keyof typeof inventoryCodes;

/** Errors of this room under its own codes. */
export function reportInventory(
  report: Report,
  code: InventoryCode,
  span: Span,
  message: string,
  hint?: string,
): void {
  report.foreign(code, span, message, hint);
}

/** The same of several hosts that one entry stands for is said once. */
export function oncePerPlace(report: Report): Report {
  const said = new Set<string>();
  const isNew = (code: string, { start, end }: Span): boolean => {
    const place = `${code} ${start} ${end}`;
    const isFirst = !said.has(place);
    said.add(place);
    return isFirst;
  };
  return {
    error: (code, span, ...rest) => isNew(code, span) && report.error(code, span, ...rest),
    warn: (code, span, ...rest) => isNew(code, span) && report.warn(code, span, ...rest),
    concealed: (code, span, ...rest) => isNew(code, span) && report.concealed(code, span, ...rest),
    foreign: (code, span, ...rest) => isNew(code, span) && report.foreign(code, span, ...rest),
    suggest: (name, known) => report.suggest(name, known),
    lineAt: (offset) => report.lineAt(offset),
    get hasErrors() {
      return report.hasErrors;
    },
    finish: () => report.finish(),
  };
}
