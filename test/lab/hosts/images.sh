#!/usr/bin/env bash
# Builds the images all labs share: the base system, the PostgreSQL and rpm layers above it, the template
# volumes and the package repository. Does nothing when they are there; two builders never collide.
#   images.sh build | images.sh missing      (missing: prints what a build would make; empty when complete)
source "$(dirname "$(readlink -f "$0")")/settings.sh"
SUITE=bookworm
MIRROR=${BELAY_LAB_MIRROR:-http://deb.debian.org/debian}
SECURITY=${BELAY_LAB_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
LOG=$IMAGES/log

# Units that cost boot time or fail in a container, and mean nothing to a runbook.
MASKED_UNITS=(
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer e2scrub_reap.service
  systemd-pstore.service getty.target console-getty.service getty@tty1.service systemd-networkd.service
  systemd-resolved.service systemd-timesyncd.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
  systemd-journal-flush.service systemd-random-seed.service sys-kernel-debug.mount sys-kernel-tracing.mount
  systemd-machine-id-commit.service dev-hugepages.mount dev-mqueue.mount systemd-sysctl.service
  systemd-modules-load.service ldconfig.service systemd-firstboot.service systemd-sysusers.service
  systemd-update-done.service systemd-journal-catalog-update.service proc-sys-fs-binfmt_misc.automount
)

# in_root ROOT COMMAND...: run inside an image being built, never starting services.
in_root() {
  local root=$1; shift
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
  local rc=0
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@" || rc=$?
  rm -f "$root/usr/sbin/policy-rc.d"
  return $rc
}
build_base() {
  local root=$IMAGES/base.tmp user unit
  rm -rf --one-file-system "$root"
  debootstrap --variant=minbase \
    --include=systemd,systemd-sysv,dbus,openssh-server,iproute2,procps,sudo,ca-certificates,python3,curl \
    "$SUITE" "$root" "$MIRROR"
  cat >"$root/etc/apt/sources.list" <<S
deb $MIRROR $SUITE main
deb $SECURITY $SUITE-security main
S
  cat >"$root/etc/dpkg/dpkg.cfg.d/lab" <<'S'
path-exclude /usr/share/doc/*
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
force-unsafe-io
S
  in_root "$root" apt-get update -qq
  in_root "$root" apt-get clean
  rm -rf "$root"/etc/machine-id "$root"/etc/ssh/ssh_host_* "$root"/etc/hostname \
    "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
  in_root "$root" useradd -m -s /bin/bash -G sudo ops
  in_root "$root" useradd -m -s /bin/bash limited            # has no sudo: for refusals
  echo 'ops ALL=(ALL) NOPASSWD:ALL' >"$root/etc/sudoers.d/ops"; chmod 440 "$root/etc/sudoers.d/ops"
  cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'S'
UseDNS no
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
MaxStartups 200:30:500
MaxSessions 64
HostKey /etc/ssh/ssh_host_ed25519_key
S
  sed -i '/pam_motd\|pam_mail\|pam_lastlog/d' "$root/etc/pam.d/sshd" "$root/etc/pam.d/login"
  sed -i 's/pam_systemd.so/pam_permit.so/' "$root/etc/pam.d/common-session"
  for unit in "${MASKED_UNITS[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
  mkdir -p "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/system.conf.d" "$root/srv/data"
  printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n' >"$root/etc/systemd/journald.conf.d/lab.conf"
  printf '[Manager]\nDefaultTimeoutStopSec=10s\n' >"$root/etc/systemd/system.conf.d/lab.conf"
  # In the image, but enabled only on hosts that have the volume (hosts.sh).
  cat >"$root/etc/systemd/system/srv-data.mount" <<'S'
[Unit]
Description=The lab's small data volume
[Mount]
What=/dev/xvdg
Where=/srv/data
Type=ext4
[Install]
WantedBy=multi-user.target
S
  : >"$root/etc/fstab"
  rm -f "$root/lib/systemd/system/multi-user.target.wants/systemd-logind.service"   # started by bus when asked
  mv "$root" "$IMAGES/base"
}

# layer NAME: runs fill_NAME with the root of an overlay above base, and keeps what it wrote.
build_layer() {
  local name=$1 root=$IMAGES/$1.root
  mountpoint -q "$root" && umount "$root"
  rm -rf --one-file-system "$IMAGES/$name.tmp" "$IMAGES/$name.work"
  mkdir -p "$IMAGES/$name.tmp" "$IMAGES/$name.work" "$root"
  mount -t overlay overlay -o "lowerdir=$IMAGES/base,upperdir=$IMAGES/$name.tmp,workdir=$IMAGES/$name.work" "$root"
  trap "umount '$root'" EXIT
  "fill_$name" "$root"
  trap - EXIT
  umount "$root"; rmdir "$root"; rm -rf --one-file-system "$IMAGES/$name.work"
  mv "$IMAGES/$name.tmp" "$IMAGES/$name"
}

# The older of the two builds Debian serves is installed; both are kept for the repository.
fill_pg() {
  local root=$1 versions version old
  mapfile -t versions < <(in_root "$root" apt-cache madison postgresql-15 | awk '{print $3}' | sort -uV)
  old=${versions[0]:?Debian serves no postgresql-15}
  mkdir -p "$IMAGES/downloads" "$root/var/tmp/dl"
  for version in "${versions[@]}"; do
    in_root "$root" sh -c "cd /var/tmp/dl && apt-get download -qq postgresql-15=$version postgresql-client-15=$version libpq5=$version"
  done
  in_root "$root" sh -c "apt-get install -y --no-install-recommends /var/tmp/dl/*_${old}_*.deb"
  mv "$root"/var/tmp/dl/*.deb "$IMAGES/downloads/"; rm -rf "$root/var/tmp/dl"
  in_root "$root" apt-get clean
  [ -d "$root/var/lib/postgresql/15/main" ] || in_root "$root" pg_createcluster 15 main
  printf "listen_addresses = '*'\nfsync = on\n" >"$root/etc/postgresql/15/main/conf.d/lab.conf"
  echo 'host all all 10.64.0.0/11 scram-sha-256' >>"$root/etc/postgresql/15/main/pg_hba.conf"
  # The configuration stays in the layer; the data becomes the template of the host's own volume.
  rm -f "$IMAGES/pg-volume.img"; truncate -s 2G "$IMAGES/pg-volume.img"
  mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 -L pgdata -d "$root/var/lib/postgresql" "$IMAGES/pg-volume.img"
  rm -rf "$root/var/lib/postgresql/15"
  cat >"$root/etc/systemd/system/var-lib-postgresql.mount" <<'S'
[Unit]
Description=The PostgreSQL data volume
Before=postgresql.service postgresql@15-main.service
[Mount]
What=/dev/xvdf
Where=/var/lib/postgresql
Type=ext4
[Install]
RequiredBy=postgresql@15-main.service
S
  in_root "$root" systemctl enable -q var-lib-postgresql.mount
}

# A host managed by dnf: the rpm database knows its packages and no Debian tool is on PATH.
fill_rpm() {
  local root=$1 tool
  in_root "$root" apt-get install -y --no-install-recommends dnf dnf-plugins-core rpm createrepo-c
  in_root "$root" apt-get clean
  ln -sf dnf "$root/usr/bin/yum"; [ -e "$root/usr/bin/dnf" ] || ln -sf dnf-3 "$root/usr/bin/dnf"
  bash "$HERE/packages.sh" rpm-repositories "$root" "$IMAGES/rpms"
  mkdir -p "$root/etc/yum.repos.d" "$root/etc/dnf/vars"
  echo 1 >"$root/etc/dnf/vars/releasever"
  printf '[main]\ngpgcheck=0\ninstallonly_limit=3\nbest=True\nplugins=True\nmodule_platform_id=platform:lab1\n' >"$root/etc/dnf/dnf.conf"
  printf '[lab]\nname=lab\nbaseurl=file:///srv/repo/current/rpm\nenabled=1\nmetadata_expire=1\n' >"$root/etc/yum.repos.d/lab.repo"
  sed -i 's/^enabled.*/enabled = false/' "$root/etc/dnf/plugins/local.conf"
  rm -f "$root/etc/os-release" "$root/etc/debian_version"
  printf 'NAME="Belay lab rpm host"\nID=belaylab\nID_LIKE="rhel fedora"\nVERSION_ID=1\nPRETTY_NAME="Belay lab rpm host"\n' >"$root/etc/os-release"
  mkdir -p "$root/usr/lib/off-path"
  for tool in "$root"/usr/bin/{apt,apt-*,dpkg,dpkg-*}; do [ -e "$tool" ] && mv "$tool" "$root/usr/lib/off-path/"; done
}

build_data_template() {
  truncate -s 256M "$IMAGES/data-volume.img.tmp"
  mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 -L data "$IMAGES/data-volume.img.tmp"
  mv "$IMAGES/data-volume.img.tmp" "$IMAGES/data-volume.img"
}

missing() {
  local part
  for part in base pg rpm pg-volume.img data-volume.img repo; do [ -e "$IMAGES/$part" ] || echo "$part"; done
}

build_packages() { bash "$HERE/packages.sh" build; }

# part NAME COMMAND...: one part in its own process, so that any failing line in it ends it; output to the log.
part() {
  local name=$1 started; shift; started=$(ms)
  bash "$HERE/images.sh" part "$@" >"$LOG/$name.log" 2>&1 9>&- ||
    { say "building $name failed; the end of $LOG/$name.log:"; tail -n 15 "$LOG/$name.log" >&2; return 1; }
  say "built $name in $((($(ms) - started) / 1000)) s"
}

build() {
  mkdir -p "$IMAGES" "$LOG"
  exec 9>"$IMAGES/.lock"
  flock -n 9 || { say "another build is under way in $IMAGES; waiting for it"; flock -w 900 9 || die "it did not end in 15 minutes"; }
  [ -n "$(missing)" ] || return 0
  say "images missing in $IMAGES: $(missing | tr '\n' ' ')"
  local pids=() pid rc=0
  [ -d "$IMAGES/base" ] || part base build_base
  [ -f "$IMAGES/data-volume.img" ] || part data-volume build_data_template
  [ -d "$IMAGES/pg" ] || { part pg build_layer pg & pids+=($!); }
  [ -d "$IMAGES/rpm" ] || { part rpm build_layer rpm & pids+=($!); }
  for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
  [ $rc = 0 ] || die "some images could not be built"
  [ -d "$IMAGES/repo" ] || part packages build_packages
  say "images complete in $IMAGES"
}

case ${1:-} in
  build) build ;;
  missing) missing ;;
  part) shift; "$@" ;;
  *) sed -n '2,4p' "$0"; exit 2 ;;
esac
