#!/usr/bin/env bash
# The lab's packages: real PostgreSQL builds, and belay-demo, a tiny service made to be patched.
#   packages.sh build                          the three states every host can be shown: old, new, broken
#   packages.sh rpm-repositories ROOT OUT      (images.sh) build the rpms with the tools inside ROOT
# old = belay-demo 1.0; new = 1.0 and 1.1; broken = these and 1.2, whose maintainer script fails.
# Which state a host sees is a link of its own: see publish in hosts.sh.
source "$(dirname "$(readlink -f "$0")")/settings.sh"
REPO=$IMAGES/repo

run_script() { printf '#!/bin/sh\necho %s > /run/belay-demo.version\nexec sleep infinity\n' "$1"; }
unit_file() { printf '[Unit]\nDescription=belay demo %s\n[Service]\nExecStart=/usr/lib/belay-demo/run\nRestart=no\n[Install]\nWantedBy=multi-user.target\n' "$1"; }
START='if [ -d /run/systemd/system ]; then systemctl daemon-reload; systemctl enable -q belay-demo; systemctl restart belay-demo; fi'

# demo_deb VERSION FOLDER [broken]
demo_deb() {
  local version=$1 out=$2 tree; tree=$(mktemp -d)
  mkdir -p "$tree/DEBIAN" "$tree/usr/lib/belay-demo" "$tree/lib/systemd/system" "$tree/etc"
  printf 'Package: belay-demo\nVersion: %s\nArchitecture: all\nMaintainer: lab <lab@localhost>\nDescription: a tiny service to patch\n' "$version" >"$tree/DEBIAN/control"
  run_script "$version" >"$tree/usr/lib/belay-demo/run"; chmod 755 "$tree/usr/lib/belay-demo/run"
  unit_file "$version" >"$tree/lib/systemd/system/belay-demo.service"
  printf '#!/bin/sh\nset -e\n%s\n%s\n' "${3:+echo 'simulated migration failure' >&2; exit 1}" "$START" >"$tree/DEBIAN/postinst"
  printf '#!/bin/sh\nif [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl stop belay-demo || true; fi\n' >"$tree/DEBIAN/prerm"
  chmod 755 "$tree"/DEBIAN/p*
  dpkg-deb --root-owner-group -Zgzip -b "$tree" "$out/belay-demo_${version}_all.deb" >/dev/null
  rm -rf "$tree"
}

# spec VERSION [broken]
spec() {
  cat <<S
Name: belay-demo
Version: $1
Release: 1
Summary: a tiny service to patch
License: Apache-2.0
BuildArch: noarch
%description
A tiny service to patch.
%install
mkdir -p %{buildroot}/usr/lib/belay-demo %{buildroot}/lib/systemd/system
cp %{_sourcedir}/run %{buildroot}/usr/lib/belay-demo/run
cp %{_sourcedir}/belay-demo.service %{buildroot}/lib/systemd/system/belay-demo.service
${2:+%pre
echo "simulated migration failure" >&2; exit 1}
%post
$START
%preun
if [ "\$1" = 0 ] && [ -d /run/systemd/system ]; then systemctl disable -q --now belay-demo || true; fi
%files
%attr(755,root,root) /usr/lib/belay-demo/run
%attr(644,root,root) /lib/systemd/system/belay-demo.service
S
}
# What Debian gives and the rpm database does not know: without it dnf refuses every package with a script.
base_spec() {
  printf 'Name: lab-base\nVersion: 1\nRelease: 1\nSummary: what the Debian base provides\nLicense: Apache-2.0\nBuildArch: noarch\nProvides: /bin/sh\nProvides: /bin/bash\nProvides: systemd\n%%description\nProvided by the base system.\n%%files\n'
}

rpm_repositories() {
  local root=$1 out=$2 work=/var/tmp/rpm state version
  mkdir -p "$root$work"/{SOURCES,SPECS}
  rpm_build() { in_image rpmbuild --quiet -bb --define "_topdir $work" --define '_build_id_links none' "$work/SPECS/$1.spec"; }
  in_image() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 chroot "$root" "$@"; }
  base_spec >"$root$work/SPECS/lab-base.spec"; rpm_build lab-base
  for version in 1.0 1.1 1.2; do
    run_script $version >"$root$work/SOURCES/run"; unit_file $version >"$root$work/SOURCES/belay-demo.service"
    if [ $version = 1.2 ]; then spec $version broken; else spec $version; fi >"$root$work/SPECS/demo.spec"
    rpm_build demo
  done
  rm -rf "$out"; mkdir -p "$out"
  for state in old new broken; do
    mkdir -p "$root$work/$state"
    cp "$root$work"/RPMS/noarch/belay-demo-1.0-*.rpm "$root$work/$state/"
    [ $state = old ] || cp "$root$work"/RPMS/noarch/belay-demo-1.1-*.rpm "$root$work/$state/"
    [ $state != broken ] || cp "$root$work"/RPMS/noarch/belay-demo-1.2-*.rpm "$root$work/$state/"
    in_image createrepo_c -q "$work/$state"
    mv "$root$work/$state" "$out/$state"
  done
  in_image sh -c "rpm --force-debian -i $work/RPMS/noarch/lab-base-*.rpm"
  rm -rf "$root$work"
}

index() { (cd "$1" && dpkg-scanpackages -m . 2>/dev/null >Packages && gzip -kf9 Packages && apt-ftparchive release . >Release.tmp && mv Release.tmp Release); }

build() {
  local versions old new state
  mapfile -t versions < <(ls "$IMAGES/downloads"/postgresql-15_*.deb | xargs -n1 basename | cut -d_ -f2 | sort -uV)
  old=${versions[0]}; new=${versions[-1]}
  rm -rf "$REPO.tmp"
  for state in old new broken; do
    mkdir -p "$REPO.tmp/$state"; cp -r "$IMAGES/rpms/$state" "$REPO.tmp/$state/rpm"
    cp "$IMAGES/downloads"/*_"$old"_*.deb "$REPO.tmp/$state/"
    demo_deb 1.0 "$REPO.tmp/$state"
    if [ $state != old ]; then demo_deb 1.1 "$REPO.tmp/$state"; cp "$IMAGES/downloads"/*_"$new"_*.deb "$REPO.tmp/$state/"; fi
    [ $state != broken ] || demo_deb 1.2 "$REPO.tmp/$state" broken
    index "$REPO.tmp/$state"
  done
  printf 'old=%s\nnew=%s\n' "$old" "$new" >"$REPO.tmp/postgresql-versions"
  [ "$old" != "$new" ] || say "Debian serves one postgresql-15 only ($old): PostgreSQL cannot be upgraded in this lab; use belay-demo"
  mv "$REPO.tmp" "$REPO"
}

case ${1:-} in
  build) build ;;
  rpm-repositories) rpm_repositories "$2" "$3" ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac
