/**
 * Looks at, quiesces, unmounts and mounts the file systems of disks: the texts behind volume/* of names.ts.
 * What lies below a mount is taken from sysfs: partitions and LVM lead to whole disks, and NVMe disks of EC2 carry the
 * volume's id as their serial number.
 */
import { mountsText } from './mounts.ts';
import { namedScript } from './prelude.ts';

const volumeText = `${mountsText}# source_of MOUNT: the block device mounted exactly there, on top; fails when there is none.
source_of() {
  s=$(mounts_at "$1" SOURCE | tail -n 1)
  s=\${s%%\\[*}
  case $s in /dev/*) readlink -f "$s" ;; *) return 1 ;; esac
}
sys_of() {
  numbers=$(stat -L -c '%t %T' -- "$1") || return 1
  set -- $numbers
  readlink -f "/sys/dev/block/$((0x$1)):$((0x$2))"
}
serial_of() {
  for serial in "$1/device/serial" "$1/serial"; do
    if [ -r "$serial" ]; then tr -d ' \\n' <"$serial"; return 0; fi
  done
}
# leaves SYSFOLDER NODE: "NODE SERIAL" of every whole disk below. A disk keeps the name by which it is mounted.
leaves() {
  found=
  for slave in "$1"/slaves/*; do
    [ -e "$slave" ] || continue
    found=yes
    (leaves "$(readlink -f "$slave")" "/dev/\${slave##*/}")
  done
  [ -z "$found" ] || return 0
  if [ -e "$1/partition" ]; then (leaves "\${1%/*}" "/dev/$(basename "\${1%/*}")"); return 0; fi
  serial=$(serial_of "$1")
  echo "$2 \${serial:--}"
}
disks_of() { leaves "$(sys_of "$1")" "$1"; }
# holders MOUNT: "postgres (6) bash (1)", the programs with a file, folder or executable of theirs on it.
holders() {
  find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe -maxdepth 1 \\( -lname "$1" -o -lname "$1/*" \\) 2>/dev/null |
    cut -d / -f 3 | sort -un | head -n 50 | while read -r pid; do cat "/proc/$pid/comm" 2>/dev/null; done |
    tr ' ' _ | sort | uniq -c | sort -rn | head -n 5 | awk '{ printf "%s%s (%s)", (NR > 1 ? " " : ""), $2, $1 }'
}
# settled MOUNT: waits, at most 10 s, until systemd knows as well that nothing is mounted there. It reads the kernel's list later than
# we do, and until then it starts what requires the mount without mounting it.
settled() {
  [ -d /run/systemd/system ] && unit=$(systemd-escape -p --suffix=mount "$1" 2>/dev/null) || return 0
  tries=0
  while [ $tries -lt 100 ] && [ "$(systemctl show -p ActiveState -- "$unit" 2>/dev/null)" = ActiveState=active ]; do
    tries=$((tries + 1)); sleep 0.1
  done
}
group_of() { command -v lvs >/dev/null && lvs --noheadings -o vg_name "$1" 2>/dev/null | tr -d ' '; }
`;

export const listMounts = namedScript(
  'volume/mounts',
  `${volumeText}
if [ $# = 0 ]; then
  # Raw output is a list; asking for both is an error to findmnt of util-linux 2.38.
  listed=$(findmnt -n -r -o TARGET,SOURCE) || fail NO_TOOL "findmnt cannot list what is mounted"
  findmnt -n -r -o TARGET,SOURCE,FSTYPE,OPTIONS | while read -r target source rest; do
    case $source in *\\[*|[!/]*|/[!d]*) say other "$target $source $rest" ;; esac
  done
  set -- $(printf '%s\\n' "$listed" | awk '$2 ~ /^\\/dev\\// && $2 !~ /\\[/ { print $1 }' | sort -u)
  all=yes
else all=; fi
for mount in "$@"; do
  if ! source=$(source_of "$mount"); then
    [ -n "$all" ] && continue
    fail NOT_MOUNTED "nothing is mounted at $mount from a disk"
  fi
  say mount "$mount $source $(mounts_at "$mount" FSTYPE,OPTIONS | tail -n 1)"
  disks_of "$source" | sort -u | while read -r disk; do say disk "$mount $disk"; done
  [ -n "$all" ] && continue
  busy=$(holders "$mount")
  [ -z "$busy" ] || say busy "$mount $busy"
done
`,
);

export const syncMounts = namedScript(
  'volume/sync',
  `for mount in "$@"; do
  sync -f -- "$mount" 2>/dev/null || sync
  say synced "$mount"
done
`,
);

/** The script itself is the watchdog: whoever asked for the freeze may be gone, and the host must not stay frozen. */
export const freezeMounts = namedScript(
  'volume/freeze',
  `seconds=$1
shift
command -v fsfreeze >/dev/null || fail FREEZE_FAILED "fsfreeze (util-linux) is not installed"
frozen= sleeper=
thaw() {
  trap '' TERM INT HUP
  for mount in $frozen; do fsfreeze -u "$mount"; say thawed "$mount"; done
  frozen=
  [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null
}
trap thaw EXIT
trap 'exit 143' TERM INT HUP
# A frozen file system under these would stop this very script, the agent or the journal.
system=
for folder in / /usr /var /var/lib /var/log /var/tmp /tmp /run /home "$PWD"; do system="$system $(stat -c %d -- "$folder" 2>/dev/null)"; done
for mount in "$@"; do
  case " $system " in *" $(stat -c %d -- "$mount") "*) say skipped "$mount system folders live on it"; continue ;; esac
  sync -f -- "$mount" 2>/dev/null || sync
  fsfreeze -f "$mount" || fail FREEZE_FAILED "fsfreeze of $mount failed; everything is thawed"
  frozen="$frozen $mount"
  say frozen "$mount"
done
say ready yes
sleep "$seconds" &
sleeper=$!
wait "$sleeper"
`,
);

export const unmountMounts = namedScript(
  'volume/unmount',
  `${volumeText}
gone=
mount_again() {
  printf %s "$gone" | while read -r m from fstype options; do
    unit=$(systemd-escape -p --suffix=mount "$m" 2>/dev/null)
    systemctl start -- "$unit" 2>/dev/null || mount "$m" 2>/dev/null || mount -t "$fstype" -o "$options" -- "$from" "$m"
  done
}
for mount in "$@"; do
  as=$(mounts_at "$mount" SOURCE,FSTYPE,OPTIONS) || fail NO_TOOL "findmnt cannot list what is mounted"
  as=$(printf '%s\\n' "$as" | tail -n 1)
  if [ -n "$as" ]; then
    source=$(source_of "$mount") || source=
    vg=
    [ -z "$source" ] || vg=$(group_of "$source")
    # Not systemctl stop: that would also stop every service that requires the mount, without being asked.
    umount -- "$mount"
    if is_mounted "$mount"; then
      busy=$(holders "$mount")
      mount_again
      fail MOUNT_BUSY "$mount cannot be unmounted: in use by \${busy:-something that cannot be seen}; stop it first"
    fi
    settled "$mount"
    # Last unmounted, first mounted again.
    gone="$mount $as
$gone"
    [ -z "$vg" ] || vgchange -an "$vg" || fail MOUNT_BUSY "the volume group $vg of $mount cannot be switched off"
  fi
  say unmounted "$mount"
done
`,
);

export const mountDisks = namedScript(
  'volume/mount',
  `${volumeText}
# node_of DISK SERIAL: waits up to 30 s for the disk to appear.
node_of() {
  tries=0
  while [ $tries -lt 60 ]; do
    if [ "$2" = - ]; then [ -b "$1" ] && { echo "$1"; return 0; }
    else
      for sys in /sys/block/*; do
        if [ "$(serial_of "$sys")" = "$2" ]; then echo "/dev/\${sys##*/}"; return 0; fi
      done
    fi
    tries=$((tries + 1)); sleep 0.5
  done
  return 1
}
# again MOUNT FSTYPE OPTIONS SOURCE: what lay over or below the exchanged file systems, and was no part of the exchange.
again() {
  is_mounted "$1" && return 0
  unit=$(systemd-escape -p --suffix=mount "$1" 2>/dev/null) || unit=
  [ -n "$unit" ] && systemctl start -- "$unit" 2>/dev/null && is_mounted "$1" && return 0
  if is_in_fstab "$1"; then mount -- "$1"; return; fi
  case $4 in
    *\\[*)
      from=$4 from=\${from#*\\[}
      device=\${4%%\\[*}
      base=$(findmnt -n -r -o TARGET,SOURCE -S "$device" | awk '$2 !~ /\\[/ { print $1; exit }')
      [ -n "$base" ] && mount --bind -- "$base\${from%]}" "$1" ;;
    *) mount -t "$2" -o "$3" -- "$4" "$1" ;;
  esac
}
of_unit() { systemctl show -p "$1" -- "$unit" 2>/dev/null | sed -n "s/^$1=//p"; }
while [ $# -gt 4 ]; do
  mount=$1 fstype=$2 options=$3 disk=$4 serial=$5
  shift 5
  if [ "$serial" = other ]; then
    again "$mount" "$fstype" "$options" "$disk" || fail MOUNT_FAILED "$mount ($fstype of $disk) cannot be mounted again"
  elif ! source_of "$mount" >/dev/null; then
    node=$(node_of "$disk" "$serial") || fail NO_SUCH_DISK "the disk $disk (serial $serial) did not appear within 30 s"
    if command -v vgchange >/dev/null; then vgchange -ay >/dev/null 2>&1; fi
    unit=$(systemd-escape -p --suffix=mount "$mount" 2>/dev/null) || unit=
    if [ -n "$unit" ] && [ "$(of_unit LoadState)" = loaded ] && [ -n "$(of_unit FragmentPath)" ]; then
      systemctl reset-failed -- "$unit" 2>/dev/null
      systemctl start -- "$unit" || { journalctl -q --no-pager -n 5 -u "$unit"; fail MOUNT_FAILED "systemctl start $unit failed"; }
    elif is_in_fstab "$mount"; then
      mount -- "$mount" || fail MOUNT_FAILED "mount $mount failed, as /etc/fstab says it"
    else
      [ "$fstype" = xfs ] && options=$options,nouuid
      case $serial:$disk in -:*) ;; *:/dev/nvme*n*p[0-9]*) node=\${node}p\${disk##*p} ;; esac
      mount -t "$fstype" -o "$options" -- "$node" "$mount" || fail MOUNT_FAILED "mount -t $fstype $node $mount failed"
    fi
    source_of "$mount" >/dev/null || fail MOUNT_FAILED "$mount was mounted and is not there"
  fi
  say mounted "$mount"
done
`,
);
