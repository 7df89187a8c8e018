/**
 * minio:restartCluster: all servers at once, by MinIO's own admin API: the one restart of an upgrade, after the new
 * binary lies on every node. Each server executes itself anew, so systemd sees nothing (same process, same start time);
 * the proof is the uptime that every server reports, and the version that it then runs. The old environment stays: for
 * a changed EnvironmentFile use host:service.
 */
import { Type, type Static } from 'typebox';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { askAdmin, objectIn, objectsIn, serversOf, textIn, type Server } from './admin.ts';
import { askAny, mayPass } from './ask-any.ts';
import { eachNode, keyedInputs, openCluster, type Cluster } from './cluster.ts';
import { askNode, withPeers } from './probe.ts';

const askAgainMs = 500;
/** A server tells of its restart within a second; so long "absent" is not believed, in ms. */
const settleMs = 10_000;
/** Uptime comes in whole seconds: below it a restart could not be told from none. */
const uptimeSecondsMin = 5;

/** `At` in ms since 1970, by the runner's clock; uptimes by the servers' names. */
type Before = {
  readonly At: number;
  readonly Servers: { readonly Endpoint: string; readonly Version: string; readonly UptimeSeconds: number }[];
};
/** `Refused`: servers that could not be told, and why. */
type Handle = { readonly ToldAt: number; readonly Refused: string[] };
type Outputs = {
  readonly Version: string;
  readonly VersionBefore: string;
  readonly Servers: { readonly Endpoint: string; readonly UptimeSeconds: number }[];
};

const inputs = strictObject({
  ...keyedInputs,
  Version: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'What every server must run afterwards, as minio:info shows it. Left out: one version, whichever it is.',
    }),
  ),
  WaitSeconds: Type.Optional(
    Type.Number({
      minimum: 1,
      maximum: 3_600,
      default: 300,
      description: 'How long it may take until every server is up and has write quorum.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const restartCluster = defineAction({
  name: 'minio:restartCluster',
  summary:
    'Restarts all servers of a MinIO cluster together and proves it by the uptime and the version of each; more than one version afterwards is a failure.',
  source: 'https://github.com/minio/minio/blob/master/cmd/admin-handlers.go',
  example: `
    - name: RestartAll
      action: minio:restartCluster
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'
        Version: 2026-02-12T20:18:48Z`,
  inputs,
  outputs: strictObject({
    Version: Type.String(),
    VersionBefore: Type.String({
      description: 'Several are separated by commas; empty: no server told one.',
    }),
    Servers: Type.Array(strictObject({ Endpoint: Type.String(), UptimeSeconds: Type.Integer() })),
  }),
  secretInputs: ['AccessKey', 'SecretKey'],
  timeoutSeconds: 3_900,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  observe: async (inputs: Inputs, context): Promise<Before> => {
    using cluster = await openCluster(inputs, context);
    const { servers } = await askAny(cluster, (node) => serversOf(node, inputs, context.signal));
    return {
      At: context.now(),
      Servers: servers.map(({ endpoint, version, uptimeSeconds }) => ({
        Endpoint: endpoint,
        Version: version,
        UptimeSeconds: uptimeSeconds,
      })),
    };
  },

  effect: {
    kind: 'begun',
    begin: async (inputs: Inputs, before: Before, context): Promise<Handle> => {
      const young = before.Servers.filter(
        ({ UptimeSeconds, Version }) => Version !== '' && UptimeSeconds < uptimeSecondsMin,
      );
      if (young.length > 0) {
        throw new ActionFailure({
          code: 'JUST_STARTED',
          message: `${young.map(({ Endpoint }) => Endpoint).join(', ')} started less than ${uptimeSecondsMin} s ago, so a restart could not be proved. Nothing was restarted; try again in a moment`,
          retryable: true,
        });
      }
      using cluster = await openCluster(inputs, context);
      const question = { method: 'POST', path: '/service', query: { action: 'restart', type: '2' } } as const;
      const text = await askAny(
        cluster,
        (node) => askAdmin(node, inputs, question, context.signal),
        'unsent',
      );
      const refused = objectsIn(objectIn(JSON.parse(text)), 'results').filter(
        (result) => textIn(result, 'err') !== '',
      );
      return {
        ToldAt: context.now(),
        Refused: refused.map((result) => `${textIn(result, 'host')}: ${textIn(result, 'err')}`),
      };
    },
    adopt: async (inputs, before, context) => {
      using cluster = await openCluster(inputs, context);
      const handle: Handle = { ToldAt: context.now(), Refused: [] };
      const running = { kind: 'running', handle } as const;
      try {
        const { servers } = await askAny(cluster, (node) => serversOf(node, inputs, context.signal));
        const now = context.now();
        return servers.some((server) => hasRestarted(server, before, now)) ? running : { kind: 'absent' };
      } catch (error) {
        // Nobody answers: they may be restarting. The wait finds out, and says so where they did not.
        if (mayPass(error)) return running;
        throw error;
      }
    },
    poll: async (handle, inputs, before, context): Promise<Poll<Outputs>> => {
      using cluster = await openCluster(inputs, context);
      const answer = await look(inputs, before, handle, cluster, context);
      const isLate = context.now() - handle.ToldAt >= (inputs.WaitSeconds ?? 300) * 1_000;
      return answer.kind === 'failed' && answer.retryable === true && !isLate
        ? pending(askAgainMs, `waiting: ${answer.message}`)
        : answer;
    },
    settleMs,
  },
  undo: {
    kind: 'none',
    reason:
      'a restart leaves nothing to put back; where the binary is swapped back, the undo list of that step restarts again',
    leavesChange: false,
  },
});

/** A server that went on running would by now be up for as long as before and the time since. */
function hasRestarted(server: Server, before: Before, now: number): boolean {
  if (server.state !== 'online') return false;
  const was = before.Servers.find(({ Endpoint }) => Endpoint === server.endpoint);
  // It was away before: that it is here now is a start of its own.
  if (was === undefined || was.Version === '') return true;
  const elapsedSeconds = (now - before.At) / 1_000;
  return server.uptimeSeconds < was.UptimeSeconds + elapsedSeconds - 3;
}

async function look(
  inputs: Inputs,
  before: Before,
  handle: Handle,
  cluster: Cluster,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  let servers: readonly Server[];
  try {
    ({ servers } = await askAny(cluster, (node) => serversOf(node, inputs, context.signal)));
  } catch (error) {
    if (!mayPass(error)) throw error;
    return failed('NOT_ANSWERING', `no server answers yet: ${error.message.split('\n')[0]}`, {
      retryable: true,
    });
  }
  const wait = (code: string, text: string) => failed(code, text, { retryable: true });
  const away = servers.filter(({ state }) => state !== 'online');
  if (away.length > 0) {
    return wait('SERVER_NOT_ONLINE', away.map(({ endpoint, state }) => `${endpoint} is ${state}`).join(', '));
  }
  if (servers.length < inputs.Hosts.length) {
    return wait(
      'SERVER_NOT_ONLINE',
      `${servers.length} servers are known, ${inputs.Hosts.length} Hosts are named`,
    );
  }
  const now = context.now();
  const still = servers.filter((server) => !hasRestarted(server, before, now));
  if (still.length > 0) {
    const why = handle.Refused.length === 0 ? '' : ` (not told: ${handle.Refused.join('; ')})`;
    const which = still.map(({ endpoint, uptimeSeconds }) => `${endpoint} is up ${uptimeSeconds} s`);
    return wait('NOT_RESTARTED', `not restarted: ${which.join(', ')}${why}`);
  }
  const nodes = withPeers(await eachNode(cluster.nodes, (node) => askNode(node, context.signal)));
  const sick = nodes.filter(({ state }) => state !== 'serving');
  if (sick.length > 0) return wait('NOT_SERVING', sick.map(({ says }) => says).join('; '));

  const versions = [...new Set(servers.map(({ version }) => version))].toSorted();
  const outputs: Outputs = {
    Version: versions.join(', '),
    VersionBefore: versionsBefore(before).join(', '),
    Servers: servers.map(({ endpoint, uptimeSeconds }) => ({
      Endpoint: endpoint,
      UptimeSeconds: uptimeSeconds,
    })),
  };
  const changes = before.Servers.flatMap(({ Endpoint, Version }) => {
    const to = servers.find(({ endpoint }) => endpoint === Endpoint)?.version ?? null;
    const from = Version === '' ? null : Version;
    return to === from ? [] : [{ target: hostOf(Endpoint, inputs), subject: 'minio', from, to }];
  });
  const seen = servers.map(({ endpoint, version }) => `${endpoint} runs ${version}`).join(', ');
  if (versions.length !== 1) {
    return failed('MIXED_VERSIONS', `restarted, and the servers do not run one version: ${seen}`, {
      outputs,
      changes,
    });
  }
  if (inputs.Version !== undefined && versions[0] !== inputs.Version) {
    return failed('VERSION_MISMATCH', `restarted, wanted version ${inputs.Version}: ${seen}`, {
      outputs,
      changes,
    });
  }
  const version =
    outputs.VersionBefore === '' || outputs.Version === outputs.VersionBefore
      ? outputs.Version
      : `${outputs.VersionBefore} → ${outputs.Version}`;
  // Until a server reaches all drives it takes an object for absent of which it sees too few pieces, and answers 204 to its DELETE.
  const since = new Date(handle.ToldAt).toISOString().slice(11, 19);
  const doubt = `from ${since}Z until it has settled, MinIO may answer 404 for an object that is there, and 204 to a DELETE that deletes nothing`;
  return done(outputs, { changes, note: `${servers.length} servers restarted, ${version}; ${doubt}` });
}

/** The inventory's name of it, where it is the first part of MinIO's: an account counts a host once. */
function hostOf(endpoint: string, { Hosts }: Inputs): string {
  const name = endpoint.replace(/:\d+$/, '');
  return Hosts.find((host) => host === name) ?? Hosts.find((host) => name.startsWith(`${host}.`)) ?? endpoint;
}

/** Without those that were away, and so told none. */
const versionsBefore = ({ Servers }: Before): string[] =>
  [...new Set(Servers.map(({ Version }) => Version).filter((version) => version !== ''))].toSorted();
