/** postgresql:server: which server of a host is meant, and what a patch, a snapshot or a restore has to know of it. Only reads. */
import { Type, type Static } from 'typebox';
import { defineAction, done, failed, type Poll } from '../define-action.ts';
import { readFields } from '../scripts/fields.ts';
import { findPostgresql } from '../scripts/postgresql-server.ts';
import { strictObject } from '../strict-object.ts';
import { objections, refusable } from './server-objections.ts';
import { readServer, serverSchema, type Server } from './server-facts.ts';
import { changeTo } from './version.ts';
import { psqlUser } from './psql-user.ts';

const emptyOr = (pattern: string) => `^(|${pattern})$`;

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'The host that the server runs on.' }),
  User: psqlUser,
  Unit: Type.Optional(
    Type.String({
      pattern: emptyOr('[A-Za-z0-9:_.\\\\@-]+'),
      description:
        'Its systemd unit. Unit, Port and DataDirectory left out or empty: the one server that runs.',
    }),
  ),
  Port: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 65_535, description: '0 is the same as left out.' }),
  ),
  DataDirectory: Type.Optional(
    Type.String({ pattern: emptyOr('/[^\\s]*'), description: 'The data directory, or a folder above it.' }),
  ),
  Database: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_$.-]*$', default: 'postgres' })),
  Packages: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9+._:-]*$' }), {
      description:
        'In place of those that the host itself names: all that were built with the server and are installed.',
    }),
  ),
  Target: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description:
        'A package version that is going to be installed; the output Change says what that would be.',
    }),
  ),
  Plan: Type.Optional(
    Type.Union(
      [
        Type.Array(
          strictObject({
            Name: Type.String(),
            From: Type.Optional(Type.Union([Type.String(), Type.Null()])),
            To: Type.String(),
          }),
        ),
        Type.Null(),
      ],
      { description: 'The Plan of a host:package step: what is going to be installed beside it.' },
    ),
  ),
  Include: Type.Optional(
    Type.Union([Type.Literal(''), Type.Literal('all')], {
      description:
        'all: the other clusters that share its packages or mounts are no reason to fail; their mounts count among Mounts, their units are Included.',
    }),
  ),
  AllowDowngrade: Type.Optional(
    Type.Boolean({ default: false, description: 'The same as Downgrade in Accept.' }),
  ),
  Refuse: Type.Optional(
    Type.Array(
      Type.Unsafe<(typeof refusable)[number]>(Type.Union(refusable.map((word) => Type.Literal(word)))),
      {
        uniqueItems: true,
        description: 'What the step fails for, each by its name.',
      },
    ),
  ),
  Accept: Type.Optional(
    Type.Array(Type.String(), { description: 'Words of Refuse that are known and no reason to fail.' }),
  ),
});
type Inputs = Static<typeof inputs>;

export const server = defineAction({
  name: 'postgresql:server',
  summary:
    'Finds a PostgreSQL server by its unit, port or data directory, and tells its files and mounts, standbys, neighbours and packages; refuses what a patch must not meet.',
  source: 'https://www.postgresql.org/docs/current/storage-file-layout.html',
  example: `
    - name: Server
      action: postgresql:server
      inputs: { Host: db1, Unit: postgresql@15-main, Refuse: [OtherClusters, Standbys, BaseBackup, Manager, FilesElsewhere] }`,
  inputs,
  outputs: serverSchema,
  timeoutSeconds: 300,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Server>> => {
      const host = context.host(inputs.Host);
      const word = (text: string | undefined) => (text === undefined || text === '' ? '-' : text);
      const script = findPostgresql([
        inputs.User ?? 'postgres',
        word(inputs.Unit),
        inputs.Port === undefined || inputs.Port === 0 ? '-' : String(inputs.Port),
        word(inputs.DataDirectory),
        inputs.Database ?? 'postgres',
      ]);
      const fields = await readFields(host, script, context, 240_000);
      const found = readServer(fields, host.label);
      const target = inputs.Target ?? null;
      const includesOthers = inputs.Include === 'all';
      const touched = found.OtherClusters.filter(
        ({ SharesPackages, SharesMounts }) => SharesPackages || SharesMounts.length > 0,
      );
      const outputs: Server = {
        ...found,
        Packages:
          inputs.Packages === undefined || inputs.Packages.length === 0
            ? found.Packages
            : [...inputs.Packages],
        Mounts: [
          ...new Set([...found.Mounts, ...(includesOthers ? touched.flatMap((other) => other.Mounts) : [])]),
        ],
        Included: includesOthers
          ? touched.flatMap(({ Unit, IsRunning }) => (IsRunning && Unit !== null ? [Unit] : []))
          : [],
        Change: target === null ? null : changeTo(found.PackageVersion ?? found.ServerVersion, target),
      };
      const wanted = (inputs.Refuse ?? []).filter(
        (each) =>
          !(inputs.Accept ?? []).includes(each) && !(each === 'Downgrade' && inputs.AllowDowngrade === true),
      );
      const intent = { target, plan: inputs.Plan ?? [], includesOthers };
      const [against] = objections(outputs, intent).filter(({ word: code }) => wanted.includes(code));
      if (against !== undefined) return failed(against.code, `${host.label}: ${against.text}`, { outputs });
      return done(outputs, { note: noteOf(outputs) });
    },
  },
  undo: { kind: 'notNeeded' },
});

function noteOf(server: Server): string {
  const role = server.IsStandby ? 'standby' : 'primary';
  const standbys = server.Standbys.length === 0 ? '' : `, ${server.Standbys.length} standby`;
  return `${server.ServerVersion}, ${role}${standbys}, port ${server.Port}, ${server.DataDirectory} on ${server.Mounts.join(' and ')}`;
}
