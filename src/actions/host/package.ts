/** host:package: packages of a host at an exact version, by apt, dnf or yum; undo is the exact version before. */
import { Type, type Static } from 'typebox';
import type { Change } from '../../engine/events.ts';
import { defineAction, done, type ActionContext, type UndoInputs } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { overHosts } from './over-hosts.ts';
import { outdatedIn, stillRuns } from './outdated.ts';
import { detached, fieldsOrFailure, type DetachedEnd } from '../effects/detached.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { keepKey } from '../scripts/keep-key.ts';
import { installPackages, observePackages, restorePackages } from '../scripts/package.ts';

/** By package name; version null: not installed. */
type Before = {
  readonly manager: string;
  readonly packages: Readonly<
    Record<string, { readonly version: string | null; readonly state: string; readonly held: boolean }>
  >;
};
type Outputs = {
  /** By name, of those asked for. */
  readonly Versions: Readonly<Record<string, string>>;
  /** Of the first name. */
  readonly Version: string;
  readonly Manager: string;
  readonly Changed: boolean;
  readonly Plan: readonly { readonly Name: string; readonly From: string | null; readonly To: string }[];
};

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
  Names: Type.Array(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9+._:-]*$' }), {
    minItems: 1,
    maxItems: 100,
    uniqueItems: true,
  }),
  Version: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9*?][A-Za-z0-9.+:~^*?_-]*$',
      default: 'latest',
      description:
        'As dpkg or rpm writes it (15.20-0+deb12u1), a pattern of it (15.20*; the newest that matches), or latest. The same for all Names.',
    }),
  ),
  State: Type.Optional(
    Type.Union([Type.Literal('present'), Type.Literal('staged')], {
      default: 'present',
      description:
        'staged installs nothing: it fetches the packages and keeps those that they replace. What would be refused is refused before anything is stopped for the installation.',
    }),
  ),
  AllowNoUndo: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Install although nobody offers a version that is replaced any more. Without it the step refuses.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

const onOne = defineAction({
  name: 'host:package',
  summary:
    'Installs packages at an exact version, keeping the previous ones on the host first, so that undo can go back offline.',
  source: 'https://manpages.debian.org/bookworm/apt/apt-get.8.en.html',
  example: `
    - name: Patch
      action: host:package
      inputs: { Host: db1, Names: [postgresql-15, postgresql-client-15, libpq5], Version: 15.20-0+deb12u1 }`,
  inputs,
  outputs: strictObject({
    Versions: Type.Record(Type.String(), Type.String()),
    Version: Type.String({ description: 'Of the first name.' }),
    Manager: Type.String({ description: 'apt, dnf or yum.' }),
    Changed: Type.Boolean(),
    Plan: Type.Array(
      strictObject({
        Name: Type.String(),
        From: Type.Union([Type.String(), Type.Null()], { description: 'null: it was not installed.' }),
        To: Type.String(),
      }),
      { description: 'Every package that was to change, also those that others bring along.' },
    ),
  }),
  timeoutSeconds: 1_800,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,

  before: ['manager', 'packages'],
  settled: ['packages'],
  observe: async ({ Host, Names }, context): Promise<Before> => {
    const fields = await readFields(context.host(Host), observePackages(Names), context, 60_000);
    const packages = fields
      .rows('package')
      .map(
        ([name = '', version = '-', state = 'absent', held = 'free']) =>
          [name, { version: version === '-' ? null : version, state, held: held === 'held' }] as const,
      );
    return { manager: fields.one('manager') ?? 'unknown', packages: Object.fromEntries(packages) };
  },

  effect: detached<Inputs, Before, Outputs>({
    host: ({ Host }) => Host,
    script: (inputs, before, context) =>
      installPackages([
        keyOf(context, inputs, before),
        `${inputs.State === 'staged' ? 'stage-' : ''}${inputs.AllowNoUndo === true ? 'yes' : 'no'}`,
        inputs.Version ?? 'latest',
        ...inputs.Names,
      ]),
    waitingFor: ({ Names, State }) => `${State === 'staged' ? 'fetching' : 'installing'} ${Names.join(', ')}`,
    mayStartAnew: true,
    finish: (end, { Names }, before) => {
      const said = fieldsOrFailure(end, (fields) => {
        const changes = changesOf(end, fields, before);
        return { changes, outputs: outputsOf(fields, Names, changes) };
      });
      if ('failure' in said) return said.failure;
      const changes = changesOf(end, said.fields, before);
      const outputs = outputsOf(said.fields, Names, changes);
      return done(outputs, {
        changes,
        ...(changes.length === 0 ? { note: noteOf(Names, outputs, before) } : {}),
      });
    },
  }),

  stillRuns,
  undo: ({ State }: Inputs) =>
    State === 'staged' ? { kind: 'notNeeded' } : { kind: 'restore', effect: restoring },
});

export const packageAction = overHosts(onOne);

const restoring = detached<
  UndoInputs<Inputs, Before, { Host: string; Token: string }, Outputs>,
  null,
  { Manager: string }
>({
  host: ({ inputs }) => inputs.Host,
  script: ({ inputs, before }, _, context) =>
    restorePackages([
      keyOf(context, inputs, before),
      ...inputs.Names.flatMap((name) => {
        const was = before.packages[name];
        return [name, was?.version ?? '-', was?.held === true ? 'held' : 'free'];
      }),
    ]),
  waitingFor: ({ inputs }) => `putting ${inputs.Names.join(', ')} back`,
  mayStartAnew: true,
  finish: (end) => {
    const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, fields) }));
    if ('failure' in said) return said.failure;
    return done(
      { Manager: said.fields.one('manager') ?? 'unknown' },
      { changes: changesOf(end, said.fields), outdated: outdatedIn(said.fields, end.host.name) },
    );
  },
});

/** Of a step that changed nothing: so it was already, or so it may become. */
function noteOf(names: readonly string[], { Versions, Version }: Outputs, before: Before): string {
  const waiting = names.filter((name) => Versions[name] !== before.packages[name]?.version);
  if (waiting.length === 0) return `${names[0]} is ${Version} already`;
  const [first = '', ...others] = waiting;
  const more = others.length === 0 ? '' : `, ${others.length} more`;
  return `${first} ${Versions[first] ?? ''} is fetched${more}; what it replaces is kept`;
}

/** One record for all attempts of the step: what was there before the first. */
const keyOf = ({ executionId }: ActionContext, { Names, Version }: Inputs, before: Before) =>
  keepKey(
    executionId,
    ...Names,
    Version ?? 'latest',
    ...Names.map((name) => before.packages[name]?.version ?? '-'),
  );

const versionOrNull = (version: string | undefined) =>
  version === undefined || version === '-' ? null : version;

/** Those asked for come first, in that order; their `from` is what was observed, whichever attempt made the change. */
function changesOf(end: DetachedEnd, fields: Fields, before?: Before): readonly Change[] {
  const changes = fields.rows('change').map(([subject = '', from, to]): Change => {
    const observed = before?.packages[subject];
    return {
      target: end.host.name,
      subject,
      from: observed ? observed.version : versionOrNull(from),
      to: versionOrNull(to),
    };
  });
  const asked = Object.keys(before?.packages ?? {});
  const place = ({ subject }: Change) => (asked.includes(subject) ? asked.indexOf(subject) : asked.length);
  return changes.filter(({ from, to }) => from !== to).sort((a, b) => place(a) - place(b));
}

function outputsOf(fields: Fields, names: readonly string[], changes: readonly Change[]): Outputs {
  const versions = Object.fromEntries(
    fields
      .rows('version')
      .map(([name = '', version = '-']) => [name, version === '-' ? '' : version] as const),
  );
  return {
    Versions: versions,
    Version: versions[names[0] ?? ''] ?? '',
    Manager: fields.one('manager') ?? 'unknown',
    Changed: changes.length > 0,
    Plan: fields.rows('plan').map(([Name = '', from, To = '']) => ({ Name, From: versionOrNull(from), To })),
  };
}
