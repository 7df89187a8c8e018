/** The door of the sandbox: a world, and the two ports over it. */
export { sandboxAws } from './aws.ts';
export { withFault, type Fault, type FaultKind, type FaultyPorts } from './faults.ts';
export { sandboxHost, sandboxHostNames } from './host.ts';
export { openWorld, WorldFileFailure } from './persist.ts';
export { newWorld, sandboxIds } from './seed.ts';
export type { WorldState } from './state.ts';
export { memoryWorld, type Clock, type World } from './world.ts';
