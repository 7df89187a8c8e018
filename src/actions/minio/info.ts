/** minio:info: versions, drives, healing and uptime of every server, and whether they are as expected. */
import { Type, type Static } from 'typebox';
import {
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Done,
  type Poll,
} from '../define-action.ts';
import { isStillPatient } from '../effects/patience.ts';
import { strictObject } from '../strict-object.ts';
import { clusterDrives, serversOf, type Server } from './admin.ts';
import { askAny, mayPass } from './ask-any.ts';
import { keyedInputs, openCluster, type Cluster } from './cluster.ts';
import { clocksOf, roomOn, spreadOf } from './room.ts';

const askAgainMs = 1_000;

type ServerOutput = {
  readonly Endpoint: string;
  readonly State: string;
  readonly Version: string;
  readonly UptimeSeconds: number;
  readonly DrivesOk: number;
  readonly DrivesNotOk: string[];
};
type Outputs = {
  readonly Versions: string[];
  readonly Servers: ServerOutput[];
  readonly ServersOnline: number;
  readonly DrivesOk: number;
  readonly DrivesOffline: number;
  readonly DrivesHealing: number;
  readonly Drives: number;
};

const count = Type.Optional(Type.Integer({ minimum: 0 }));

const inputs = strictObject({
  ...keyedInputs,
  Expect: Type.Optional(
    strictObject({
      Versions: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            '`one`: every server runs the same, whichever it is; otherwise the version that each must run. Both also want every one of the Hosts online.',
        }),
      ),
      DrivesOffline: Type.Optional(
        Type.Integer({
          minimum: 0,
          description:
            'How many drives may be in another state than ok, one that is not formatted among them.',
        }),
      ),
      DrivesHealing: Type.Optional(Type.Integer({ minimum: 0, description: 'How many may be healing.' })),
      DrivesOk: Type.Optional(
        Type.Integer({ minimum: 0, description: 'How many must be ok and not healing.' }),
      ),
      MinimumUptimeSeconds: count,
      FreePercent: Type.Optional(
        Type.Number({
          minimum: 0,
          maximum: 100,
          description: 'How much of its space, and of its inodes, each drive must have free.',
        }),
      ),
      ClockSkewSeconds: Type.Optional(
        Type.Integer({
          minimum: 1,
          description:
            'How far the clocks of the nodes may be apart. MinIO refuses a peer that is 15 minutes off.',
        }),
      ),
    }),
  ),
  WaitSeconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 86_400,
      default: 0,
      description: 'How long to go on asking until all is as expected.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const info = defineAction({
  name: 'minio:info',
  summary:
    'Reads version, uptime and the state of each drive of every MinIO server, and checks what is expected of them.',
  source: 'https://github.com/minio/madmin-go/blob/main/info-commands.go',
  example: `
    - name: AllAlike
      action: minio:info
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'
        Expect: { Versions: one, DrivesOffline: 0, DrivesHealing: 0 }`,
  inputs,
  outputs: strictObject({
    Versions: Type.Array(Type.String(), { description: 'Those that run; more than one is a mixed cluster.' }),
    Servers: Type.Array(
      strictObject({
        Endpoint: Type.String({ description: 'As MinIO names it: minio01.example.com:9000.' }),
        State: Type.String({ description: 'online, offline or initializing.' }),
        Version: Type.String(),
        UptimeSeconds: Type.Integer(),
        DrivesOk: Type.Integer(),
        DrivesNotOk: Type.Array(Type.String(), { description: 'Path and state.' }),
      }),
    ),
    ServersOnline: Type.Integer(),
    DrivesOk: Type.Integer({ description: 'In state ok and not healing.' }),
    DrivesOffline: Type.Integer({ description: 'In any other state than ok.' }),
    DrivesHealing: Type.Integer(),
    Drives: Type.Integer(),
  }),
  secretInputs: ['AccessKey', 'SecretKey'],
  timeoutSeconds: 90_000,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      const patient = isStillPatient(context, inputs.WaitSeconds ?? 0);
      using cluster = await openCluster(inputs, context);
      try {
        const { servers } = await askAny(cluster, (node) => serversOf(node, inputs, context.signal));
        const judged = judge(inputs, servers);
        const answer = judged.kind === 'done' ? await judgeRoom(judged, inputs, cluster, context) : judged;
        return answer.kind === 'failed' && patient
          ? pending(askAgainMs, `waiting: ${answer.message}`)
          : answer;
      } catch (error) {
        if (!patient || !mayPass(error)) throw error;
        return pending(askAgainMs, `waiting: ${error.message}`);
      }
    },
  },
  undo: { kind: 'notNeeded' },
});

/** What else is expected before a node goes: room on the drives, and one time on all nodes. */
async function judgeRoom(
  judged: Done<Outputs>,
  inputs: Inputs,
  cluster: Cluster,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  const { signal } = context;
  const { FreePercent, ClockSkewSeconds } = inputs.Expect ?? {};
  const notes = [judged.note ?? ''];
  if (FreePercent !== undefined) {
    const { drives } = await askAny(cluster, (node) => clusterDrives(node, inputs, signal));
    const room = roomOn(drives, { spacePercent: FreePercent, inodesPercent: FreePercent });
    if (room.short.length > 0) {
      const more = room.short.length > 8 ? ` and ${room.short.length - 8} more` : '';
      return failed(
        'DRIVES_FULL',
        `wanted ${FreePercent} % free on every drive: ${room.short.slice(0, 8).join(', ')}${more}`,
        { outputs: judged.outputs, retryable: true },
      );
    }
    if (room.space !== null) notes.push(`${room.space} % free at least`);
  }
  if (ClockSkewSeconds !== undefined) {
    const clocks = await clocksOf(cluster.nodes, () => context.now(), signal);
    const spread = spreadOf(clocks);
    if (spread > ClockSkewSeconds) {
      const which = clocks.map(
        ({ host, aheadSeconds }) => `${host} ${aheadSeconds >= 0 ? '+' : ''}${aheadSeconds} s`,
      );
      return failed(
        'CLOCKS_DIFFER',
        `the clocks of the nodes are ${spread} s apart, and at most ${ClockSkewSeconds} s are allowed; by this machine's clock: ${which.join(', ')}`,
        { outputs: judged.outputs, retryable: true },
      );
    }
  }
  return { ...judged, note: notes.filter((note) => note !== '').join(', ') };
}

export function outputsOf(servers: readonly Server[]): Outputs {
  const drives = servers.flatMap((server) => server.drives);
  const isOk = ({ state, healing }: { state: string; healing: boolean }) => state === 'ok' && !healing;
  return {
    Versions: [
      ...new Set(servers.map(({ version }) => version).filter((version) => version !== '')),
    ].toSorted(),
    Servers: servers.map((server) => ({
      Endpoint: server.endpoint,
      State: server.state,
      Version: server.version,
      UptimeSeconds: server.uptimeSeconds,
      DrivesOk: server.drives.filter(isOk).length,
      DrivesNotOk: server.drives
        .filter((drive) => !isOk(drive))
        .map(({ endpoint, state, healing }) => `${endpoint} ${healing ? 'heals' : state}`),
    })),
    ServersOnline: servers.filter(({ state }) => state === 'online').length,
    DrivesOk: drives.filter(isOk).length,
    DrivesOffline: drives.filter(({ state }) => state !== 'ok').length,
    DrivesHealing: drives.filter(({ healing }) => healing).length,
    Drives: drives.length,
  };
}

function judge({ Expect = {}, Hosts }: Inputs, servers: readonly Server[]): Poll<Outputs> {
  const outputs = outputsOf(servers);
  const no = (code: string, text: string) => failed(code, text, { outputs, retryable: true });
  const notOk = outputs.Servers.flatMap(({ DrivesNotOk }) => DrivesNotOk);
  const list = (texts: readonly string[]) =>
    `${texts.slice(0, 8).join(', ')}${texts.length > 8 ? ` and ${texts.length - 8} more` : ''}`;
  if (Expect.Versions !== undefined) {
    const away = outputs.Servers.filter(({ State }) => State !== 'online');
    if (away.length > 0) {
      const which = away.map(({ Endpoint, State }) => `${Endpoint} is ${State}`);
      return no('SERVER_NOT_ONLINE', `its version cannot be told: ${list(which)}`);
    }
    if (servers.length < Hosts.length) {
      return no(
        'SERVER_NOT_ONLINE',
        `the cluster knows ${servers.length} servers, and ${Hosts.length} Hosts are named`,
      );
    }
    const wrong = outputs.Servers.filter(({ Version }) => Version !== Expect.Versions);
    const seen = outputs.Servers.map(({ Endpoint, Version }) => `${Endpoint} runs ${Version}`);
    if (Expect.Versions === 'one' && outputs.Versions.length !== 1) {
      return no('MIXED_VERSIONS', `the servers do not run one version: ${list(seen)}`);
    }
    if (Expect.Versions !== 'one' && wrong.length > 0) {
      return no('VERSION_MISMATCH', `wanted version ${Expect.Versions}: ${list(seen)}`);
    }
  }
  const {
    DrivesOffline = Infinity,
    DrivesHealing = Infinity,
    DrivesOk = 0,
    MinimumUptimeSeconds = 0,
  } = Expect;
  if (outputs.DrivesOffline > DrivesOffline) {
    return no(
      'DRIVES_NOT_OK',
      `${outputs.DrivesOffline} of ${outputs.Drives} drives are not ok, at most ${DrivesOffline} may be: ${list(notOk)}`,
    );
  }
  if (outputs.DrivesHealing > DrivesHealing) {
    return no(
      'DRIVES_HEALING',
      `${outputs.DrivesHealing} of ${outputs.Drives} drives are healing, at most ${DrivesHealing} may be: ${list(notOk)}`,
    );
  }
  if (outputs.DrivesOk < DrivesOk) {
    const rest = notOk.length === 0 ? '' : `: ${list(notOk)}`;
    return no('DRIVES_NOT_OK', `${outputs.DrivesOk} drives are ok, wanted ${DrivesOk}${rest}`);
  }
  const young = outputs.Servers.filter(({ UptimeSeconds }) => UptimeSeconds < MinimumUptimeSeconds);
  if (young.length > 0) {
    const which = young.map(({ Endpoint, UptimeSeconds }) => `${Endpoint} is up ${UptimeSeconds} s`);
    return no('JUST_STARTED', `wanted at least ${MinimumUptimeSeconds} s of uptime: ${list(which)}`);
  }
  return done(outputs, {
    note: `${outputs.ServersOnline} servers online, ${outputs.Versions.join(' and ')}, ${outputs.DrivesOk} of ${outputs.Drives} drives ok`,
  });
}
