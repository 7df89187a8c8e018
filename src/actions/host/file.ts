/** host:file: one file on a host with these bytes, this owner and mode, or none. */
import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import type { Change } from '../../engine/events.ts';
import { ActionFailure, defineAction, done, type ActionContext, type UndoInputs } from '../define-action.ts';
import { isKept } from '../scripts/show-output.ts';
import { strictObject } from '../strict-object.ts';
import { overHosts } from './over-hosts.ts';
import { detached, fieldsOrFailure, type DetachedEnd } from '../effects/detached.ts';
import { startedAgain } from './started-again.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { observeFile, restoreFile, setFile } from '../scripts/file.ts';
import { keepKey } from '../scripts/keep-key.ts';
import { observeService } from '../scripts/service.ts';

/** How many bytes a file's content may have: it travels in the step's inputs. */
export const contentBytesMax = 256 * 1024;

/** No bytes: they may hold secrets, and stay on the host. */
type Before = {
  readonly kind: 'absent' | 'file';
  readonly sha256: string | null;
  readonly size: number | null;
  readonly owner: string | null;
  readonly group: string | null;
  readonly mode: string | null;
  /** Whether the unit named by `Service` was active; null when none is named. */
  readonly unitActive: boolean | null;
};
type Outputs = { readonly Sha256: string | null; readonly Changed: boolean };

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
  Path: Type.String({
    pattern: '^/',
    description: 'Absolute. A symbolic link is refused: name the file it points to.',
  }),
  State: Type.Optional(Type.Union([Type.Literal('present'), Type.Literal('absent')], { default: 'present' })),
  Content: Type.Optional(
    Type.String({ description: 'The whole new file, at most 256 KiB; may hold secret parameters.' }),
  ),
  Owner: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*\\$?$' })),
  Group: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*\\$?$' })),
  Mode: Type.Optional(
    Type.String({
      pattern: '^[0-7]{3,4}$',
      description: "Octal, quoted: '0640'. A new file with a secret in it is 0600 by default.",
    }),
  ),
  Service: Type.Optional(
    strictObject({
      Name: Type.String({ pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$' }),
      State: Type.Union([Type.Literal('reloaded'), Type.Literal('restarted')], {
        description:
          'What the unit needs to notice the change. It happens only when the file changed and the unit is active, and again when undo puts the file back.',
      }),
    }),
  ),
});
type Inputs = Static<typeof inputs>;

const onOne = defineAction({
  name: 'host:file',
  summary:
    'Gives a file these bytes, owner and mode, or removes it; keeps the previous file on the host, so that undo puts it back.',
  source: 'https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html',
  example: `
    - name: Tune
      action: host:file
      inputs:
        Host: db1
        Path: /etc/postgresql/15/main/conf.d/memory.conf
        Content: "shared_buffers = 512MB\\n"
        Owner: postgres
        Mode: '0640'
        Service: { Name: postgresql@15-main, State: restarted }`,
  inputs,
  outputs: strictObject({
    Sha256: Type.Union([Type.String(), Type.Null()], {
      description: 'Of the file now; null: there is none, or it holds a secret and nothing reads this.',
    }),
    Changed: Type.Boolean(),
  }),
  secretInputs: ['Content'],
  bytesInputs: ['Content'],
  timeoutSeconds: 600,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  check: (inputs, tools) => {
    if (tools.isExpression(inputs['State'])) return [];
    const wantsContent = (inputs['State'] ?? 'present') === 'present';
    if (wantsContent && inputs['Content'] === undefined) {
      return [{ code: 'CONTENT_MISSING', path: [], message: 'host:file needs Content, or State: absent' }];
    }
    const extra = ['Content', 'Owner', 'Group', 'Mode'].find(
      (key) => !wantsContent && inputs[key] !== undefined,
    );
    if (extra !== undefined) {
      return [
        { code: 'CONTENT_OF_ABSENT', path: [extra], message: `a file that is to be absent has no ${extra}` },
      ];
    }
    const large = tooLarge(inputs['Content']);
    return large === undefined ? [] : [{ code: 'FILE_TOO_LARGE', path: ['Content'], message: large }];
  },

  before: ['kind', 'sha256', 'size', 'owner', 'group', 'mode', 'unitActive'],
  settled: ['kind', 'sha256', 'size', 'owner', 'group', 'mode'],
  observe: async ({ Host, Path, Service }, context): Promise<Before> => {
    const host = context.host(Host);
    const fields = await readFields(host, observeFile([Path]), context);
    const kind = fields.one('kind');
    if (kind !== 'file' && kind !== 'absent') {
      throw new ActionFailure({
        code: 'NOT_A_FILE',
        message: `${host.label}: ${Path} is a ${kind === 'symlink' ? 'symbolic link; name the file it points to' : (kind ?? 'thing of unknown kind')}`,
      });
    }
    const unit = Service && (await readFields(host, observeService([Service.Name]), context));
    if (Service && unit?.one('LoadState') === 'not-found') {
      throw new ActionFailure({
        code: 'UNIT_NOT_FOUND',
        message: `${host.label} has no unit ${Service.Name}`,
      });
    }
    return {
      kind,
      sha256: fields.one('sha256') ?? null,
      size: fields.one('size') === undefined ? null : Number(fields.one('size')),
      owner: fields.one('owner') ?? null,
      group: fields.one('group') ?? null,
      mode: fields.one('mode') ?? null,
      unitActive: unit === undefined ? null : unit.one('ActiveState') === 'active',
    };
  },

  effect: detached<Inputs, Before, Outputs>({
    host: ({ Host }) => Host,
    script: (inputs, before, context) => {
      const large = tooLarge(inputs.Content);
      if (large !== undefined) throw new ActionFailure({ code: 'FILE_TOO_LARGE', message: large });
      const isSecret = context.isSecret(inputs.Content ?? '');
      // What is made of a secret is for its owner alone, unless the step says otherwise.
      const modeOfNew = isSecret && before.kind === 'absent' && inputs.State !== 'absent' ? '0600' : '-';
      const script = setFile(
        [
          keyOf(context, inputs, before),
          inputs.Path,
          inputs.State ?? 'present',
          inputs.Owner ?? '-',
          inputs.Group ?? '-',
          inputs.Mode ?? modeOfNew,
          before.sha256 ?? '-',
          inputs.Service?.Name ?? '-',
          inputs.Service?.State ?? '-',
        ],
        new TextEncoder().encode(inputs.Content ?? ''),
      );
      return { ...script, secret: isSecret };
    },
    waitingFor: ({ Path }) => `writing ${Path}`,
    mayStartAnew: true,
    finish: (end, inputs, before, context) => {
      const from = fileOf(before);
      const hidden = hashOfSecret(inputs, context);
      const said = fieldsOrFailure(end, (fields) => ({
        changes: changesOf(end, inputs.Path, from, fields, hidden),
      }));
      return 'failure' in said ? said.failure : finished(end, inputs, from, said.fields, hidden);
    },
  }),

  undo: {
    kind: 'restore',
    effect: detached<UndoInputs<Inputs, Before, { Host: string; Token: string }, Outputs>, null, Outputs>({
      host: ({ inputs }) => inputs.Host,
      script: ({ inputs, before }, _, context) =>
        restoreFile([
          keyOf(context, inputs, before),
          inputs.Path,
          before.kind,
          before.sha256 ?? '-',
          before.owner ?? '-',
          before.group ?? '-',
          before.mode ?? '-',
          inputs.Service?.Name ?? '-',
          inputs.Service?.State ?? '-',
          before.unitActive === null ? '-' : before.unitActive ? 'yes' : 'no',
        ]),
      waitingFor: ({ inputs }) => `putting ${inputs.Path} back`,
      mayStartAnew: true,
      finish: (end, { inputs }, _before, context) => {
        const hidden = hashOfSecret(inputs, context);
        const said = fieldsOrFailure(end, (fields) => ({
          changes: changesOf(end, inputs.Path, fields.one('was'), fields, hidden),
        }));
        return 'failure' in said
          ? said.failure
          : finished(end, inputs, said.fields.one('was'), said.fields, hidden);
      },
    }),
    again: {
      inputs: { 'Service.State': ['restarted', 'reloaded'] },
      before: { unitActive: [true] },
      of: ['Host', 'Service.Name', 'Service.State'],
      effect: startedAgain(({ Service }: Inputs) => ({
        name: Service?.Name ?? '',
        by: Service?.State ?? 'restarted',
      })),
    },
  },
});

export const file = overHosts(onOne);

function tooLarge(content: unknown): string | undefined {
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : 0;
  if (bytes <= contentBytesMax) return undefined;
  return `the content has ${bytes} bytes, and host:file carries at most ${contentBytesMax} (256 KiB); nothing was changed. Let the host fetch it itself with host:command`;
}

const keyOf = ({ executionId }: ActionContext, { Path }: Inputs, before: Before) =>
  keepKey(executionId, Path, before.sha256 ?? '-');

/** As `was=` and `is=` give it. */
const fileOf = (before: Before) =>
  [before.kind, before.sha256, before.owner, before.group, before.mode].map((part) => part ?? '-').join(' ');

/** A hash of what is a secret can be guessed against, so it is told to nobody who has not asked for it. */
interface Hidden {
  readonly sha256: string;
  readonly isRead: boolean;
}

function hashOfSecret({ Content }: Inputs, context: ActionContext): Hidden | undefined {
  if (Content === undefined || !context.isSecret(Content)) return undefined;
  return { sha256: createHash('sha256').update(Content).digest('hex'), isRead: isKept('Sha256', context) };
}

function finished(
  end: DetachedEnd,
  { Path, Service }: Inputs,
  from: string | undefined,
  fields: Fields,
  hidden: Hidden | undefined,
) {
  const changes = changesOf(end, Path, from, fields, hidden);
  const [kind, sha256] = fields.rows('is').at(-1) ?? [];
  const unit = fields.one('unit');
  const outputs: Outputs = {
    Sha256: kind === 'file' && sha256 !== undefined && isTold(sha256, hidden) ? sha256 : null,
    Changed: changes.length > 0,
  };
  const told =
    unit === undefined || Service === undefined
      ? []
      : [unit === 'active' ? `${Service.Name} ${Service.State}` : `${Service.Name} is ${unit}, left so`];
  const reread = fields.one('reread');
  const notes = [
    ...(reread === undefined ? [] : [`systemd has read ${reread} anew (daemon-reload)`]),
    ...told,
  ];
  return done(outputs, notes.length === 0 ? { changes } : { changes, note: notes.join('; ') });
}

function changesOf(
  end: DetachedEnd,
  path: string,
  was: string | undefined,
  fields: Fields,
  hidden: Hidden | undefined,
): readonly Change[] {
  const is = fields.one('is');
  if (was === undefined || is === undefined || was === is) return [];
  return [
    { target: end.host.name, subject: path, from: spoken(was, is, hidden), to: spoken(is, was, hidden) },
  ];
}

/** `sha256 1f2e3d4c root:root 0644`, without what both have in common; null for no file. */
function spoken(state: string, other: string, hidden: Hidden | undefined): string | null {
  const [kind, sha256, owner, group, mode] = state.split(' ');
  if (kind !== 'file') return null;
  const [, otherSha256, otherOwner, otherGroup, otherMode] = other.split(' ');
  const parts = [
    ...(sha256 === otherSha256
      ? []
      : [sha256 === hidden?.sha256 ? 'with a secret' : `sha256 ${(sha256 ?? '').slice(0, 8)}`]),
    ...(owner === otherOwner && group === otherGroup ? [] : [`${owner}:${group}`]),
    ...(mode === otherMode ? [] : [mode]),
  ];
  return parts.join(' ');
}

function isTold(sha256: string, hidden: Hidden | undefined): boolean {
  return sha256 !== hidden?.sha256 || hidden.isRead;
}
