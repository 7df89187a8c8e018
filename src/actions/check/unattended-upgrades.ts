/** check:unattendedUpgrades: security updates are installed without anybody asking for them. */
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { badReply, compared, fieldOf } from './judging.ts';

const body = `
needs grep sed tail
active() { [ -d /run/systemd/system ] && systemctl is-enabled --quiet -- "$1" 2>/dev/null && systemctl is-active --quiet -- "$1" 2>/dev/null && echo on || echo off; }
[ ! -d /run/systemd/system ] || needs systemctl
if command -v apt-config >/dev/null; then
  needs dpkg-query
  say manager apt
  dpkg-query -W -f '\${db:Status-Status}\\n' unattended-upgrades 2>/dev/null | grep -qx installed && say package installed || say package absent
  dump=$(apt-config dump 2>&1) || no APT_CONFIG "$(in_words "$dump")"
  for key in Update-Package-Lists Unattended-Upgrade; do
    say "$key" "$(printf '%s\\n' "$dump" | sed -n "s/^APT::Periodic::$key \\"\\(.*\\)\\";\\$/\\1/p" | tail -n 1)"
  done
  say enable "$(printf '%s\\n' "$dump" | sed -n 's/^APT::Periodic::Enable "\\(.*\\)";$/\\1/p' | tail -n 1)"
  say timer "$(active apt-daily-upgrade.timer)"
elif command -v dnf >/dev/null || command -v yum >/dev/null; then
  say manager dnf
  timer=off
  for one in dnf-automatic.timer dnf5-automatic.timer dnf-automatic-install.timer; do
    [ "$(active $one)" = off ] || timer=$one
  done
  say timer $timer
  apply=
  for one in /usr/share/dnf5/dnf5-plugins/automatic.conf /etc/dnf/automatic.conf /etc/dnf/dnf5-plugins/automatic.conf; do
    [ -r "$one" ] || continue
    found=$(sed -n 's/^[[:space:]]*apply_updates[[:space:]]*=[[:space:]]*//p' "$one" | tail -n 1)
    [ -z "$found" ] || apply=$found
  done
  say apply "$apply"
else no NO_PACKAGE_MANAGER "neither apt nor dnf is here"; fi
`;

export const checkUnattendedUpgrades = defineHostCheck({
  name: 'check:unattendedUpgrades',
  summary: 'Looks whether the host installs updates by itself: unattended-upgrades of apt, or dnf-automatic.',
  source: 'https://wiki.debian.org/UnattendedUpgrades',
  example: `
    - name: UpdatesComeByThemselves
      action: check:unattendedUpgrades
      inputs: { Hosts: ['group:all'] }`,
  inputs: {},
  body,
  args: () => [],
  judge: (fields): readonly Judged[] => {
    const isOn = (value: string | undefined): boolean =>
      value !== undefined && value !== '' && !['0', 'false', 'no'].includes(value);
    switch (fieldOf(fields, 'manager')) {
      case 'apt':
        return [
          compared('unattended-upgrades', 'installed', fieldOf(fields, 'package')),
          ...['Update-Package-Lists', 'Unattended-Upgrade'].map((key) => {
            const value = fields.one(key);
            return compared(
              `APT::Periodic::${key}`,
              'on',
              value === undefined || value === '' ? 'not set' : value,
              isOn(value),
            );
          }),
          ...(fields.one('enable') === '0' ? [compared('APT::Periodic::Enable', 'on', '0')] : []),
          compared('apt-daily-upgrade.timer', 'on', fieldOf(fields, 'timer', /^(on|off)$/)),
        ];
      case 'dnf': {
        const timer = fieldOf(fields, 'timer');
        const apply = fields.one('apply') ?? '';
        const installs = timer === 'dnf-automatic-install.timer' || isOn(apply);
        return [
          compared('dnf-automatic.timer', 'on', timer, timer !== 'off'),
          compared('apply_updates', 'yes', apply === '' ? 'not set' : apply, installs),
        ];
      }
      default:
        throw badReply('it named a package manager that nobody knows');
    }
  },
});
