/** The codes that this room adds to those of the document room. */

export const inventoryCodes = {
  HOST_NAME: 'A host name that no command line could take: letters, digits, dots, dashes and underscores.',
  UNKNOWN_BASTION: 'via names a host that the inventory does not have.',
  BASTION_TRANSPORT: 'via names a host that is not reached over ssh, so nothing can jump through it.',
  VIA_CYCLE: 'Hosts that are reached through each other in a circle.',
  KEY_FOR_OTHER_TRANSPORT: "A key that means nothing for the host's transport.",
  MISSING_INSTANCE: 'A host with transport ssm that has no instanceId.',
  DUPLICATE_INSTANCE:
    'Two hosts with the same instance id, or an instance id that is the name of another host.',
} as const;

export type InventoryCode = keyof typeof inventoryCodes;
