/** nginx:drain: one server of an upstream taken out of service, or back into it, with the proof that nginx acts on it. */
import { Type, type Static } from 'typebox';
import type { Change } from '../../engine/events.ts';
import { defineAction, done, type ActionContext, type UndoInputs } from '../define-action.ts';
import { detached, fieldsOrFailure, type DetachedEnd } from '../effects/detached.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { keepKey } from '../scripts/keep-key.ts';
import { observeUpstream, restoreUpstream, setUpstream } from '../scripts/nginx.ts';
import { strictObject } from '../strict-object.ts';

const withinSecondsDefault = 60;
const quietSecondsDefault = 2;

/** No bytes: a configuration may hold secrets, and stays on the host. */
type Before = { readonly sha256: string; readonly upstream: string; readonly flag: Flag };
type Flag = 'up' | 'backup' | 'down';
type Outputs = {
  readonly Upstream: string;
  readonly State: 'drained' | 'serving';
  readonly Changed: boolean;
};

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'The host that nginx runs on.' }),
  File: Type.String({
    pattern: '^/',
    description: 'The file of the configuration that holds the server line; no symbolic link.',
  }),
  Server: Type.String({
    pattern: '^[A-Za-z0-9._:/\\[\\]-]+$',
    description: 'As the line has it: minio02.lab:9000.',
  }),
  Upstream: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._-]+$',
      description: 'Its upstream; may be left out where the file names the server once.',
    }),
  ),
  State: Type.Optional(
    Type.Union([Type.Literal('drained'), Type.Literal('serving')], { default: 'drained' }),
  ),
  AccessLog: Type.Optional(
    Type.String({
      pattern: '^/',
      description:
        'A log whose format has $upstream_addr: then no line of it may name the server during QuietSeconds.',
    }),
  ),
  WithinSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 3_600,
      default: withinSecondsDefault,
      description:
        'drained, and where an undo drains again: how long workers from before the reload may take to end. worker_shutdown_timeout in nginx.conf ends them.',
    }),
  ),
  QuietSeconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 600,
      default: quietSecondsDefault,
      description: 'drained: how long it is watched after that.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const drain = defineAction({
  name: 'nginx:drain',
  summary:
    'Marks one server of an nginx upstream as down and proves that no new request reaches it, or takes it back into service.',
  source: 'https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server',
  example: `
    - name: Drain
      action: nginx:drain
      inputs: { Host: lb1, File: /etc/nginx/conf.d/minio.conf, Upstream: minio, Server: 'minio02.lab:9000' }`,
  inputs,
  outputs: strictObject({
    Upstream: Type.String(),
    State: Type.Union([Type.Literal('drained'), Type.Literal('serving')]),
    Changed: Type.Boolean({ description: 'False: the line was so already.' }),
  }),
  timeoutSeconds: 4_500,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,

  putsBack: ['flag'],
  observe: async ({ Host, File, Server, Upstream }, context): Promise<Before> => {
    const fields = await readFields(
      context.host(Host),
      observeUpstream([File, Upstream ?? '-', Server]),
      context,
    );
    return {
      sha256: fields.one('sha256') ?? '',
      upstream: fields.one('upstream') ?? '',
      flag: flagOf(fields.one('flag')),
    };
  },

  effect: detached<Inputs, Before, Outputs>({
    host: ({ Host }) => Host,
    script: (inputs, before, context) =>
      setUpstream([
        keyOf(context, inputs, before),
        inputs.File,
        before.upstream,
        inputs.Server,
        inputs.State === 'serving' ? 'up' : 'down',
        before.sha256,
        String(inputs.WithinSeconds ?? withinSecondsDefault),
        String(inputs.QuietSeconds ?? quietSecondsDefault),
        inputs.AccessLog ?? '-',
      ]),
    waitingFor: ({ Server, State }) =>
      State === 'serving'
        ? `waiting for nginx to serve ${Server} again`
        : `waiting for the last worker that sends requests to ${Server}`,
    mayStartAnew: true,
    finish: (end, inputs, before) => {
      const said = fieldsOrFailure(end, (fields) => ({
        changes: changesOf(end, inputs, fields, before.flag),
        // So that an undo list can tell a server that was taken out from one that never was.
        outputs: outputsOf(fields, before, changesOf(end, inputs, fields, before.flag)),
      }));
      if ('failure' in said) return said.failure;
      const changes = changesOf(end, inputs, said.fields, before.flag);
      const note = noteOf(inputs, said.fields, changes.length > 0);
      return done(outputsOf(said.fields, before, changes), {
        changes,
        ...(note === '' ? {} : { note }),
      });
    },
  }),

  undo: {
    kind: 'restore',
    effect: detached<UndoInputs<Inputs, Before, { Host: string; Token: string }, Outputs>, null, Outputs>({
      host: ({ inputs }) => inputs.Host,
      script: ({ inputs, before }, _, context) =>
        restoreUpstream([
          keyOf(context, inputs, before),
          inputs.File,
          before.upstream,
          inputs.Server,
          before.flag === 'down' ? 'down' : 'up',
          before.sha256,
          String(inputs.WithinSeconds ?? withinSecondsDefault),
        ]),
      waitingFor: ({ inputs, before }) =>
        before.flag === 'down'
          ? `waiting for the last worker that sends requests to ${inputs.Server}`
          : `putting ${inputs.Server} in ${inputs.File} back`,
      mayStartAnew: true,
      finish: (end, { inputs, before }) => {
        const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, inputs, fields) }));
        if ('failure' in said) return said.failure;
        const changes = changesOf(end, inputs, said.fields);
        return done(outputsOf(said.fields, before, changes), {
          changes,
          ...(said.fields.one('edited') === 'yes'
            ? {
                note: `${inputs.File} was edited by somebody else meanwhile: only the line of ${inputs.Server} was put back`,
              }
            : {}),
        });
      },
    }),
  },
});

const keyOf = ({ executionId }: ActionContext, { File, Server, State }: Inputs, before: Before) =>
  keepKey(executionId, File, Server, State ?? 'drained', before.upstream, before.sha256);

const flagOf = (word: string | undefined): Flag => (word === 'down' || word === 'backup' ? word : 'up');
const stateOf = (flag: Flag) => (flag === 'down' ? 'drained' : 'serving');

function outputsOf(fields: Fields, { upstream, flag }: Before, changes: readonly Change[]): Outputs {
  return {
    Upstream: upstream,
    State: stateOf(flagOf(fields.one('is') ?? flag)),
    Changed: changes.length > 0,
  };
}

/** What it rests on: how many workers were seen to end, and what the log says. */
function noteOf({ Server }: Inputs, fields: Fields, isChanged: boolean): string {
  const ended = fields.one('ended');
  const [requests, hits] = fields.rows('requests').at(-1) ?? [];
  const already = isChanged ? '' : `${Server} is ${stateOf(flagOf(fields.one('is')))} already`;
  const proof = ended === undefined ? '' : `every worker that knew it as serving has ended (${ended})`;
  const logged = requests === undefined ? '' : `${hits} of ${requests} requests since went to it`;
  return [already, proof, logged].filter((part) => part !== '').join('; ');
}

function changesOf(end: DetachedEnd, { Server }: Inputs, fields: Fields, before?: Flag): readonly Change[] {
  if (fields.one('is') === undefined) return [];
  const from = stateOf(before ?? flagOf(fields.one('was')));
  const to = stateOf(flagOf(fields.one('is')));
  return from === to ? [] : [{ target: end.host.name, subject: Server, from, to }];
}
