/**
 * Cases as files: `test/actions/NAMESPACE/ACTION/what-it-shows.yaml` holds the inputs, the world before, the expected
 * calls and ending, the world after, and the undo. Adding a case needs no code.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ActionFailure, type AnyAction } from '../../../../src/actions/define-action.ts';
import type { DeclaredOutput } from '../../../../src/document/types.ts';
import type { JsonObject } from '../../../../src/json.ts';
import type { Aws } from '../../../../src/transports/aws.ts';
import { createAwsModels } from '../../../../src/transports/aws/models.ts';
import {
  memoryWorld,
  newWorld,
  sandboxAws,
  type World,
  type WorldState,
} from '../../../../src/world/index.ts';
import { fakeClock } from '../../../world/fake-clock.ts';
import { NotDone, run, undo, type Run, type World as ActionWorld } from '../../../support/action-bed.ts';
import { fakeHost, type FakeHost, type HostAnswer } from './fake-host.ts';
import { withFakeSsm, type Answer } from './fake-ssm.ts';
import { faultyAws, type Fault, type RecordedCall } from './faulty-aws.ts';

export interface CaseFile {
  readonly inputs: JsonObject;
  /** That the step declares. */
  readonly outputs?: readonly DeclaredOutput[];
  readonly before?: {
    readonly tags?: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly ssmTags?: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly instances?: Readonly<Record<string, WorldState['instances'][string]['state']>>;
    /** Images of the account by id, with their names; each stands on one snapshot of web1's root volume. */
    readonly images?: Readonly<Record<string, string>>;
    /** Stacks that are complete, by name, with the token of their creation. */
    readonly stacks?: Readonly<Record<string, string>>;
    readonly commands?: Readonly<Record<string, Answer>>;
    readonly targets?: Readonly<Record<string, readonly string[]>>;
    readonly commandRounds?: number;
    readonly hosts?: Readonly<Record<string, HostAnswer>>;
  };
  readonly secrets?: readonly string[];
  readonly faults?: readonly Fault[];
  /** In order, observation included. */
  readonly calls?: readonly string[];
  /** Members that the named calls must have been given, in order of the calls. */
  readonly params?: readonly { readonly call: string; readonly has: JsonObject }[];
  readonly ending: JsonObject;
  readonly after?: JsonObject;
  /** How often a script was begun, by host. */
  readonly begun?: Readonly<Record<string, number>>;
  readonly undo?: {
    readonly knows?: 'everything' | 'nothing';
    readonly faults?: readonly Fault[];
    readonly calls?: readonly string[];
    readonly ending: JsonObject;
    /** What differs from the world before; without it nothing may. */
    readonly after?: JsonObject;
  };
}

export interface CaseRun {
  readonly ending: JsonObject;
  readonly calls: readonly RecordedCall[];
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly hosts: Readonly<Record<string, FakeHost>>;
  readonly undone?: {
    readonly ending: JsonObject;
    readonly calls: readonly RecordedCall[];
    readonly after: JsonObject;
  };
}

const casesRoot = path.resolve(import.meta.dirname, '../..');

/** The folder of an action's cases: `aws/create-tags`. */
export function caseFolder(actionName: string): string {
  return path.join(casesRoot, fileNameOf(actionName));
}

/** `aws/create-tags` for `aws:createTags`. */
export function fileNameOf(actionName: string): string {
  const [nameSpace = '', own = ''] = actionName.split(':');
  return path.join(
    nameSpace,
    own.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  );
}

export function casesOf(actionName: string): readonly { readonly title: string; readonly file: CaseFile }[] {
  const folder = caseFolder(actionName);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => ({
      title: name.replace('.yaml', '').replaceAll('-', ' '),
      file: parse(readFileSync(path.join(folder, name), 'utf8')) as CaseFile,
    }));
}

const models = createAwsModels();

/** `replying`: what becomes of each reply before the action reads it. */
export async function runCase(
  action: AnyAction,
  file: CaseFile,
  replying: (reply: JsonObject) => JsonObject = (reply) => reply,
  limits: Pick<ActionWorld, 'timeoutMs'> = {},
): Promise<CaseRun> {
  const clock = fakeClock();
  const world = memoryWorld(prepared(file), clock);
  const ssmTags = structuredClone(file.before?.ssmTags ?? {}) as Record<string, Record<string, string>>;
  const below = withFakeSsm(
    sandboxAws(world, models),
    {
      answers: file.before?.commands ?? {},
      targets: file.before?.targets ?? {},
      rounds: file.before?.commandRounds ?? 0,
      tags: ssmTags,
    },
    () => clock.now(),
  );
  const hosts = Object.fromEntries(
    Object.entries(file.before?.hosts ?? {}).map(([name, answer]) => [name, fakeHost(name, answer)]),
  );
  const worldWith = (faults: readonly Fault[] | undefined): { ports: ActionWorld; calls: RecordedCall[] } => {
    const { aws: faulty, calls } = faultyAws(below, faults);
    const aws: Aws = {
      ...faulty,
      call: async (call, options) => replying(await faulty.call(call, options)),
    };
    const ports = {
      executionId: '01JCASE',
      aws,
      host: (name: string) => hostNamed(hosts, name),
      secrets: file.secrets ?? [],
      now: () => clock.now(),
      wait: async (ms: number) => clock.pass(ms),
      ...limits,
    };
    return { ports, calls };
  };

  const before = shown(world, ssmTags);
  const forward = worldWith(file.faults);
  const carried = await endingOf(() =>
    run(action, file.inputs, forward.ports, { token: caseToken, outputs: file.outputs ?? [] }),
  );
  const ran = { ending: carried.ending, calls: forward.calls, before, after: shown(world, ssmTags), hosts };
  if (file.undo === undefined || carried.run === undefined) return ran;
  const backward = worldWith(file.undo.faults);
  const options = { token: `${caseToken}/undo`, knowing: file.undo.knows ?? 'everything' };
  const undone = await undo(action, carried.run, backward.ports, options);
  return { ...ran, undone: { ending: undone, calls: backward.calls, after: shown(world, ssmTags) } };
}

/** The engine's; what the world gets stands in the cases. */
const caseToken = '01JCASE/Step/0';

/** A failure of which nothing is known to have been done is an ending like any other. */
async function endingOf(
  act: () => Promise<Run>,
): Promise<{ readonly ending: JsonObject; readonly run?: Run }> {
  try {
    const done = await act();
    return { ending: done.ending, run: done };
  } catch (error) {
    if (!(error instanceof NotDone)) throw error;
    const { code, message, effect, retryable } = error;
    return { ending: { kind: 'thrown', code, message, effect, retryable } };
  }
}

function prepared({ before = {} }: CaseFile): WorldState {
  const state = newWorld();
  for (const [id, tags] of Object.entries(before.tags ?? {})) state.tags[id] = { ...tags };
  for (const [id, wanted] of Object.entries(before.instances ?? {})) {
    const instance = state.instances[id];
    if (instance === undefined) throw new Error(`the sandbox has no instance ${id}`);
    instance.state = wanted;
    instance.settlesAt = wanted === 'stopping' || wanted === 'pending' ? fakeClock().now() + 4_000 : null;
  }
  Object.entries(before.stacks ?? {}).forEach(([name, token], index) => {
    const id = `arn:aws:cloudformation:eu-central-1:123456789012:stack/${name}/${index + 1}`;
    const at = fakeClock().now();
    const events = ['CREATE_IN_PROGRESS', 'CREATE_COMPLETE'].map((status) => ({ at, status, token }));
    state.stacks[id] = {
      id,
      name,
      status: 'CREATE_COMPLETE',
      settlesAt: null,
      createdAt: at,
      template: 'Resources: {}',
      parameters: {},
      tags: {},
      events,
    };
  });
  for (const [id, name] of Object.entries(before.images ?? {})) addImage(state, id, name);
  return state;
}

/** Its device stays behind when an instance of it goes. */
function addImage(state: WorldState, id: string, name: string): void {
  const [volume] = Object.values(state.volumes);
  if (volume === undefined) throw new Error('the sandbox has no volume');
  const snapshotId = id.replace('ami-', 'snap-');
  const at = fakeClock().now();
  state.snapshots[snapshotId] = {
    id: snapshotId,
    state: 'completed',
    settlesAt: null,
    volumeId: volume.id,
    sizeGiB: volume.sizeGiB,
    encrypted: false,
    description: '',
    startTime: at,
    contents: structuredClone(volume.contents),
  };
  state.images[id] = {
    id,
    name,
    description: '',
    state: 'available',
    settlesAt: null,
    owner: state.account,
    creationTime: at,
    rootDeviceName: '/dev/xvda',
    devices: [
      {
        device: '/dev/xvda',
        snapshotId,
        sizeGiB: volume.sizeGiB,
        volumeType: 'gp3',
        deleteOnTermination: false,
      },
    ],
  };
}

/** What these actions can change. */
function shown(world: World, ssmTags: Record<string, Record<string, string>>): JsonObject {
  const state = world.look();
  return structuredClone({
    instances: Object.fromEntries(Object.entries(state.instances).map(([id, one]) => [id, one.state])),
    tags: Object.fromEntries(Object.entries(state.tags).filter(([, tags]) => Object.keys(tags).length > 0)),
    ssmTags,
    snapshots: Object.values(state.snapshots).map(({ volumeId, description }) => ({ volumeId, description })),
    images: Object.values(state.images).map(({ name }) => name),
    volumes: Object.keys(state.volumes).length,
    stacks: Object.fromEntries(
      Object.values(state.stacks)
        .filter(({ status }) => status !== 'DELETE_COMPLETE')
        .map(({ name, status }) => [name, status]),
    ),
    parameters: Object.keys(state.parameters),
    messages: Object.values(state.topics).flatMap(({ messages }) =>
      messages.map(({ subject, message }) => ({ subject, message })),
    ),
  });
}

function hostNamed(hosts: Readonly<Record<string, FakeHost>>, name: string): FakeHost {
  const host = hosts[name] ?? Object.values(hosts).find(({ instanceId }) => instanceId === name);
  if (host !== undefined) return host;
  if (/^m?i-/.test(name)) return fakeHost(name, { transport: 'ssm', instanceId: name });
  throw new ActionFailure({ code: 'UNKNOWN_HOST', message: `the inventory has no host ${name}` });
}
