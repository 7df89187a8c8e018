#!/usr/bin/env bash
# Runs one host until it is switched off: systemd-nspawn, started again when the host asks for a reboot
# (with --keep-unit nspawn exits 133 and leaves the restart to its caller). Started by hosts.sh in the host's
# own control groups, mount namespace and session; reads the host's binds afresh at every boot.
#   supervise.sh HOST
source "$(dirname "$(readlink -f "$0")")/settings.sh"
host=$1 folder=$LAB/hosts/$1
boots_max=50

# nspawn keeps its sockets here; ours is private to this mount namespace, so labs do not share it.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 belay-nspawn /run/systemd/nspawn

if has_root_volume "$host"; then
  read -r loop _ <"$(grep -ls " $host $ROOT_DEVICE\$" "$LAB"/volumes/att/*)"
  mount "$loop" "$folder/root"
fi

# 1 = the v2 tree inside hosts. With v1 about 6 % of hosts booting at once have units that die with 219/CGROUP.
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_LOG_LEVEL=warning

for ((boot = 1; boot <= boots_max; boot++)); do
  binds=("--bind-ro=$IMAGES/repo:/srv/packages" "--bind-ro=$folder/repo:/srv/repo")
  if [ -s "$folder/binds" ]; then while read -r bind; do binds+=("--bind=$bind"); done <"$folder/binds"; fi
  ms >"$folder/booted-at"
  echo "$boot" >>"$folder/boots"
  rc=0
  systemd-nspawn -q -D "$folder/root" -b --register=no --keep-unit -M "$host" --kill-signal=SIGRTMIN+3 \
    --network-namespace-path="/run/netns/$NODE_NS$host" --resolv-conf=off --timezone=off --link-journal=no \
    --console=pipe "${binds[@]}" &
  echo $! >"$folder/nspawn.pid"
  wait $! || rc=$?
  [ $rc = 133 ] && [ ! -e "$folder/off" ] || exit 0
  sleep "$(cat "$folder/reboot-delay-seconds" 2>/dev/null || echo 0)"
  [ ! -e "$folder/off" ] || exit 0
done
