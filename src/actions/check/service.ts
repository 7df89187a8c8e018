/** check:service: systemd units run or do not, and start at boot or do not. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { badReply, compared, unknown } from './judging.ts';

const body = `
needs tail
command -v systemctl >/dev/null && [ -d /run/systemd/system ] || no NO_SYSTEMD "systemd does not run here"
for unit in "$@"; do
  shown=$(systemctl show --no-pager -p LoadState,ActiveState,UnitFileState -- "$unit" 2>&1) || no SYSTEMCTL_FAILED "$(in_words "$shown")"
  load= active= enabled=
  while IFS='=' read -r key value; do
    case $key in LoadState) load=$value ;; ActiveState) active=$value ;; UnitFileState) enabled=$value ;; esac
  done <<S
$shown
S
  case $enabled in '' | generated | bad) enabled=$(systemctl is-enabled -- "$unit" 2>/dev/null | tail -n 1) ;; esac
  say unit "$unit \${load:--} \${active:--} \${enabled:--}"
done
`;

export const checkService = defineHostCheck({
  name: 'check:service',
  summary: 'Looks whether systemd units are active or not, and enabled or not.',
  source: 'https://www.freedesktop.org/software/systemd/man/latest/systemctl.html',
  example: `
    - name: TimeIsKept
      action: check:service
      inputs: { Hosts: ['group:all'], Names: [chrony], State: active, Enabled: true }`,
  inputs: {
    Names: Type.Array(Type.String({ pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$' }), {
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
    }),
    State: Type.Optional(Type.Union([Type.Literal('active'), Type.Literal('inactive')])),
    Enabled: Type.Optional(Type.Boolean({ description: 'Whether it starts at boot.' })),
  },
  problems: ({ State, Enabled }) =>
    State === undefined && Enabled === undefined
      ? [{ path: [], message: 'nothing is wanted of the units: give State, Enabled or both' }]
      : [],
  body,
  args: ({ Names }) => Names,
  judge: (fields, { Names, State, Enabled }) => {
    const rows = new Map(fields.rows('unit').map(([name = '', ...rest]) => [name, rest]));
    return Names.flatMap((name) => {
      const [load, active, enabled] = rows.get(name) ?? [];
      if (
        load === undefined ||
        active === undefined ||
        enabled === undefined ||
        load === '-' ||
        active === '-'
      )
        throw badReply(`it said nothing of ${name}`);
      const isThere = load !== 'not-found';
      const seen = load === 'loaded' ? active : `${load === 'not-found' ? 'not there' : load}, ${active}`;
      const isUp = active === 'active' || active === 'reloading' || active === 'refreshing';
      const state =
        State === undefined
          ? []
          : [
              compared(
                name,
                State,
                seen,
                State === 'active' ? isUp : active === 'inactive' || active === 'failed',
              ),
            ];
      // What is enabled until the next boot, or started by others only, does not count as enabled.
      const isEnabled = ['enabled', 'alias'].includes(enabled);
      const isDisabled = !['enabled', 'enabled-runtime', 'alias'].includes(enabled);
      const at = isThere ? enabled : 'not there';
      const boot: readonly Judged[] =
        Enabled === undefined
          ? []
          : isThere && enabled === '-'
            ? [unknown(`${name} at boot`, 'NOT_TOLD', 'systemd does not say whether it starts at boot')]
            : [
                compared(
                  `${name} at boot`,
                  Enabled ? 'enabled' : 'disabled',
                  at,
                  Enabled ? isThere && isEnabled : isDisabled,
                ),
              ];
      return [...state, ...boot];
    });
  },
});
