/** check:reboot: nothing that was installed waits for a reboot. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { rebootRequired } from '../scripts/reboot.ts';
import { defineHostCheck } from './define-check.ts';
import { broken, compared, fieldOf, unknown } from './judging.ts';

const body = `
needs cut sort head tr sed
${rebootRequired}
say up "$(cut -d . -f 1 /proc/uptime)"
say required "$(reboot_required | sed s/unmarked/unknown/)"
sort -u /run/reboot-required.pkgs 2>/dev/null | head -n 5 | tr '\\n' ' ' | lines for
`;

export const checkReboot = defineHostCheck({
  name: 'check:reboot',
  summary: 'Looks whether the host waits for a reboot, and how long it has been up.',
  source: 'https://www.debian.org/doc/debian-policy/ch-opersys.html#signaling-that-a-reboot-is-required',
  example: `
    - name: NothingWaitsForAReboot
      action: check:reboot
      inputs: { Hosts: ['group:all'], MaxUptimeDays: 180 }`,
  inputs: {
    MaxUptimeDays: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'It must have been rebooted within so many days.' }),
    ),
  },
  body,
  args: () => [],
  judge: (fields, { MaxUptimeDays }): readonly Judged[] => {
    const required = fieldOf(fields, 'required', /^(yes|no|unknown)$/);
    const packages = fields.all('for').join(' ').trim();
    const judged: Judged[] =
      required === 'unknown'
        ? [
            unknown(
              'reboot',
              'TOOL_MISSING',
              'nothing on the host says whether a reboot is required: it has neither unattended-upgrades, update-notifier-common, needrestart nor needs-restarting',
            ),
          ]
        : [
            required === 'no'
              ? compared('reboot', 'not required', 'not required')
              : broken('reboot', 'not required', `required${packages === '' ? '' : ` for ${packages}`}`),
          ];
    if (MaxUptimeDays !== undefined) {
      const days = Number(fieldOf(fields, 'up', /^\d+$/)) / 86_400;
      judged.push(
        compared(
          'uptime',
          `at most ${MaxUptimeDays} days`,
          `${Math.floor(days)} days`,
          days <= MaxUptimeDays,
        ),
      );
    }
    return judged;
  },
});
