# Hosts: clone the image, boot it, look into it, switch it off, and the ssh files to reach it. Sourced by lab.sh.
# A host's folder is LAB/hosts/NAME: root (overlay), binds, repo, boots, supervisor.pid, nspawn.pid, console.log.

HIERARCHIES=(unified systemd memory pids freezer cpu cpuacct blkio)   # of cgroup v1 and hybrid machines

alive() { local pid; pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && [ -d "/proc/$pid" ]; }
is_up() { alive "$LAB/hosts/$1/supervisor.pid"; }
known() { [ -d "$LAB/hosts/$1/root" ] || die "there is no host $1 in this lab"; }

cgroup_folders() { # the host's group in every hierarchy of this machine
  local c
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then echo "/sys/fs/cgroup/$CGROUP$1"; return; fi
  for c in "${HIERARCHIES[@]}"; do [ -d "/sys/fs/cgroup/$c" ] && echo "/sys/fs/cgroup/$c/$CGROUP$1"; done
}
freezer_of() { [ -f /sys/fs/cgroup/cgroup.controllers ] && echo "/sys/fs/cgroup/$CGROUP$1" || echo "/sys/fs/cgroup/unified/$CGROUP$1"; }
freeze() { echo 1 >"$(freezer_of "$1")/cgroup.freeze"; }
is_frozen() { grep -qs '^frozen 1' "$(freezer_of "$1")/cgroup.events"; }
thaw() { local f; f=$(freezer_of "$1")/cgroup.freeze; [ ! -f "$f" ] || echo 0 >"$f"; }

# The finished root becomes a volume. From then on only the host's own supervisor mounts it, in its own mount namespace:
# a mount out here would be copied into the namespaces of other hosts and keep the volume from being detached.
root_to_volume() {
  local host=$1 root=$LAB/hosts/$1/root
  volume_create "vol-$host-root" 1G
  mkfs.ext4 -q -F -L "$host" -d "$root" "$STORE/vol/vol-$host-root"
  umount "$root"; rm -rf "$LAB/rw/$host"
  volume_attach "vol-$host-root" "$host" "$ROOT_DEVICE"
}

make_keys() {
  mkdir -p "$LAB/keys"
  [ -f "$LAB/keys/id" ] || ssh-keygen -q -t ed25519 -N '' -C belay-lab -f "$LAB/keys/id"
  [ -f "$LAB/keys/rogue" ] || ssh-keygen -q -t ed25519 -N '' -C rogue -f "$LAB/keys/rogue"     # no host knows it
}

clone_root() {
  local host=$1 folder=$LAB/hosts/$1 root=$LAB/hosts/$1/root user owner name address
  mkdir -p "$root" "$LAB/rw"
  mountpoint -q "$LAB/rw" || mount -t tmpfs -o size=6g,mode=755 belay-rw "$LAB/rw"
  mkdir -p "$LAB/rw/$host/upper" "$LAB/rw/$host/work"
  mount -t overlay "$CGROUP$host" -o "lowerdir=$(layers_of "$host"),upperdir=$LAB/rw/$host/upper,workdir=$LAB/rw/$host/work" "$root"
  echo "$host" >"$root/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$host" >"$root/etc/hosts"
  if in_minio_cluster "$host"; then
    for name in minio01 minio02 minio03 minio04 lb1 bk1; do
      read -r address _ <<<"$(address_of "$name")"
      echo "$address $name.lab $name$([ "$name" != lb1 ] || echo ' minio.lab')"
    done >>"$root/etc/hosts"
  fi
  head -c16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$root/etc/machine-id"; echo >>"$root/etc/machine-id"
  rm -f "$root/etc/resolv.conf"
  echo 'deb [trusted=yes] file:/srv/repo/current ./' >"$root/etc/apt/sources.list"
  rm -f "$root"/var/lib/apt/lists/*_*
  install -m600 "$LAB/keys/host-$host" "$root/etc/ssh/ssh_host_ed25519_key"
  install -m644 "$LAB/keys/host-$host.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
  install -d -m700 "$root/root/.ssh"
  install -m600 "$LAB/keys/id.pub" "$root/root/.ssh/authorized_keys"
  for user in ops limited; do
    owner=$(stat -c '%u:%g' "$root/home/$user")
    install -d -m700 -o "${owner%:*}" -g "${owner#*:}" "$root/home/$user/.ssh"
    install -m600 -o "${owner%:*}" -g "${owner#*:}" "$LAB/keys/id.pub" "$root/home/$user/.ssh/authorized_keys"
  done
  mkdir -p "$folder/repo"
  publish "$host" old
}

# publish HOST old|new|broken: what this host's package manager sees at its next refresh. An atomic switch.
# apt ignores an index that is older than the one it has, so going back needs index files newer than the last.
publish() {
  local host=$1 state=$2 repo=$LAB/hosts/$1/repo file number at
  [ -d "$IMAGES/repo/$state" ] || die "'$state' is no state of the package repository: old, new or broken"
  number=$(($(readlink "$repo/current" 2>/dev/null || echo 0) + 1))
  at=$(date +%s)
  if [ "$number" -gt 1 ]; then file=$(stat -c %Y "$repo/$((number - 1))/Release"); [ "$at" -gt "$file" ] || at=$((file + 1)); fi
  mkdir -p "$repo/$number"
  for file in "$IMAGES/repo/$state"/*; do
    case ${file##*/} in
      Release | Packages*) cp "$file" "$repo/$number/" ;;
      *) ln -s "/srv/packages/$state/${file##*/}" "$repo/$number/" ;;
    esac
  done
  sed -i "s/^Date:.*/Date: $(LC_ALL=C date -u -d "@$at" '+%a, %d %b %Y %H:%M:%S UTC')/" "$repo/$number/Release"
  touch -d "@$at" "$repo/$number"/{Release,Packages,Packages.gz}
  ln -sfn "$number" "$repo/current.next" && mv -T "$repo/current.next" "$repo/current"
  rm -rf "$LAB/hosts/$host/root"/var/cache/dnf/lab*     # dnf would believe its copy for a second
}

mount_at_boot() { # HOST UNIT: the image has the mount unit; only hosts with the volume want it
  local wants=$LAB/hosts/$1/root/etc/systemd/system/multi-user.target.wants
  mkdir -p "$wants"; ln -sf "/etc/systemd/system/$2.mount" "$wants/$2.mount"
}

# Each drive gets a file system of its own making: the kernel mounts no two XFS with one UUID.
give_minio_volumes() {
  local host=$1 drive letters=(- b c d e)
  if [ "$host" = bk1 ]; then
    volume_create vol-bk1-backup 4G; mkfs.xfs -q "$STORE/vol/vol-bk1-backup"
    volume_attach vol-bk1-backup bk1 /dev/xvdg; mount_at_boot bk1 srv-backup
  fi
  is_minio_node "$host" || return 0
  for drive in $(seq "$MINIO_DRIVES"); do
    volume_create "vol-$host-$drive" 1G
    mkfs.xfs -q -p "$MINIO/layer/usr/local/share/minio-drive.proto" "$STORE/vol/vol-$host-$drive"
    volume_attach "vol-$host-$drive" "$host" "/dev/xvd${letters[drive]}"
    mount_at_boot "$host" "stg-data-data$drive"
  done
}

create() {
  local host=$1 folder=$LAB/hosts/$1
  address_of "$host" >/dev/null
  [ -d "$folder/root" ] && return 0
  mkdir -p "$folder"
  [ -f "$LAB/keys/host-$host" ] || ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$LAB/keys/host-$host"
  wire "$host"
  clone_root "$host"
  ! has_root_volume "$host" || root_to_volume "$host"
  case $host in
    db*) volume_from_image "vol-$host" "$IMAGES/pg-volume.img"; volume_attach "vol-$host" "$host" /dev/xvdf ;;
  esac
  if has_data_volume "$host"; then
    mount_at_boot "$host" srv-data
    volume_from_image "vol-$host-data" "$IMAGES/data-volume.img"; volume_attach "vol-$host-data" "$host" /dev/xvdg
  fi
  give_minio_volumes "$host"
}

boot() { # returns at once; wait_ready waits
  local host=$1 folder=$LAB/hosts/$1 memory
  ! has_root_volume "$host" || grep -qs " $host $ROOT_DEVICE\$" "$STORE"/att/* || die "$host has no root volume: nothing is attached as $ROOT_DEVICE"
  rm -f "$folder/off"
  (
    # nspawns started from one group would share `payload`: each host has its own, in every hierarchy.
    for group in $(cgroup_folders "$host"); do mkdir -p "$group"; echo $BASHPID >"$group/cgroup.procs"; done
    memory=768M; is_minio_node "$host" && memory=2G
    echo "${BELAY_LAB_HOST_MEMORY:-$memory}" >"/sys/fs/cgroup/memory/$CGROUP$host/memory.limit_in_bytes" 2>/dev/null || true
    exec setsid unshare --mount --propagation slave bash "$HERE/supervise.sh" "$host" </dev/null >>"$folder/console.log" 2>&1 8>&-
  ) &
  echo $! >"$folder/supervisor.pid"
}

leader() { # the host's PID 1, as this machine numbers it; empty when the host is down
  local nspawn child
  nspawn=$(cat "$LAB/hosts/$1/nspawn.pid" 2>/dev/null) || return 0
  for child in $(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null); do
    [ "$(sed -n 's/^NSpid:.*\t//p' "/proc/$child/status" 2>/dev/null)" = 1 ] && { echo "$child"; return 0; }
  done
  return 0
}

greets() { # sshd answers with its banner
  local host=$1 address; read -r address _ <<<"$(address_of "$host")"
  timeout 3 ip netns exec "$NODE_NS$host" bash -c "exec 3<>/dev/tcp/$address/22 && read -t 2 -r banner <&3 && [[ \$banner == SSH-* ]]" 2>/dev/null
}

wait_ready() { # until sshd greets and, on a database host, PostgreSQL answers
  local host=$1 ok=
  for _ in $(seq 600); do
    greets "$host" && { ok=1; break; }
    is_up "$host" || break
    sleep 0.03
  done
  [ -n "$ok" ] || { tail -n 5 "$LAB/hosts/$host/console.log" >&2; die "$host did not come up"; }
  case $host in db*) ;; *) return 0 ;; esac
  for _ in $(seq 300); do
    enter "$host" su postgres -c "psql -Atqc 'select 1'" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  die "$host is up, but PostgreSQL did not answer in 30 s"
}

# enter HOST COMMAND...: by its namespaces, no ssh. The exit code is the command's.
enter() {
  local host=$1 pid; shift
  pid=$(leader "$host"); [ -n "$pid" ] || { say "$host is not running"; return 125; }
  nsenter -t "$pid" -m -u -i -n -p -r -w -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb "$@"
}

power_off() { # HOST orderly|hard
  local host=$1 folder=$LAB/hosts/$1 pid
  is_up "$host" || return 0
  : >"$folder/off"
  thaw "$host"
  pid=$(leader "$host")
  if [ "$2" = orderly ] && [ -n "$pid" ]; then
    kill -s RTMIN+4 "$pid" 2>/dev/null || true
    for _ in $(seq 400); do is_up "$host" || return 0; sleep 0.05; done
  fi
  pid=$(leader "$host")
  # Between two boots there is no PID 1 to kill; then the supervisor sees `off` and ends.
  kill -9 "${pid:-$(cat "$folder/nspawn.pid")}" 2>/dev/null || true
  for _ in $(seq 200); do is_up "$host" || return 0; sleep 0.02; done
  kill -9 "$(cat "$folder/nspawn.pid")" "$(cat "$folder/supervisor.pid")" 2>/dev/null || true
}

# reboot HOST [SECONDS]: orderly, SECONDS without power in between; returns when it is ready again.
reboot() {
  local host=$1 folder=$LAB/hosts/$1 before pid
  pid=$(leader "$host"); [ -n "$pid" ] || die "$host is not running"
  if [ -n "${2:-}" ]; then echo "$2" >"$folder/reboot-delay-seconds"; fi
  before=$(wc -l <"$folder/boots")
  kill -s RTMIN+5 "$pid"
  for _ in $(seq 600); do [ "$(wc -l <"$folder/boots")" -gt "$before" ] && break; sleep 0.05; done
  rm -f "$folder/reboot-delay-seconds"
  [ "$(wc -l <"$folder/boots")" -gt "$before" ] || die "$host did not boot again in 30 s"
  wait_ready "$host"
}

host_remove() { # after power_off: everything of the host but its volumes
  local host=$1 folder=$LAB/hosts/$1 group
  mountpoint -q "$folder/root" && umount "$folder/root"
  ip netns del "$NODE_NS$host" 2>/dev/null || true
  for group in $(cgroup_folders "$host"); do
    for _ in $(seq 50); do
      [ -d "$group" ] || break
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.02
    done
  done
}

write_ssh_files() { # ssh_config, known_hosts and hosts.tsv (name, address, bastion or -)
  local folder host address via
  : >"$LAB/known_hosts"; : >"$LAB/hosts.tsv"
  {
    for folder in "$LAB"/hosts/*/root; do
      [ -d "$folder" ] || continue
      host=$(basename "$(dirname "$folder")"); read -r address _ <<<"$(address_of "$host")"
      via=-; is_private "$host" && via=b1
      printf 'Host %s\n  HostName %s\n' "$host" "$address"
      [ $via = - ] || echo "  ProxyJump $via"
      echo "$host,$address $(cut -d' ' -f1,2 "$LAB/keys/host-$host.pub")" >>"$LAB/known_hosts"
      printf '%s\t%s\t%s\n' "$host" "$address" "$via" >>"$LAB/hosts.tsv"
    done
    printf 'Host *\n  User ops\n  IdentityFile %s/keys/id\n  IdentitiesOnly yes\n  UserKnownHostsFile %s/known_hosts\n' "$LAB" "$LAB"
    printf '  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n  ConnectTimeout 10\n'
  } >"$LAB/ssh_config"
}
