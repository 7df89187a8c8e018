#!/usr/bin/env bash
# A lab of real systemd hosts on private networks, on one machine, as root. lab.ts drives it; so may you.
#   lab.sh up HOST...                         b1 bastion, h1.. public, r1.. rpm hosts, v1.. with a data volume,
#                                             p1.. private, e1.. private with a root volume, db1.. private with
#                                             PostgreSQL; b1 comes with private ones;
#                                             minio01..04, lb1, bk1: machines only, test/lab/minio makes a cluster of them
#   lab.sh down                               everything off, unmounted and removed
#   lab.sh ps                                 name, address, up or down, boots, memory in MB
#   lab.sh exec HOST COMMAND...               by the host's namespaces, without ssh
#   lab.sh stop|start|kill|freeze|thaw HOST   orderly, boot, power loss, hang, end of hang
#   lab.sh greets HOST                        exit code 0 when sshd answers
#   lab.sh reboot HOST [SECONDS]              with SECONDS without power in between
#   lab.sh net HOST down|up|loss PERCENT|rate RATE|portdrop PORT|clear
#   lab.sh forward PORT                       hosts reach the controller's 127.0.0.1:PORT
#   lab.sh postgresql-versions                old=VERSION and new=VERSION, equal when Debian serves one only
#   lab.sh publish HOST old|new|broken        what the host's package manager sees
#   lab.sh volume create VOLUME SIZE | snapshot VOLUME SNAPSHOT... | from-snapshot SNAPSHOT VOLUME
#          | attach VOLUME HOST DEVICE | detach VOLUME [--force] | delete VOLUME | delete-snapshot SNAPSHOT | list
# BELAY_LAB_ID (0..9) says which lab: see settings.sh.
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source "$HERE/settings.sh"
source "$HERE/network.sh"
source "$HERE/volumes.sh"
source "$HERE/hosts.sh"

# One change at a time; readers and `exec` do not wait. Descriptor 8 is closed in everything that lives on.
locked() { exec 8>"$LAB/.lock"; flock -w 120 8 || die "another command has held this lab for two minutes"; }
running() { [ -f "$LAB/.belay-lab" ] || die "this lab is not up"; }

up() {
  local host hosts=() started; started=$(ms)
  for host in "$@"; do address_of "$host" >/dev/null; done
  [[ " $* " =~ \ (p|e|db)[0-9] && " $* " != *' b1 '* ]] && hosts=(b1)
  hosts+=("$@")
  [ -z "$(bash "$HERE/images.sh" missing)" ] || die "images are missing in $IMAGES; build them with test/lab/hosts/install.sh"
  for host in "$@"; do
    in_minio_cluster "$host" && [ -n "$(bash "$HERE/minio-images.sh" missing)" ] &&
      die "$host needs what is missing in $MINIO; build it with test/lab/hosts/install.sh"
  done
  mkdir -p "$LAB"; : >"$LAB/.belay-lab"; locked
  network_up; make_keys; store_up
  for host in "${hosts[@]}"; do create "$host"; done
  for host in "${hosts[@]}"; do is_up "$host" || boot "$host"; done
  for host in "${hosts[@]}"; do wait_ready "$host"; done
  write_ssh_files
  say "${hosts[*]} up in $(($(ms) - started)) ms"
}

down() {
  [ -f "$LAB/.belay-lab" ] || return 0
  locked
  local folder hosts=() host started; started=$(ms)
  for folder in "$LAB"/hosts/*/; do [ -d "$folder" ] && hosts+=("$(basename "$folder")"); done
  forwards_down
  for host in "${hosts[@]}"; do power_off "$host" hard & done; wait
  for host in "${hosts[@]}"; do host_remove "$host"; done
  store_down
  mountpoint -q "$LAB/rw" && umount "$LAB/rw"
  network_down
  rm -rf --one-file-system "$LAB"
  say "down in $(($(ms) - started)) ms"
}

ps_hosts() {
  local folder host address memory
  for folder in "$LAB"/hosts/*/root; do
    [ -d "$folder" ] || continue
    host=$(basename "$(dirname "$folder")"); read -r address _ <<<"$(address_of "$host")"
    memory=$(cat "/sys/fs/cgroup/memory/$CGROUP$host/memory.usage_in_bytes" "/sys/fs/cgroup/$CGROUP$host/memory.current" 2>/dev/null | head -n 1 || true)
    printf '%s\t%s\t%s\t%s\t%s\n' "$host" "$address" "$(is_up "$host" && echo up || echo down)" \
      "$(wc -l <"$LAB/hosts/$host/boots")" "$((${memory:-0} / 1048576))"
  done | sort -V
}

volume() {
  local verb=$1; shift
  [ "$verb" = list ] || locked
  case $verb in
    create) volume_create "$@" ;; snapshot) volume_snapshot "$@" ;; from-snapshot) volume_from_snapshot "$@" ;;
    attach) volume_attach "$@" ;; detach) volume_detach "$@" ;; delete) volume_delete "$@" ;;
    delete-snapshot) snapshot_delete "$@" ;; list) volume_list ;;
    *) die "unknown volume command '$verb'" ;;
  esac
}

verb=${1:-help}; shift || true
case $verb in
  up) up "$@"; exit ;;
  down) down; exit ;;
  postgresql-versions) cat "$IMAGES/repo/postgresql-versions"; exit ;;
  exec) running; [ -d "$LAB/hosts/${1:-}/root" ] || { say "there is no host '${1:-}'"; exit 125; } ;;
  stop | start | kill | freeze | thaw | reboot | greets | net | publish) running; known "${1:-}" ;;
  ps | forward | volume) running ;;
  *) sed -n '2,20p' "$0"; exit 2 ;;
esac
case $verb in
  exec) enter "$@" ;;
  ps) ps_hosts ;;
  stop) power_off "$1" orderly ;;
  kill) power_off "$1" hard ;;
  start) is_up "$1" || boot "$1"; wait_ready "$1" ;;
  freeze) freeze "$1" ;;
  thaw) thaw "$1" ;;
  reboot) reboot "$@" ;;
  greets) greets "$1" ;;
  net) network_fault "$@" ;;
  forward) locked; network_forward "$@" ;;
  publish) locked; publish "$@" ;;
  volume) volume "$@" ;;
esac
