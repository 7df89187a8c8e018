/** The door of the room: belay.yaml → the hosts that Belay knows, and how to reach each. */
export { parseInventory, type InventoryOptions, type ParsedInventory } from './parse-inventory.ts';
export { stsEndpointOf, type ApprovalPolicy, type Approver } from './approvers.ts';
export { type Inventory } from './inventory.ts';
export { hostHint, resolveTargets, type ResolvedTargets, type Targets } from './resolve-targets.ts';
export { inventoryCodes, type InventoryCode } from './errors.ts';
export { inventorySchema } from './schema.ts';
export { keepMsDefault } from './keep.ts';
