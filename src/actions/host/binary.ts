/**
 * host:binary: a program staged beside the one that runs, exchanged with it by rename, and exchanged back. Restarts
 * nothing. Its state is what lies at three places: PATH, PATH.new (staged) and PATH.old (the one before).
 */
import { Type, type Static } from 'typebox';
import type { Change } from '../../engine/events.ts';
import type { HostScript } from '../../transports/host.ts';
import {
  ActionFailure,
  defineAction,
  done,
  type ActionContext,
  type Done,
  type Failed,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { arrangeBinary, observeBinary, stageBinary } from '../scripts/binary.ts';
import { outdatedIn, stillRuns } from './outdated.ts';
import { detached, fieldsOrFailure, type DetachedEnd } from '../effects/detached.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { keepKey } from '../scripts/keep-key.ts';

/** The sha256 at PATH, PATH.new and PATH.old; `-` where there is no file. */
type Places = { readonly path: string; readonly staged: string; readonly previous: string };
type Outputs = {
  readonly Sha256: string | null;
  readonly StagedSha256: string | null;
  readonly PreviousSha256: string | null;
  readonly Changed: boolean;
};

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
  Path: Type.String({
    pattern: '^/.*[^/]$',
    description: 'The program. PATH.new and PATH.old beside it are the staged one and the one before.',
  }),
  State: Type.Union([Type.Literal('staged'), Type.Literal('swapped'), Type.Literal('restored')], {
    description:
      'staged: Source is at PATH.new. swapped: what was staged is at PATH, and what it replaced at PATH.old. restored: PATH.old is at PATH again, and what it replaces is staged.',
  }),
  Source: Type.Optional(
    Type.String({
      pattern: '^(/|https://)[^\\s"\\\\]+$',
      description: 'staged: a file on the host, or an https address that the host fetches with curl.',
    }),
  ),
  Sha256: Type.Optional(
    Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: 'Of the program that is staged or swapped in; for restored, of the one that comes back.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const binary = defineAction({
  name: 'host:binary',
  summary:
    'Stages a program beside the one that runs, swaps the two by rename, or swaps them back; checks the sha256 and restarts nothing.',
  source: 'https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html',
  example: `
    - name: Stage
      action: host:binary
      inputs:
        Host: minio01
        Path: /usr/local/bin/minio
        State: staged
        Source: /srv/releases/minio.RELEASE.2026-02-12T20-18-48Z
        Sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`,
  inputs,
  outputs: strictObject({
    Sha256: Type.Union([Type.String(), Type.Null()], { description: 'At PATH; null: there is no file.' }),
    StagedSha256: Type.Union([Type.String(), Type.Null()], { description: 'At PATH.new.' }),
    PreviousSha256: Type.Union([Type.String(), Type.Null()], { description: 'At PATH.old.' }),
    Changed: Type.Boolean(),
  }),
  secretInputs: ['Source'],
  timeoutSeconds: 1_800,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  check: (inputs, tools) => {
    const { State, Source, Sha256 } = inputs;
    if (tools.isExpression(State)) return [];
    if (Sha256 === undefined && State !== 'restored') {
      return [
        {
          code: 'SHA256_MISSING',
          path: [],
          message: `host:binary with State: ${State === 'staged' ? 'staged' : 'swapped'} needs Sha256`,
        },
      ];
    }
    if ((Source === undefined) === (State === 'staged')) {
      return [
        {
          code: 'SOURCE_MISPLACED',
          path: [],
          message:
            State === 'staged'
              ? 'host:binary with State: staged needs a Source'
              : 'only State: staged takes a Source; the other states exchange what lies beside the program',
        },
      ];
    }
    return [];
  },

  putsBack: ['path', 'staged', 'previous'],
  observe: async ({ Host, Path }, context): Promise<Places> =>
    placesOf((await readFields(context.host(Host), observeBinary([Path]), context, 60_000)).one('at')),

  effect: detached<Inputs, Places, Outputs>({
    host: ({ Host }) => Host,
    script: (inputs, before, context) =>
      inputs.State === 'staged'
        ? staging(inputs, context)
        : arrangeBinary([
            keyOf(context, inputs, before),
            inputs.Path,
            'yes',
            ...words(before),
            ...words(wanted(inputs, before, context.host(inputs.Host).label)),
          ]),
    waitingFor: ({ Path, State }) => `${State === 'staged' ? 'staging beside' : 'exchanging'} ${Path}`,
    mayStartAnew: true,
    finish: (end, inputs, before) => finished(end, inputs, before),
  }),

  stillRuns,
  undo: {
    kind: 'restore',
    effect: detached<UndoInputs<Inputs, Places, { Host: string; Token: string }, Outputs>, null, Outputs>({
      host: ({ inputs }) => inputs.Host,
      script: ({ inputs, before }, _, context) =>
        arrangeBinary([
          keyOf(context, inputs, before),
          inputs.Path,
          'no',
          ...words(wanted(inputs, before, context.host(inputs.Host).label)),
          ...words(before),
        ]),
      waitingFor: ({ inputs }) => `putting ${inputs.Path} back`,
      mayStartAnew: true,
      finish: (end, { inputs }) => finished(end, inputs),
    }),
  },
});

function staging({ Path, Source = '', Sha256 = '' }: Inputs, context: ActionContext): HostScript {
  const script = stageBinary([Path, Sha256], new TextEncoder().encode(`${Source}\n`));
  return { ...script, secret: context.isSecret(Source) };
}

const words = ({ path, staged, previous }: Places) => [path, staged, previous];

function placesOf(value: string | undefined): Places {
  const [path = '-', staged = '-', previous = '-'] = value?.split(' ') ?? [];
  return { path, staged, previous };
}

/** What the step leaves, given what it found; refuses what nobody offers. */
function wanted({ Path, State, Sha256 }: Inputs, before: Places, label: string): Places {
  const refuse = (code: string, what: string) =>
    new ActionFailure({ code, message: `${label}: ${what}; nothing was changed` });
  switch (State) {
    case 'staged':
      return { ...before, staged: Sha256 ?? '-' };
    case 'swapped':
      if (before.path === Sha256) return before;
      if (before.staged !== Sha256) {
        const found = before.staged === '-' ? 'is not there' : `has the sha256 ${before.staged}`;
        throw refuse(
          before.staged === '-' ? 'NOT_STAGED' : 'SHA256_MISMATCH',
          `${Path}.new ${found}, wanted ${Sha256}`,
        );
      }
      return { path: before.staged, staged: '-', previous: before.path };
    case 'restored':
      if (before.path === Sha256) return before;
      if (before.previous === '-')
        throw refuse('NOTHING_TO_RESTORE', `there is no ${Path}.old to go back to`);
      if (Sha256 !== undefined && before.previous !== Sha256) {
        throw refuse('SHA256_MISMATCH', `${Path}.old has the sha256 ${before.previous}, wanted ${Sha256}`);
      }
      return { path: before.previous, staged: before.path, previous: '-' };
    default:
      return State satisfies never;
  }
}

const keyOf = ({ executionId }: ActionContext, { Path, State }: Inputs, before: Places) =>
  keepKey(executionId, Path, State, ...words(before));

function finished(end: DetachedEnd, inputs: Inputs, before?: Places): Done<Outputs> | Failed {
  const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, inputs, fields, before) }));
  if ('failure' in said) return said.failure;
  const changes = changesOf(end, inputs, said.fields, before);
  const { path, staged, previous } = placesOf(said.fields.one('is'));
  const outputs: Outputs = {
    Sha256: orNull(path),
    StagedSha256: orNull(staged),
    PreviousSha256: orNull(previous),
    Changed: changes.length > 0,
  };
  return done(outputs, {
    changes,
    outdated: outdatedIn(said.fields, end.host.name),
    ...(changes.length === 0 && before !== undefined
      ? { note: `${inputs.Path} is ${inputs.State} already` }
      : {}),
  });
}

const orNull = (sha256: string) => (sha256 === '-' ? null : sha256);

/** One line for the place that the step is about; the others follow from it. */
function changesOf(
  end: DetachedEnd,
  { Path, State }: Inputs,
  fields: Fields,
  before?: Places,
): readonly Change[] {
  if (fields.one('is') === undefined) return [];
  const was = before ?? placesOf(fields.one('was'));
  const is = placesOf(fields.one('is'));
  const subject = State === 'staged' ? `${Path}.new` : Path;
  const [from, to] = State === 'staged' ? [was.staged, is.staged] : [was.path, is.path];
  return from === to ? [] : [{ target: end.host.name, subject, from: spoken(from), to: spoken(to) }];
}

const spoken = (sha256: string) => (sha256 === '-' ? null : `sha256 ${sha256.slice(0, 8)}`);
