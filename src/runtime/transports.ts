/** The world that an execution acts on: real AWS and real hosts, or the sandbox. Only the ports differ. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ActionFailure } from '../actions/define-action.ts';
import { hostHint, resolveTargets, type Inventory, type Targets } from '../inventory/index.ts';
import type { Aws, AwsModels } from '../transports/aws.ts';
import { createAws } from '../transports/aws/client.ts';
import { createAwsModels } from '../transports/aws/models.ts';
import type { Host, HostAddress, VerifyHost } from '../transports/host.ts';
import { openHosts } from '../transports/hosts/connect.ts';
import { localHost } from '../transports/hosts/local.ts';
import type { ScriptPlace } from '../transports/scripts.ts';
import { scriptPlace } from '../transports/scripts/place.ts';
import { scriptTools } from '../transports/scripts/tools.ts';
import { openWorld, sandboxAws, sandboxHost, sandboxHostNames, type World } from '../world/index.ts';
import { checkPins } from './known-machines.ts';
import { executionDir } from './state-dir.ts';

export interface Transports {
  readonly aws: Aws;
  readonly models: AwsModels;
  /** Where scripts of the runbook run: on this machine, also in the sandbox, there without anything that they could change. */
  readonly scripts: ScriptPlace;
  /** The network of this machine. Throws ActionFailure NOT_MODELLED in the sandbox. */
  readonly fetch: typeof globalThis.fetch;
  /** Throws ActionFailure UNKNOWN_HOST. */
  host(name: string): Host;
  /** Throws ActionFailure UNKNOWN_TARGET. */
  targets(selectors: readonly string[]): readonly string[];
  close(): Promise<void>;
}

export interface TransportsOptions {
  readonly sandbox: boolean;
  readonly inventory: Inventory | null;
  readonly stateDir: string;
  readonly executionId: string;
  /** Milliseconds since 1970, for the sandbox. */
  readonly now: () => number;
  /** Called with who answered on a new connection to a host. */
  readonly verifyHost?: VerifyHost;
  /** The role that the document acts with: SendCommand to hosts over SSM is its call too. */
  readonly assumeRole?: string;
}

export async function openTransports(options: TransportsOptions): Promise<Transports> {
  return options.sandbox ? openSandbox(options) : openReality(options);
}

async function openSandbox({
  inventory,
  stateDir,
  executionId,
  now,
}: TransportsOptions): Promise<Transports> {
  const models = createAwsModels();
  const world = await openWorld({
    file: join(executionDir(stateDir, executionId), 'world.json'),
    now,
    sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
  });
  const scripts = scriptsHere(stateDir, false);
  return {
    aws: sandboxAws(world, models),
    models,
    scripts,
    fetch: (asked) =>
      Promise.reject(networkNotModelled(asked instanceof Request ? asked.url : String(asked))),
    host: (name) => {
      const host = sandboxHost(world, name);
      if (host !== undefined) return host;
      throw unknownHost(
        name,
        `the sandbox has ${listed(sandboxHostNames(world))}`,
        sandboxTargets(world, inventory),
      );
    },
    targets: (selectors) => targetsOf(sandboxTargets(world, inventory), selectors),
    close: () => scripts.host.close(),
  };
}

function openReality({
  inventory,
  stateDir,
  assumeRole,
  verifyHost = checkPins,
}: TransportsOptions): Transports {
  const models = createAwsModels();
  const aws = createAws();
  const addresses = new Map<string, HostAddress>();
  const hosts = openHosts(addresses, {
    aws: () => (assumeRole === undefined ? aws : aws.assume(assumeRole)),
    stateDir,
    verifyHost,
    keyExchange: inventory?.keyExchange ?? [],
  });
  const scripts = scriptsHere(stateDir, true);
  return {
    aws,
    models,
    scripts,
    fetch: globalThis.fetch,
    host: (name) => {
      const address = inventory?.address(name) ?? instanceAddress(name);
      if (address === undefined) {
        const known = listed(inventory?.names ?? []);
        throw unknownHost(
          name,
          known === '' ? 'there is no belay.yaml here that names hosts' : `belay.yaml has ${known}`,
          inventory,
        );
      }
      addresses.set(address.name, address);
      return hosts.host(address.name);
    },
    targets: (selectors) => targetsOf(inventory, selectors),
    close: async () => {
      await Promise.all([hosts.close(), scripts.host.close()]);
    },
  };
}

/** Scripts run on the machine of the runner, as the user that Belay is; no inventory names it. */
function scriptsHere(stateDir: string, mayReachNetwork: boolean): ScriptPlace {
  const address: HostAddress = { name: 'this-machine', transport: 'local', become: 'none', tags: {} };
  return scriptPlace({ host: localHost(address), tools: scriptTools, mayReachNetwork, hidden: [stateDir] });
}

/** An instance id that the inventory does not know is reached over SSM, whose agent runs as root. */
function instanceAddress(name: string): HostAddress | undefined {
  if (!/^m?i-[0-9a-f]{8,17}$/.test(name)) return undefined;
  return { name, transport: 'ssm', instanceId: name, become: 'none', tags: {} };
}

/** The sandbox's own hosts; an inventory's tags and groups say of them what they say of real ones. */
function sandboxTargets(world: World, inventory: Inventory | null): Targets {
  const names = sandboxHostNames(world);
  const addresses = new Map<string, ReturnType<Targets['address']>>();
  for (const name of names) {
    const instanceId = sandboxHost(world, name)?.instanceId;
    const address = { name, tags: inventory?.address(name)?.tags ?? {} };
    addresses.set(name, address);
    if (instanceId !== undefined) addresses.set(instanceId, address);
  }
  return { names, groups: inventory?.groups ?? new Map(), address: (name) => addresses.get(name) };
}

function targetsOf(targets: Targets | null, selectors: readonly string[]): readonly string[] {
  const resolved = resolveTargets(targets, selectors);
  if (resolved.kind === 'hosts') return resolved.hosts;
  throw new ActionFailure({ code: 'UNKNOWN_TARGET', message: resolved.message });
}

function networkNotModelled(address: string): ActionFailure {
  return new ActionFailure({
    code: 'NOT_MODELLED',
    message: `the sandbox does not model the network of this machine: ${address} was not asked. Give the step a Host of the sandbox, or run it without --sandbox`,
  });
}

/** What can be looked for by eye; a thousand names cannot. */
const namesListedMax = 20;

function listed(names: readonly string[]): string {
  const more = names.length - namesListedMax;
  return [...names.slice(0, namesListedMax), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function unknownHost(name: string, known: string, targets: Targets | null): ActionFailure {
  const hint = targets === null ? undefined : hostHint(targets, name);
  const message = `no host is called ${name}: ${known}${hint === undefined ? '' : `. ${hint}`}`;
  return new ActionFailure({ code: 'UNKNOWN_HOST', message });
}
