/**
 * Reboots a host and looks at what came back: the texts behind reboot/observe, reboot/begin and reboot/after of names.ts.
 *
 * systemd starts services while it boots, before anybody can look at the mounts. So reboot/begin leaves a drop-in with
 * each service: AssertPathIsMountPoint= keeps it from starting and writing into the folder below a mount that is missing.
 * The drop-in goes when everything is mounted, and stays as long as something is not.
 */
import { mountsText } from './mounts.ts';
import { namedScript } from './prelude.ts';

/**
 * Prints yes, no or unknown; `unmarked` on a dpkg system where nothing would tell. Debian: packages make /run/reboot-required by
 * the hooks of update-notifier-common or unattended-upgrades; without those only needrestart knows. dnf: asks what was replaced
 * since the boot.
 */
export const rebootRequired = `
reboot_required() {
  if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo yes
  elif command -v dpkg >/dev/null; then
    if [ -e /usr/share/update-notifier/notify-reboot-required ] || [ -e /etc/kernel/postinst.d/unattended-upgrades ]; then echo no
    elif command -v needrestart >/dev/null; then
      case $(needrestart -b -k -r l 2>/dev/null | sed -n 's/^NEEDRESTART-KSTA: *//p') in 1) echo no ;; 2 | 3) echo yes ;; *) echo unmarked ;; esac
    else echo unmarked; fi
  elif command -v needs-restarting >/dev/null; then
    needs-restarting -r >&2
    case $? in 0) echo no ;; 1) echo yes ;; *) echo unknown ;; esac
  elif command -v dnf >/dev/null && dnf -q needs-restarting --help >/dev/null 2>&1; then
    dnf -q needs-restarting -r >&2
    case $? in 0) echo no ;; 1) echo yes ;; *) echo unknown ;; esac
  else echo unknown; fi
}
`;

const rebootText = `
command -v systemctl >/dev/null && [ -d /run/systemd/system ] || fail NO_SYSTEMD "systemd does not run here"
${mountsText}
boot_id() { cat /proc/sys/kernel/random/boot_id; }
property() { systemctl show --no-pager -p "$1" -- "$2" | sed -n "s/^$1=//p"; }
# Paths travel as findmnt -r writes them, a blank as \\x20.
plain() { printf %b "$1"; }
source_of() { mounts_at "$(plain "$1")" SOURCE | tail -n 1; }
uuid_of() {
  u=$(mounts_at "$(plain "$1")" UUID | tail -n 1)
  if [ -z "$u" ]; then case $2 in /dev/*) u=$(blkid -s UUID -o value -- "\${2%%\\[*}" 2>/dev/null) ;; esac; fi
  echo "\${u:--}"
}
drop_in=90-belay-reboot.conf
folder_of() { echo "/etc/systemd/system/$(property Id "$1").d"; }
`;

export const observeReboot = namedScript(
  'reboot/observe',
  `${rebootText}${rebootRequired}
say bootId "$(boot_id)"
say required "$(reboot_required)"
# A bind mount has its folder in brackets; so has a btrfs subvolume, which is a file system of its own.
findmnt -n -r -o TARGET,SOURCE,FSTYPE | awk '
  $1 ~ /^\\/(run|tmp|proc|sys|dev|snap|media|var\\/lib\\/(kubelet|docker|containers))\\// { next }
  $3 ~ /^(nfs4?|cifs|smb3|ceph|fuse\\.(glusterfs|ceph|sshfs))$/ || ($2 ~ /^\\/dev\\// && ($2 !~ /\\[/ || $3 == "btrfs")) { print $1 }' |
  sort -u | while read -r mount; do
  source=$(source_of "$mount")
  unit=$(systemd-escape -p --suffix=mount -- "$(plain "$mount")")
  declared=no
  case $mount in / | /usr) declared=yes ;; esac
  [ -z "$(property FragmentPath "$unit")" ] || declared=yes
  say mount "$mount $source $(uuid_of "$mount" "$source") $declared"
done
for unit in "$@"; do say unit "$unit $(property LoadState "$unit") $(property ActiveState "$unit")"; done
`,
);

export const beginReboot = namedScript(
  'reboot/begin',
  `before=$1 count=$2
shift 2
${rebootText}
# Begun twice it does nothing the second time: the host has been rebooted since.
[ "$(boot_id)" = "$before" ] || { say rebooted already; exit 0; }
conditions=
while [ "$count" -gt 0 ]; do
  # Not for names that a unit file would spell otherwise.
  case $1 in / | *\\\\* | *%* | *\\"*) ;; *) conditions="$conditions
RequiresMountsFor=$1
AssertPathIsMountPoint=$1" ;; esac
  shift
  count=$((count - 1))
done
for unit in "$@"; do
  [ -n "$conditions" ] || break
  folder=$(folder_of "$unit")
  mkdir -p -- "$folder" && printf '%s\\n' "# Belay: not to be started while one of its mounts is missing after a reboot." "[Unit]$conditions" >"$folder/$drop_in" ||
    fail WRITE_FAILED "cannot write $folder/$drop_in; nothing was rebooted"
done
[ -z "$conditions" ] || systemctl daemon-reload || fail REBOOT_FAILED "systemctl daemon-reload failed; nothing was rebooted"
sync
# Time for the answer that it has begun to leave the host.
sleep 1
systemctl reboot || systemctl --force reboot || fail REBOOT_FAILED "systemctl reboot failed"
say rebooting yes
`,
);

export const afterReboot = namedScript(
  'reboot/after',
  `before=$1 count=$2
shift 2
${rebootText}
now=$(boot_id)
say bootId "$now"
[ "$now" != "$before" ] || exit 0
say system "$(systemctl is-system-running 2>/dev/null)"
say job "$(systemctl list-jobs --no-legend --no-pager 2>/dev/null | awk '$4 == "running" { printf "%s%s", (n++ ? ", " : ""), $2 }' | cut -c 1-200)"
missing=
while [ "$count" -gt 0 ]; do
  mount=$1 uuid=$2
  shift 2
  count=$((count - 1))
  source=$(source_of "$mount")
  if [ -z "$source" ]; then missing=yes; say missing "$mount"; continue; fi
  found=$(uuid_of "$mount" "$source")
  case $found in "$uuid" | -) ;; *) [ "$uuid" = - ] || { missing=yes; say other "$mount $source $uuid $found"; } ;; esac
done
if [ -z "$missing" ]; then
  for unit in "$@"; do
    folder=$(folder_of "$unit")
    [ -f "$folder/$drop_in" ] || continue
    rm -f -- "$folder/$drop_in" || fail WRITE_FAILED "cannot remove $folder/$drop_in"
    rmdir -- "$folder" 2>/dev/null
    reload=yes
  done
  [ -z "\${reload:-}" ] || systemctl daemon-reload
fi
for unit in "$@"; do
  words=
  # What its own programs said last; systemd's words about it only where they said nothing.
  if [ "$(property ActiveState "$unit")" != active ]; then
    words=$(journalctl --no-pager -q -b -o cat -n 3 "_SYSTEMD_UNIT=$(property Id "$unit")" 2>/dev/null)
    [ -n "$words" ] || words=$(journalctl --no-pager -q -b -o cat -n 3 -u "$unit" 2>/dev/null)
    words=$(printf %s "$words" | tr '\\n' '|' | cut -c 1-400)
  fi
  say unit "$unit $(property ActiveState "$unit") $(property UnitFileState "$unit" | grep . || echo -) $(property Result "$unit" | grep . || echo -) $words"
done
`,
);
