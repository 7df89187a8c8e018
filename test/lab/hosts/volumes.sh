# Volumes and snapshots as an EC2 account has them, with real effects. Sourced by lab.sh.
#
# A volume is a sparse file on a reflink XFS (itself a loop file); a snapshot is a reflink copy. Attaching makes a
# loop device and puts its node into the host's /dev, now and at every boot; the host itself mounts it.
# A refusal is one line `Code: sentence` on stderr and exit code 3; `Busy` (still mounted) is exit code 4.

STORE=$LAB/volumes

refuse() { echo "$1: $2" >&2; exit 3; }

store_up() {
  mountpoint -q "$STORE" && return 0
  mkdir -p "$STORE"
  [ -f "$STORE.img" ] || { truncate -s "${BELAY_LAB_STORE_SIZE:-20G}" "$STORE.img"; mkfs.xfs -q -m reflink=1 "$STORE.img"; }
  mount -o loop,discard "$STORE.img" "$STORE"
  mkdir -p "$STORE/vol" "$STORE/snap" "$STORE/att"
}
store_down() {
  mountpoint -q "$STORE" || return 0
  local file loop
  for file in "$STORE"/att/*; do [ -f "$file" ] || continue; read -r loop _ <"$file"; losetup -d "$loop" 2>/dev/null || true; done
  umount "$STORE"
}

valid_name() { [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$ ]] || refuse InvalidName "'$1' cannot name a volume or snapshot"; }
need_volume() { valid_name "$1"; [ -f "$STORE/vol/$1" ] || refuse NotFound "there is no volume $1"; }
need_snapshot() { valid_name "$1"; [ -f "$STORE/snap/$1" ] || refuse NotFound "there is no snapshot $1"; }
new_volume() { valid_name "$1"; [ ! -e "$STORE/vol/$1" ] || refuse AlreadyExists "there is a volume $1"; }
attachment() { cat "$STORE/att/$1" 2>/dev/null || true; }          # LOOP HOST DEVICE

volume_create() { new_volume "$1"; truncate -s "$2" "$STORE/vol/$1"; }
volume_from_image() { new_volume "$1"; cp --sparse=always "$2" "$STORE/vol/$1"; }
volume_from_snapshot() { need_snapshot "$1"; new_volume "$2"; cp --reflink=always "$STORE/snap/$1" "$STORE/vol/$2"; }

# snapshot VOLUME SNAPSHOT [VOLUME SNAPSHOT...]: crash-consistent, as EBS: whatever the hosts have flushed so far, and
# nothing of a later moment. For several volumes it is one moment: their hosts stand still meanwhile.
volume_snapshot() {
  local pairs=("$@") i loop host still=() rc=0
  for ((i = 0; i < $#; i += 2)); do
    need_volume "${pairs[i]}"; valid_name "${pairs[i + 1]:-}"
    [ ! -e "$STORE/snap/${pairs[i + 1]}" ] || refuse AlreadyExists "there is a snapshot ${pairs[i + 1]}"
    read -r _ host _ <<<"$(attachment "${pairs[i]}")"
    [ $# = 2 ] || [ -z "$host" ] || ! is_up "$host" || is_frozen "$host" || { freeze "$host"; still+=("$host"); }
  done
  copy_flushed "$@" || rc=$?
  for host in "${still[@]}"; do thaw "$host"; done
  [ $rc = 0 ] || refuse SnapshotFailed "the copies of $* could not be made"
}
copy_flushed() {
  local loop
  while [ $# -gt 0 ]; do
    read -r loop _ <<<"$(attachment "$1")"
    [ -z "$loop" ] || blockdev --flushbufs "$loop" || return 1
    sync -f "$STORE/vol/$1" && cp --reflink=always "$STORE/vol/$1" "$STORE/snap/$2" || return 1
    shift 2
  done
}

# The root of a host that has one as a volume: mounted by its boot, not by itself.
is_root_place() { has_root_volume "$1" && [ "$2" = "$ROOT_DEVICE" ]; }

volume_attach() {
  local volume=$1 host=$2 device=$3 loop pid
  need_volume "$volume"
  [ -z "$(attachment "$volume")" ] || refuse VolumeInUse "$volume is attached: $(attachment "$volume" | cut -d' ' -f2,3)"
  [[ $device =~ ^/dev/[a-z0-9]+$ ]] || refuse InvalidDevice "'$device' is no device name such as /dev/xvdf"
  ! grep -qs " $host $device\$" "$STORE"/att/* || refuse DeviceInUse "$device of $host is taken"
  if is_root_place "$host" "$device" && is_up "$host"; then refuse IncorrectState "$host is running, with another root volume"; fi
  mkdir -p "$LAB/hosts/$host"
  loop=$(losetup -f --show --direct-io=off "$STORE/vol/$volume")
  echo "$loop $host $device" >"$STORE/att/$volume"
  ! is_root_place "$host" "$device" || return 0
  echo "$loop:$device" >>"$LAB/hosts/$host/binds"
  pid=$(leader "$host")
  [ -z "$pid" ] || enter "$host" mknod -m 660 "$device" b "$((0x$(stat -c %t "$loop")))" "$((0x$(stat -c %T "$loop")))"
}

# The kernel knows best whether a file system anywhere still holds the device.
is_held() { ! python3 -c 'import os,sys; os.close(os.open(sys.argv[1], os.O_RDWR | os.O_EXCL))' "$1" 2>/dev/null; }

# detach VOLUME [--force]: refused while mounted; --force takes it away as a pulled cable would.
volume_detach() {
  local volume=$1 force=${2:-} loop host device
  need_volume "$volume"
  read -r loop host device <<<"$(attachment "$volume")"
  [ -n "$loop" ] || refuse IncorrectState "$volume is not attached"
  if is_root_place "$host" "$device" && is_up "$host"; then echo "Busy: $host runs from $device" >&2; exit 4; fi
  if [ "$force" != --force ] && is_held "$loop"; then echo "Busy: $device is mounted on $host" >&2; exit 4; fi
  if [ -n "$(leader "$host")" ]; then
    enter "$host" sh -c '
      grep "^$1 " /proc/mounts | cut -d" " -f2 | while read -r place; do umount -l "$place"; done
      grep -q " $1 " /proc/self/mountinfo && umount "$1"
      rm -f "$1"' detach "$device"
  fi
  sed -i "\\#^$loop:#d" "$LAB/hosts/$host/binds" 2>/dev/null || true
  losetup -d "$loop"
  rm -f "$STORE/att/$volume"
}

volume_delete() { need_volume "$1"; [ -z "$(attachment "$1")" ] || refuse VolumeInUse "$1 is attached: $(attachment "$1" | cut -d' ' -f2,3)"; rm -f "$STORE/vol/$1"; }
snapshot_delete() { need_snapshot "$1"; rm -f "$STORE/snap/$1"; }

# One line each, tab-separated: kind, name, size in bytes, host or -, device or -.
volume_list() {
  local file host device
  for file in "$STORE"/vol/*; do
    [ -f "$file" ] || continue
    read -r _ host device <<<"$(attachment "$(basename "$file")")"
    printf 'volume\t%s\t%s\t%s\t%s\n' "$(basename "$file")" "$(stat -c %s "$file")" "${host:--}" "${device:--}"
  done
  for file in "$STORE"/snap/*; do [ -f "$file" ] && printf 'snapshot\t%s\t%s\t-\t-\n' "$(basename "$file")" "$(stat -c %s "$file")"; done
  return 0
}
