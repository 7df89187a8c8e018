/** host:service: a systemd unit started, stopped, restarted or reloaded, and enabled or not. */
import { Type, type Static } from 'typebox';
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
import { overHosts } from './over-hosts.ts';
import { detached, fieldsOrFailure, type DetachedEnd } from '../effects/detached.ts';
import { startedAgain } from './started-again.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { observeService, setService, stableSecondsDefault } from '../scripts/service.ts';

/** `active`: systemd's ActiveState. `enabled`: its UnitFileState, null where the step does not touch it. */
type Before = {
  readonly active: string;
  readonly sub: string;
  readonly enabled: string | null;
  /**
   * Whether it was running or on its way up, whatever systemd called that; null where that says nothing: the step leaves it
   * alone, or it is a job that ends by itself. Absent in journals of an earlier version.
   */
  readonly up?: boolean | null;
};
type Outputs = {
  readonly ActiveState: string;
  readonly UnitFileState: string;
  readonly StartedAgainBy: readonly string[];
};

const isUp = (active: string) => ['active', 'activating', 'reloading', 'refreshing'].includes(active);

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
  Name: Type.String({
    pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$',
    description:
      'The unit; `.service` may be left out. On Debian name the cluster, postgresql@15-main: postgresql is only a wrapper that waits for nothing.',
  }),
  State: Type.Optional(
    Type.Union(
      [Type.Literal('started'), Type.Literal('stopped'), Type.Literal('restarted'), Type.Literal('reloaded')],
      { description: 'The state wanted; left out, only enablement changes.' },
    ),
  ),
  Enabled: Type.Optional(
    Type.Boolean({
      description:
        'Whether the unit starts at boot; left out: as it is. It is looked at afterwards: a unit that cannot be so fails the step.',
    }),
  ),
  StableSeconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 600,
      default: stableSecondsDefault,
      description:
        'How long a service has to be active without a break before it counts as up, after a start, a restart or a reload.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

const onOne = defineAction({
  name: 'host:service',
  summary:
    'Starts, stops, restarts or reloads a systemd unit, waits until it really is so, and enables or disables it.',
  source: 'https://www.freedesktop.org/software/systemd/man/latest/systemctl.html',
  example: `
    - name: Stop
      action: host:service
      inputs: { Host: db1, Name: postgresql@15-main, State: stopped }`,
  inputs,
  outputs: strictObject({
    ActiveState: Type.String({ description: 'active, inactive or failed.' }),
    UnitFileState: Type.String({ description: 'enabled, disabled, static …' }),
    StartedAgainBy: Type.Array(Type.String(), {
      description: 'Of a unit that was stopped: active sockets, paths and timers that will start it again.',
    }),
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

  before: ['active', 'sub', 'enabled', 'up'],
  putsBack: ['up', 'enabled'],
  observe: async ({ Host, Name, State, Enabled }, context): Promise<Before> => {
    const host = context.host(Host);
    const fields = await readFields(host, observeService([Name]), context);
    if (fields.one('LoadState') === 'not-found') {
      throw new ActionFailure({ code: 'UNIT_NOT_FOUND', message: `${host.label} has no unit ${Name}` });
    }
    const active = fields.one('ActiveState') ?? 'unknown';
    return {
      active,
      sub: fields.one('SubState') ?? '',
      enabled: Enabled === undefined ? null : (fields.one('UnitFileState') ?? ''),
      up: State === undefined || fields.one('Type') === 'oneshot' ? null : isUp(active),
    };
  },

  effect: detached<Inputs, Before, Outputs>({
    host: ({ Host }) => Host,
    script: ({ Name, State, Enabled, StableSeconds }) =>
      setService([
        Name,
        State ?? '-',
        Enabled === undefined ? '-' : Enabled ? 'enabled' : 'disabled',
        String(StableSeconds ?? stableSecondsDefault),
      ]),
    waitingFor: ({ Name, State }) => `waiting for ${Name} to be ${State ?? 'enabled or disabled'}`,
    mayStartAnew: true,
    finish: (end, inputs, before) => finishForward(end, inputs, before),
  }),

  undo: {
    kind: 'restore',
    effect: detached<UndoInputs<Inputs, Before, { Host: string; Token: string }, Outputs>, null, Outputs>({
      host: ({ inputs }) => inputs.Host,
      script: ({ inputs, before }) =>
        setService([
          inputs.Name,
          stateBefore(before, inputs),
          enablementBefore(before),
          String(inputs.StableSeconds ?? stableSecondsDefault),
        ]),
      waitingFor: ({ inputs, before }) => `waiting for ${inputs.Name} to be ${before.active} again`,
      mayStartAnew: true,
      finish: (end, { inputs }) => {
        const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, inputs, fields) }));
        if ('failure' in said) return said.failure;
        const changes = changesOf(end, inputs, said.fields);
        const note = changes.length === 0 ? '' : hints(inputs, said.fields).join('; ');
        return done(outputsOf(said.fields), note === '' ? { changes } : { changes, note });
      },
    }),
    again: {
      inputs: { State: ['stopped', 'restarted', 'reloaded'] },
      before: { active: ['active', 'reloading', 'refreshing'] },
      of: ['Host', 'Name', 'State'],
      effect: startedAgain(({ Name, State, StableSeconds }: Inputs) => ({
        name: Name,
        by: State === 'reloaded' ? 'reloaded' : 'restarted',
        stableSeconds: StableSeconds,
      })),
    },
  },
});

export const service = overHosts(onOne);

/** A restart or reload leaves the unit as active as it was: then there is no state to go back to. */
function stateBefore(before: Before, { State }: Inputs): string {
  if (State === undefined) return '-';
  if (isUp(before.active)) return 'started';
  // One that had failed before may be called that afterwards; one that had not may not.
  return before.active === 'inactive' ? 'inactive' : 'stopped';
}

/** What systemctl can put back; the other states (static, generated …) the step never left. */
function enablementBefore({ enabled }: Before): string {
  return enabled !== null && puttable.has(enabled) ? enabled : '-';
}
const puttable: ReadonlySet<string> = new Set([
  'enabled',
  'enabled-runtime',
  'disabled',
  'linked',
  'linked-runtime',
]);

function finishForward(end: DetachedEnd, inputs: Inputs, before: Before): Done<Outputs> | Failed {
  const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, inputs, fields, before) }));
  if ('failure' in said) return said.failure;
  const outputs = outputsOf(said.fields);
  const changes = changesOf(end, inputs, said.fields, before);
  const found = isAsWanted(inputs, before) && before.active === outputs.ActiveState;
  const note = [...noteOf(inputs, changes, found ? before.active : null), ...hints(inputs, said.fields)].join(
    '; ',
  );
  const confirmed = { target: end.host.name, subject: inputs.Name, from: before.active, to: before.active };
  return done(outputs, {
    changes: found ? [confirmed, ...changes] : changes,
    ...(note === '' ? {} : { note }),
  });
}

const isAsWanted = ({ State }: Inputs, { active }: Before) =>
  State === 'started' ? active === 'active' : State === 'stopped' && !isUp(active);

/** `found`: the state that was wanted and there already, as after a package that starts its service itself. */
function noteOf({ Name, State }: Inputs, changes: readonly Change[], found: string | null): string[] {
  const wrapper = /^postgresql(\.service)?$/.test(Name)
    ? `${Name} is a wrapper on Debian: it waits for no cluster`
    : '';
  const again =
    (State === 'restarted' || State === 'reloaded') && changes.length === 0 ? `${Name} ${State}` : '';
  const already = found === null ? '' : `${Name} is ${found} already`;
  return [already, again, wrapper].filter((part) => part !== '');
}

/** What systemd has done besides, and what it will do. */
function hints({ Name }: Inputs, fields: Fields): string[] {
  const killed = fields.one('killed');
  const triggers = fields.all('trigger');
  return [
    ...(killed === undefined ? [] : [`${Name} was killed: ${killed}`]),
    ...(triggers.length === 0
      ? []
      : [
          `${Name} will be started again by ${triggers.join(', ')}, ${triggers.length === 1 ? 'which is' : 'which are'} still active; a step behind this one can stop ${triggers.length === 1 ? 'it' : 'them'}`,
        ]),
    ...(fields.one('reread') === undefined ? [] : ['its changed unit file was read first (daemon-reload)']),
  ];
}

function outputsOf(fields: Fields): Outputs {
  const [active, enabled] = fields.rows('is').at(-1) ?? [];
  return {
    ActiveState: active ?? 'unknown',
    UnitFileState: enabled === '-' ? '' : (enabled ?? ''),
    StartedAgainBy: fields.all('trigger'),
  };
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
