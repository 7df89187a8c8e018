/** host:service: a systemd unit started, stopped, restarted or reloaded, and enabled or not. */
import { Type } from 'typebox';
import type { Change } from '../../engine/events.ts';
import {
  ActionFailure,
  defineAction,
  done,
  type Done,
  type Failed,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { detached, fieldsOrFailure, type DetachedEnd } from '../effects/detached.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { observeService, setService } from '../scripts/service.ts';

type Inputs = {
  readonly Host: string;
  readonly Name: string;
  readonly State?: 'started' | 'stopped' | 'restarted' | 'reloaded';
  readonly Enabled?: boolean;
};
/** `active`: systemd's ActiveState. `enabled`: its UnitFileState, null where the step does not touch it. */
type Before = { readonly active: string; readonly sub: string; readonly enabled: string | null };
type Outputs = { readonly ActiveState: string; readonly UnitFileState: string };

const isUp = (active: string) => ['active', 'activating', 'reloading', 'refreshing'].includes(active);

export const service = defineAction({
  name: 'host:service',
  summary:
    'Starts, stops, restarts or reloads a systemd unit, waits until it really is so, and enables or disables it.',
  source: 'https://www.freedesktop.org/software/systemd/man/latest/systemctl.html',
  example: `
    - name: Stop
      action: host:service
      inputs: { Host: db1, Name: postgresql@15-main, State: stopped }`,
  inputs: strictObject({
    Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
    Name: Type.String({
      pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$',
      description:
        'The unit; `.service` may be left out. On Debian name the cluster, postgresql@15-main: postgresql is only a wrapper that waits for nothing.',
    }),
    State: Type.Optional(
      Type.Union(
        [
          Type.Literal('started'),
          Type.Literal('stopped'),
          Type.Literal('restarted'),
          Type.Literal('reloaded'),
        ],
        { description: 'The state wanted; left out, only enablement changes.' },
      ),
    ),
    Enabled: Type.Optional(
      Type.Boolean({ description: 'Whether the unit starts at boot; left out: as it is.' }),
    ),
  }),
  outputs: strictObject({
    ActiveState: Type.String({ description: 'active, inactive or failed.' }),
    UnitFileState: Type.String({ description: 'enabled, disabled, static …' }),
  }),
  timeoutSeconds: 600,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  check: (inputs) =>
    inputs['State'] === undefined && inputs['Enabled'] === undefined
      ? [
          {
            code: 'NOTHING_TO_DO',
            path: [],
            message: 'host:service is told neither a State nor whether the unit is Enabled',
            hint: 'give State, Enabled or both',
          },
        ]
      : [],

  before: ['active', 'sub', 'enabled'],
  observe: async ({ Host, Name, Enabled }, context): Promise<Before> => {
    const host = context.host(Host);
    const fields = await readFields(host, observeService([Name]), context);
    if (fields.one('LoadState') === 'not-found') {
      throw new ActionFailure({ code: 'UNIT_NOT_FOUND', message: `${host.label} has no unit ${Name}` });
    }
    return {
      active: fields.one('ActiveState') ?? 'unknown',
      sub: fields.one('SubState') ?? '',
      enabled: Enabled === undefined ? null : (fields.one('UnitFileState') ?? ''),
    };
  },

  effect: detached<Inputs, Before, Outputs>({
    host: ({ Host }) => Host,
    script: ({ Name, State, Enabled }) =>
      setService([Name, State ?? '-', Enabled === undefined ? '-' : Enabled ? 'enabled' : 'disabled']),
    waitingFor: ({ Name, State }) => `waiting for ${Name} to be ${State ?? 'enabled or disabled'}`,
    mayStartAnew: true,
    finish: (end, inputs, before) => finishForward(end, inputs, before),
  }),

  undo: {
    kind: 'restore',
    effect: detached<UndoInputs<Inputs, Before, { Host: string; Token: string }, Outputs>, null, Outputs>({
      host: ({ inputs }) => inputs.Host,
      script: ({ inputs, before }) =>
        setService([inputs.Name, stateBefore(before, inputs), enablementBefore(before)]),
      waitingFor: ({ inputs, before }) => `waiting for ${inputs.Name} to be ${before.active} again`,
      mayStartAnew: true,
      finish: (end, { inputs }) => {
        const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, inputs, fields) }));
        if ('failure' in said) return said.failure;
        return done(outputsOf(said.fields), { changes: changesOf(end, inputs, said.fields) });
      },
    }),
  },
});

/** A restart or reload leaves the unit as active as it was: then there is no state to go back to. */
function stateBefore(before: Before, { State }: Inputs): string {
  if (State === undefined) return '-';
  return isUp(before.active) ? 'started' : 'stopped';
}

/** Only enabled and disabled can be put back by systemctl; the other states (static, generated …) it never left. */
function enablementBefore(before: Before): string {
  return before.enabled === 'enabled' || before.enabled === 'disabled' ? before.enabled : '-';
}

function finishForward(end: DetachedEnd, inputs: Inputs, before: Before): Done<Outputs> | Failed {
  const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, inputs, fields, before) }));
  if ('failure' in said) return said.failure;
  const outputs = outputsOf(said.fields);
  const changes = changesOf(end, inputs, said.fields, before);
  const found = isAsWanted(inputs, before) && before.active === outputs.ActiveState;
  const note = noteOf(inputs, changes, found ? before.active : null);
  const confirmed = { target: end.host.name, subject: inputs.Name, from: before.active, to: before.active };
  return done(outputs, {
    changes: found ? [confirmed, ...changes] : changes,
    ...(note === '' ? {} : { note }),
  });
}

const isAsWanted = ({ State }: Inputs, { active }: Before) =>
  State === 'started' ? active === 'active' : State === 'stopped' && !isUp(active);

/** `found`: the state that was wanted and there already, as after a package that starts its service itself. */
function noteOf({ Name, State }: Inputs, changes: readonly Change[], found: string | null): string {
  const wrapper = /^postgresql(\.service)?$/.test(Name)
    ? `${Name} is a wrapper on Debian: it waits for no cluster`
    : '';
  const again =
    (State === 'restarted' || State === 'reloaded') && changes.length === 0 ? `${Name} ${State}` : '';
  const already = found === null ? '' : `${Name} is ${found} already`;
  return [already, again, wrapper].filter((part) => part !== '').join('; ');
}

function outputsOf(fields: Fields): Outputs {
  const [active, enabled] = fields.rows('is').at(-1) ?? [];
  return { ActiveState: active ?? 'unknown', UnitFileState: enabled === '-' ? '' : (enabled ?? '') };
}

/** From what was observed before the step, or else from what the script itself saw first, to what it left. */
function changesOf(end: DetachedEnd, { Name }: Inputs, fields: Fields, before?: Before): readonly Change[] {
  const [wasActive, wasEnabled] = fields.rows('was').at(-1) ?? [];
  const [active, enabled] = fields.rows('is').at(-1) ?? [];
  if (active === undefined || wasActive === undefined) return [];
  const target = end.host.name;
  const changes: Change[] = [];
  const from = before?.active ?? wasActive;
  if (from !== active) changes.push({ target, subject: Name, from, to: active });
  const enabledFrom = before?.enabled ?? wasEnabled;
  if (enabledFrom !== undefined && enabled !== undefined && enabledFrom !== enabled) {
    changes.push({ target, subject: `${Name} at boot`, from: enabledFrom, to: enabled });
  }
  return changes;
}
