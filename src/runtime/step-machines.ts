/**
 * One step over many hosts acts on each machine once. Two names of one machine would have it changed twice, and its undo would
 * put back what the first of the two had made: the second name is refused before anything is done under it. Names that
 * belay.yaml calls `transport: local` are meant to be one machine; of those it is told.
 */
import type { Machines } from '../journal/index.ts';
import { HostFailure, type Host, type HostAddress, type HostIdentity } from '../transports/host.ts';

export interface StepMachinesOptions {
  readonly executionId: string;
  readonly journal: Machines;
  readonly tell: (text: string) => void;
  readonly now: () => number;
}

type Named = Pick<Host, 'name' | 'transport' | 'instanceId'>;
interface Claim {
  readonly name: string;
  readonly transport: string;
}

export class StepMachines {
  readonly #options: StepMachinesOptions;
  /** Who answered under a name, as far as this runner has heard. */
  readonly #answered = new Map<string, HostIdentity>();
  /** Hosts that steps are about to act on, with those steps. */
  readonly #acting = new Map<string, Set<string>>();
  readonly #claims = new Map<string, Claim>();
  readonly #told = new Set<string>();

  constructor(options: StepMachinesOptions) {
    this.#options = options;
  }

  /** `step`: over many hosts, of which this is one. Throws HostFailure SAME_MACHINE before anything is done on it. */
  async acting<T>(step: string, host: Named, act: () => Promise<T>): Promise<T> {
    const steps = this.#acting.get(host.name) ?? new Set();
    this.#acting.set(host.name, steps.add(step));
    try {
      await this.#claim(step, host, this.#answered.get(host.name));
      return await act();
    } finally {
      steps.delete(step);
      if (steps.size === 0) this.#acting.delete(host.name);
    }
  }

  /** Called with who answered, before anything else is done over the connection. Throws HostFailure SAME_MACHINE. */
  async answered(address: HostAddress, identity: HostIdentity): Promise<void> {
    this.#answered.set(address.name, identity);
    for (const step of this.#acting.get(address.name) ?? []) await this.#claim(step, address, identity);
  }

  async #claim(step: string, host: Named, identity: HostIdentity | undefined): Promise<void> {
    const { executionId, journal, now } = this.#options;
    const own: Claim = { name: host.name, transport: host.transport };
    for (const machine of machinesOf(host, identity)) {
      const what = `acts:${step}:${machine}`;
      // Taken before anything is waited for: lanes of one step come here at once.
      const first = this.#claims.get(what) ?? own;
      this.#claims.set(what, first);
      const noted = await journal.machine(executionId, what);
      const claim = noted === undefined ? first : claimIn(noted.value);
      this.#claims.set(what, claim);
      if (claim.name !== own.name) this.#sameMachine(step, claim, own);
      else if (noted === undefined)
        await journal.noteMachine(executionId, what, { at: now(), value: { ...own } });
    }
  }

  #sameMachine(step: string, first: Claim, own: Claim): void {
    const both = `${own.name} is the same machine as ${first.name}`;
    if (first.transport !== 'local' || own.transport !== 'local') {
      throw new HostFailure({
        code: 'SAME_MACHINE',
        message: `${own.name}: ${both}, on which ${step} has acted already under that name.\nName it once in Hosts; which names are one machine, \`belay doctor\` says.\nNothing was done under the name ${own.name}.`,
        retryable: false,
        effect: 'none',
      });
    }
    if (this.#told.has(step)) return;
    this.#told.add(step);
    this.#options.tell(`${both}, this one: ${step} acts on it once for each local name in its Hosts`);
  }
}

/** Cloned machines may share a machine-id, and containers a boot; one machine has both and one process namespace. */
function machinesOf({ instanceId }: Named, identity: HostIdentity | undefined): string[] {
  const { machineId = null, bootId = null, space = null } = identity ?? {};
  const instances = new Set([instanceId, identity?.instanceId].filter((id) => typeof id === 'string'));
  return [
    ...(machineId === null || bootId === null ? [] : [`machine:${machineId} ${bootId} ${space ?? ''}`]),
    ...[...instances].map((id) => `instance:${id}`),
  ];
}

function claimIn({ name, transport }: Readonly<Record<string, unknown>>): Claim {
  return { name: String(name), transport: String(transport) };
}
