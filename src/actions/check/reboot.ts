/** check:reboot: nothing that was installed waits for a reboot. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { broken, compared, fieldOf, unknown } from './judging.ts';

/**
 * Debian: packages make /run/reboot-required by the hooks of update-notifier-common or unattended-upgrades. Without those nothing
 * makes it, and only needrestart knows. dnf: asks what was replaced since the boot.
 */
const body = `
needs cut sort head tr sed
say up "$(cut -d . -f 1 /proc/uptime)"
if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then
  say required yes
  sort -u /run/reboot-required.pkgs 2>/dev/null | head -n 5 | tr '\\n' ' ' | lines for
elif command -v dpkg >/dev/null; then
  if [ -e /usr/share/update-notifier/notify-reboot-required ] || [ -e /etc/kernel/postinst.d/unattended-upgrades ]; then say required no
  elif command -v needrestart >/dev/null; then
    case $(needrestart -b -k -r l 2>/dev/null | sed -n 's/^NEEDRESTART-KSTA: *//p') in 1) say required no ;; 2 | 3) say required yes ;; *) say required unknown ;; esac
  else say required unknown; fi
elif command -v needs-restarting >/dev/null; then
  needs-restarting -r
  case $? in 0) say required no ;; 1) say required yes ;; *) say required unknown ;; esac
elif command -v dnf >/dev/null; then
  dnf -q needs-restarting --help >/dev/null 2>&1 || { say required unknown; return 0; }
  dnf -q needs-restarting -r
  case $? in 0) say required no ;; 1) say required yes ;; *) say required unknown ;; esac
else say required unknown; fi
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
