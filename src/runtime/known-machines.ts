/**
 * Which machine answered under each name within one execution. It is journaled when a name is first spoken to, so that
 * another machine under the same name is found out after a reconnect and in a later runner too.
 */
import type { MachineNote, Machines } from '../journal/index.ts';
import type { JsonObject } from '../json.ts';
import { HostFailure, type HostAddress, type HostIdentity } from '../transports/host.ts';
import { StepMachines } from './step-machines.ts';

export interface KnownMachinesOptions {
  readonly executionId: string;
  readonly journal: Machines;
  /** Tells the person at the screen. */
  readonly tell: (text: string) => void;
  readonly now: () => number;
}

type Known = Pick<HostIdentity, 'machineId' | 'bootId' | 'instanceId'> & { readonly seenAt: number };

export class KnownMachines {
  readonly #options: KnownMachinesOptions;
  readonly #turns = new Map<string, Promise<void>>();
  /** Which machines the steps over many hosts act on. */
  readonly ofSteps: StepMachines;

  constructor(options: KnownMachinesOptions) {
    this.#options = options;
    this.ofSteps = new StepMachines(options);
  }

  /** Called with who answered, before anything else is done over the connection. Throws HostFailure WRONG_HOST. */
  readonly verify = async (address: HostAddress, identity: HostIdentity): Promise<void> => {
    // One after the other under a name: what the first wrote down is what the second is compared with.
    const before = this.#turns.get(address.name) ?? Promise.resolve();
    const turn = before.then(() => this.#verified(address, identity));
    this.#turns.set(
      address.name,
      turn.catch(() => {}),
    );
    await turn;
    await this.ofSteps.answered(address, identity);
  };

  async #verified(address: HostAddress, identity: HostIdentity): Promise<void> {
    checkPins(address, identity);
    const known = await this.#known(address.name);
    if (known === undefined) return this.#record(address.name, identity);
    const change = changeOf(known, identity);
    if (change === undefined) {
      const isNewBoot = known.bootId !== null && identity.bootId !== null && known.bootId !== identity.bootId;
      if (isNewBoot) {
        this.#options.tell(
          `${address.name} was rebooted: it runs boot ${identity.bootId} now, and ran ${known.bootId} when this execution last connected`,
        );
      }
      if (isNewBoot || hasMore(known, identity)) await this.#record(address.name, merged(known, identity));
      return;
    }
    if (!(await this.#isExpected(address, identity, known))) throw anotherMachine(address, identity, change);
    this.#options.tell(`${address.name} is another machine than before, as it may be: ${change}`);
    await this.#record(address.name, identity);
  }

  /** A step is about to do what may give these instances another root: each may answer as another machine once. */
  async mayBecomeOthers(instanceIds: readonly string[]): Promise<void> {
    for (const id of instanceIds) await this.#add(`root-replaced:${id}`, {});
  }

  /** A person wrote the new machine-id into belay.yaml, or a step of this execution replaced the root. */
  async #isExpected(address: HostAddress, identity: HostIdentity, known: Known): Promise<boolean> {
    if (address.machineId !== undefined && address.machineId === identity.machineId) return true;
    for (const id of [address.instanceId, known.instanceId, identity.instanceId]) {
      const replaced =
        id === undefined || id === null ? undefined : await this.#latest(`root-replaced:${id}`);
      if (replaced !== undefined && replaced.at >= known.seenAt) return true;
    }
    return false;
  }

  async #known(name: string): Promise<Known | undefined> {
    const latest = await this.#latest(`machine:${name}`);
    if (latest === undefined) return undefined;
    const text = (key: string) => (typeof latest.value[key] === 'string' ? latest.value[key] : null);
    return {
      machineId: text('machineId'),
      bootId: text('bootId'),
      instanceId: text('instanceId'),
      seenAt: latest.at,
    };
  }

  #record(name: string, { machineId, bootId, instanceId }: Omit<Known, 'seenAt'>): Promise<void> {
    return this.#add(`machine:${name}`, { machineId, bootId, instanceId });
  }

  async #latest(what: string): Promise<MachineNote | undefined> {
    const { executionId, journal } = this.#options;
    return await journal.machine(executionId, what);
  }

  async #add(what: string, value: JsonObject): Promise<void> {
    const { executionId, journal, now } = this.#options;
    await journal.noteMachine(executionId, what, { at: now(), value });
  }
}

/** What belay.yaml says of the machine itself. Throws HostFailure WRONG_HOST. */
export function checkPins(address: HostAddress, identity: HostIdentity): void {
  const { name, instanceId, machineId } = address;
  if (instanceId !== undefined && identity.instanceId !== null && identity.instanceId !== instanceId) {
    throw wrongHost(
      name,
      `belay.yaml says that ${name} is ${instanceId}, and instance ${identity.instanceId} answers`,
      'Correct its instanceId or its address in belay.yaml.',
    );
  }
  if (machineId !== undefined && machineId !== identity.machineId) {
    throw wrongHost(
      name,
      `belay.yaml says that ${name} has machine-id ${machineId}, and ${machineText(identity.machineId)} answers`,
      'Correct its machineId or its address in belay.yaml.',
    );
  }
}

/** A sentence's part; undefined: as far as can be told it is the same machine. */
function changeOf(known: Known, { machineId, instanceId }: HostIdentity): string | undefined {
  if (known.instanceId !== null && instanceId !== null && known.instanceId !== instanceId) {
    return `instance ${known.instanceId} answered before, and instance ${instanceId} answers now`;
  }
  if (known.machineId !== null && known.machineId !== machineId) {
    return `machine-id ${known.machineId} answered before, and ${machineText(machineId)} answers now`;
  }
  return undefined;
}

function hasMore(known: Known, identity: HostIdentity): boolean {
  return (['machineId', 'bootId', 'instanceId'] as const).some(
    (key) => known[key] === null && identity[key] !== null,
  );
}

/** What cannot be read now was true when it was read. */
function merged(known: Known, { machineId, bootId, instanceId }: HostIdentity): Omit<Known, 'seenAt'> {
  return {
    machineId: machineId ?? known.machineId,
    bootId: bootId ?? known.bootId,
    instanceId: instanceId ?? known.instanceId,
  };
}

function machineText(machineId: string | null): string {
  return machineId === null ? 'a machine that shows no machine-id' : `machine-id ${machineId}`;
}

function anotherMachine(address: HostAddress, { machineId }: HostIdentity, change: string): HostFailure {
  const { name } = address;
  const next =
    machineId === null
      ? 'Find out who answers there, and correct its address in belay.yaml.'
      : `Find out who answers there. If it is right (the host was rebuilt), say so in belay.yaml:  ${name}: { machineId: ${machineId} }`;
  return wrongHost(
    name,
    `another machine answers under this name than before in this execution: ${change}`,
    next,
  );
}

function wrongHost(name: string, what: string, next: string): HostFailure {
  return new HostFailure({
    code: 'WRONG_HOST',
    message: `${name}: ${what}.\n${next}\nNothing was done on the machine that answered.`,
    retryable: false,
    effect: 'none',
  });
}
