/**
 * What the package scripts need of a package manager, once for apt and once for rpm with dnf or yum. Each defines:
 *
 *   pm_describe NAME          prints VERSION STATE HELD, as package/observe of names.ts gives them
 *   pm_mend                   makes good what an interrupted run left
 *   pm_ready                  that, then refreshes the lists
 *   pm_blind                  prints why it cannot be asked for versions; nothing: it can
 *   pm_available NAME         prints the versions that can be installed, newest first
 *   pm_candidate NAME         prints the version that the manager itself would choose
 *   pm_plan NAME VERSION ...  writes `NAME OLD NEW` lines to $work/plan and names to $work/removed
 *   kept_file NAME VERSION [FOLDER]...  prints the path of that package's file in one of the folders, or wherever it is kept
 *   pm_keep NAME VERSION      prints the path of that package's file in $held, fetching it there if need be; fails else
 *   pm_fetch NAME VERSION ... downloads what installing them needs; what is fetched stays for pm_install
 *   pm_install NAME VERSION ...   from the files of $stage where it is set (package-staged.ts), asking no repository
 *   pm_spec NAME VERSION      prints it as the manager writes it
 *   pm_go_back                installs $work/files (paths) and $work/specs (NAME VERSION), removes $work/drop (names)
 *   pm_hold held|free NAME
 *   pm_lock NAME              prints what versionlock says of it; pm_allows NAME VERSION: whether that allows the version
 *   pm_excluded NAME          prints which versions only an exclude= keeps back, as the rest of a sentence
 *
 * Talk goes to standard error and to $work/talk, from which the reason of a failure is taken.
 */
import { stagedPackages } from './package-staged.ts';

const detect = `
if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then manager=apt
elif command -v dnf >/dev/null; then manager=dnf
elif command -v yum >/dev/null; then manager=yum
else fail NO_PACKAGE_MANAGER "neither apt, dnf nor yum is here"; fi
say manager "$manager"
work=
rooms() {
  work=$(mktemp -d) || fail WRITE_FAILED "cannot make a temporary folder"
  : >"$work/talk"; : >"$work/plan"; : >"$work/removed"; : >"$work/files"; : >"$work/specs"; : >"$work/drop"
}
# Every step holds what it needs for its undo in a folder of its own ($held). A file that several steps need has a name in
# the folder of each, so that forgetting one step never takes it from another. /var/cache/belay: where it was kept once.
holders() { for folder in "$held" "$keep"/*.held /var/cache/belay/packages; do [ -d "$folder" ] && printf '%s\\n' "$folder"; done; }
hold() {
  (umask 077 && mkdir -p "$held") || return 1
  case $1 in "$held"/*) return 0 ;; esac
  ln -f -- "$1" "$held/" 2>>"$work/talk" || { cp -- "$1" "$held/.new" && mv -f -- "$held/.new" "$held/\${1##*/}"; } 2>>"$work/talk"
}
leave() { if [ -n "$work" ]; then rm -rf -- "$work"; fi; }
trap leave EXIT
trap 'exit 143' TERM INT HUP
# talked COMMAND...: runs it; what it says is shown to people as it comes and kept for the reason.
talked() {
  { "$@" 2>&1; echo $? >"$work/rc"; } | tee -a "$work/talk"
  return "$(cat "$work/rc")"
}
reason() { grep -E '^(E:|Error|error:|dpkg: error|.*subprocess .* returned error|No match|.*scriptlet failed)|(Depends|Conflicts|Breaks): ' "$work/talk" | tail -n 3 | tr '\\n' '|' | cut -c 1-500; }
# What is said after a refresh that did not succeed: of every repository, as apt goes on with old lists of one that fails.
not_refreshed() {
  because=$(grep -E '^(E:|W: .*(Failed to fetch|index files failed)|Err:|Error|error:|Curl error)|Cannot |No space|[Tt]imed out' "$work/talk" | tail -n 2 | paste -s -d '|' - | cut -c 1-400)
  stale="; the package lists could not be refreshed\${because:+: $because}"
}
locked() { grep -qE 'Could not get lock|is another process using it|Existing lock|another copy is running' "$work/talk"; }
`;

const apt = `
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
  native=$(dpkg --print-architecture)
  apt_do() {
    apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef \\
      -o Dpkg::Options::=--force-confold --no-install-recommends --allow-downgrades --allow-change-held-packages "$@"
  }
  pm_describe() {
    dpkg-query -W -f '\${Architecture} \${Version} \${db:Status-Status} \${db:Status-Want}\\n' -- "$1" 2>/dev/null | awk -v native="$native" '
      { if (row == "" || $1 == native || $1 == "all") row = $0 }
      END {
        split(row, f, " ")
        if (row == "" || f[3] == "not-installed" || f[3] == "config-files") { print "- absent", (f[4] == "hold" ? "held" : "free"); exit }
        print f[2], (f[3] == "installed" ? "installed" : "broken"), (f[4] == "hold" ? "held" : "free")
      }'
  }
  # Whether dpkg was ended half-way: apt then does nothing until dpkg has made it good.
  interrupted() { case $(echo /var/lib/dpkg/updates/[0-9]*) in *'*') return 1 ;; esac; }
  pm_mend() { if interrupted; then talked dpkg --configure -a; fi; }
  pm_ready() {
    pm_mend
    tries=0
    until talked apt-get -q -o Acquire::Retries=2 update; do
      tries=$((tries + 1))
      if [ $tries -lt 30 ] && tail -n 5 "$work/talk" | grep -q 'Could not get lock'; then sleep 2; continue; fi
      not_refreshed
      return
    done
    ! grep -qE '^W: .*(Failed to fetch|index files failed)' "$work/talk" || not_refreshed
  }
  pm_blind() { :; }
  pm_available() { apt-cache madison -- "$1" | awk '{ print $3 }' | awk '!seen[$0]++'; }
  pm_candidate() { apt-cache policy -- "$1" | sed -n 's/^  Candidate: //p' | grep -v '^(none)$'; }
  pm_spec() { printf '%s=%s\\n' "$1" "$2"; }
  # Without a repository apt would still look which of its lists has the same version.
  alone() { if [ -n "$stage" ]; then echo "-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null"; fi; }
  inst() { sed -n -e 's/^Inst \\([^ ]*\\) \\[\\([^]]*\\)\\] (\\([^ ]*\\) .*/\\1 \\2 \\3/p' -e 's/^Inst \\([^ ]*\\) (\\([^ ]*\\) .*/\\1 - \\2/p' "$1"; }
  remv() { sed -n 's/^\\(Remv\\|Purg\\) \\([^ ]*\\) .*/\\2/p' "$1"; }
  pm_plan() {
    specs "$@" >"$work/wanted"
    LC_ALL=C apt_do -s install $(cat "$work/wanted") >"$work/simulated" 2>>"$work/talk" || { cat "$work/simulated" >>"$work/talk"; return 1; }
    inst "$work/simulated" >"$work/plan"
    remv "$work/simulated" >"$work/removed"
  }
  kept_file() {
    wanted_name=$1 wanted_version=$2
    shift 2
    encoded=$(printf %s "$wanted_version" | sed 's/:/%3a/g')
    [ $# -gt 0 ] || set -- $(holders)
    for folder; do
      for f in "$folder/\${wanted_name%:*}_\${encoded}_"*.deb; do
        [ -f "$f" ] && [ "$(dpkg-deb -f "$f" Version 2>/dev/null)" = "$wanted_version" ] && { echo "$f"; return 0; }
      done
    done
    return 1
  }
  pm_keep() {
    f=$(kept_file "$1" "$2" $(holders) /var/cache/apt/archives) && hold "$f" || {
      (umask 077 && mkdir -p "$held" && cd "$held" && apt-get -q download -- "$1=$2") >>"$work/talk" 2>&1
    }
    [ -d "$held" ] && kept_file "$1" "$2" "$held"
  }
  pm_fetch() {
    specs "$@" >"$work/wanted"
    talked apt_do --no-remove --download-only install $(cat "$work/wanted")
  }
  pm_install() {
    specs "$@" >"$work/wanted"
    talked apt_do $(alone) --no-remove install $(cat "$work/wanted")
  }
  by_dpkg() {
    [ -s "$work/specs" ] && return 1
    [ ! -s "$work/files" ] || talked dpkg --force-confdef --force-confold --force-downgrade -i $(cat "$work/files") || return 1
    [ ! -s "$work/drop" ] || talked dpkg -r $(cat "$work/drop")
  }
  pm_go_back() {
    if interrupted; then
      # Not --configure first: that would run once more the very scripts that are being taken back.
      by_dpkg && return 0
      talked dpkg --configure -a
    fi
    sed 's/ /=/' "$work/specs" >"$work/asked"
    cat "$work/files" >>"$work/asked"
    sed 's/$/-/' "$work/drop" >>"$work/asked"
    LC_ALL=C apt_do -s install $(cat "$work/asked") >"$work/simulated" 2>>"$work/talk"
    if [ $? = 0 ] && [ -z "$(remv "$work/simulated" | grep -vxF -f "$work/drop")" ]; then
      talked apt_do install $(cat "$work/asked") && return 0
    fi
    echo "apt refused, for instance because another package is broken; trying dpkg alone"
    by_dpkg
  }
  pm_lock() { :; }
  pm_allows() { :; }
  pm_excluded() { :; }
  pm_hold() { case $1 in held) apt-mark -q hold -- "$2" ;; free) apt-mark -q unhold -- "$2" ;; esac; }
`;

const rpm = `
  pm_describe() {
    row=$(rpm -q --qf '%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n' -- "$1" 2>/dev/null | tail -n 1) || row=
    if [ -n "$(pm_lock "$1")" ]; then kept=held; else kept=free; fi
    if rpm -q -- "$1" >/dev/null 2>&1; then echo "$row installed $kept"; else echo "- absent $kept"; fi
  }
  # NAME-EPOCH:VERSION-RELEASE.ARCH of dnf, EPOCH:NAME-VERSION-RELEASE.ARCH of yum, with wildcards; ! keeps one version out.
  # Neither tells its queries of it, only its installations.
  pm_lock() {
    cat /etc/dnf/plugins/versionlock.list /etc/yum/pluginconf.d/versionlock.list 2>/dev/null |
      awk -v name="$1" '{ line = $1; sub(/^!/, "", line); sub(/^[0-9*]+:/, "", line) } index(line, name "-") == 1 && substr(line, length(name) + 2) ~ /^([0-9*]+:)?[0-9*]/ { print $1 }'
  }
  pm_allows() {
    case $2 in *:*) wanted_epoch=\${2%%:*} wanted_rest=\${2#*:} ;; *) wanted_epoch=0 wanted_rest=$2 ;; esac
    pm_lock "$1" >"$work/locks"
    allowed=yes
    while read -r one_lock; do
      case $one_lock in !*) match=no other=$allowed ;; *) match=yes other=no ;; esac
      pattern=\${one_lock#!}
      case $1-$wanted_epoch:$wanted_rest.noarch in $pattern) allowed=$match; break ;; esac
      case $wanted_epoch:$1-$wanted_rest.noarch in $pattern) allowed=$match; break ;; esac
      allowed=$other
    done <"$work/locks"
    [ $allowed = yes ]
  }
  pm_excluded() {
    [ "$manager" = dnf ] || return 0
    hidden=$(dnf -q --disableexcludes=all repoquery --showduplicates --qf '%{evr}\\n' -- "$1" 2>/dev/null | sed -e '/^$/d' -e 's/^0://' | sort -Vru | tr '\\n' ' ')
    shown=$(pm_available "$1" | tr '\\n' ' ')
    [ "$hidden" = "$shown" ] || printf '; with what exclude= of the configuration hides: %s' "$hidden"
  }
  pm_mend() { :; }
  pm_ready() {
    talked "$manager" -y makecache || { not_refreshed; return; }
    # A repository with skip_if_unavailable is passed over, and what it has is not known. With -q dnf does not say so.
    ! grep -qE '^(Errors during downloading metadata|Ignoring repositories)|\\[Errno 256\\]|No more mirrors' "$work/talk" || not_refreshed
  }
  # repoquery and the downloads are plugins of dnf, and of yum programs of their own.
  pm_blind() {
    case $manager in
      dnf) for tool in repoquery download; do dnf -q "$tool" --help >/dev/null 2>&1 || { echo "dnf has no $tool here (dnf-plugins-core is not installed)"; return; }; done ;;
      yum) for tool in repoquery yumdownloader; do command -v $tool >/dev/null || { echo "$tool (yum-utils) is not installed"; return; }; done ;;
    esac
    [ ! -s "$work/unasked" ] || echo "$manager could not be asked: $(reason)"
  }
  query() { { if [ "$manager" = dnf ]; then dnf -q repoquery "$@"; else repoquery -q "$@"; fi 2>>"$work/talk" || echo "$?" >>"$work/unasked"; } | sed -e '/^$/d' -e 's/^0://'; }
  pm_available() { query --showduplicates --qf '%{evr}\\n' -- "$1" | sort -Vru; }
  pm_candidate() {
    if [ -n "$(pm_lock "$1")" ]; then
      for v in $(pm_available "$1"); do if pm_allows "$1" "$v"; then echo "$v"; return; fi; done
      return 0
    fi
    if [ "$manager" = dnf ]; then query --latest-limit=1 --qf '%{evr}\\n' -- "$1"; else query --qf '%{evr}\\n' -- "$1"; fi | sort -Vr | head -n 1
  }
  pm_spec() { printf '%s-%s\\n' "$1" "$2"; }
  # older OLD NEW: whether NEW is older than OLD. yum, unlike dnf, goes back only when told "downgrade".
  older() { [ "$1" != - ] && [ "$1" != "$2" ] && [ "$(printf '%s\\n%s\\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }
  verb() { if [ "$manager" = yum ] && older "$1" "$2"; then echo downgrade; else echo install; fi; }
  pm_plan() {
    mkdir -p "$work/stage"
    was_now=$(pm_describe "$1"); v=$(verb "\${was_now%% *}" "$2")
    talked "$manager" -y --downloadonly --downloaddir="$work/stage" "$v" $(specs "$@") || return 1
    sed -n '/^ *[Rr]emoving/,/^$/p; /replacing /p' "$work/talk" | awk '/^ [^ ]/ && $1 !~ /:$/ { print $1 } /replacing/ { print $2 }' >"$work/removed"
    for f in "$work"/stage/*.rpm; do
      [ -f "$f" ] || continue
      row=$(rpm -qp --qf '%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n' "$f" 2>/dev/null)
      was_now=$(pm_describe "\${row% *}")
      [ "\${was_now%% *}" = "\${row#* }" ] || echo "\${row% *} \${was_now%% *} \${row#* }" >>"$work/plan"
    done
    # A manager that takes packages from a local repository copies nothing: then at least what was asked for is the plan.
    if [ ! -s "$work/plan" ]; then
      while [ $# -gt 1 ]; do
        was_now=$(pm_describe "$1")
        [ "\${was_now%% *}" = "$2" ] || echo "$1 \${was_now%% *} $2" >>"$work/plan"
        shift 2
      done
    fi
  }
  kept_file() {
    wanted_name=$1 wanted_version=$2
    shift 2
    [ $# -gt 0 ] || set -- $(holders)
    for folder; do
      for f in "$folder/$wanted_name-\${wanted_version#*:}".*.rpm; do
        [ -f "$f" ] && [ "$(rpm -qp --qf '%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}' "$f" 2>/dev/null)" = "$wanted_version" ] && { echo "$f"; return 0; }
      done
    done
    return 1
  }
  pm_keep() {
    f=$(kept_file "$1" "$2") && hold "$f" || {
      (umask 077 && mkdir -p "$held") || return 1
      if [ "$manager" = dnf ]; then dnf -q -y download --destdir "$held" "$1-$2"
      else yumdownloader -q --destdir "$held" "$1-$2"; fi >>"$work/talk" 2>&1
    }
    [ -d "$held" ] && kept_file "$1" "$2" "$held"
  }
  pm_fetch() {
    was_now=$(pm_describe "$1")
    talked "$manager" -y --downloadonly "$(verb "\${was_now%% *}" "$2")" $(specs "$@")
  }
  pm_install() {
    was_now=$(pm_describe "$1")
    how=$(verb "\${was_now%% *}" "$2")
    [ -n "$stage" ] || { talked "$manager" -y "$how" $(specs "$@"); return; }
    # Without a usable cache of every repository dnf does nothing at all; rpm asks none.
    talked "$manager" -y -C "$how" $(specs "$@") || talked rpm -U --oldpackage --replacepkgs $(specs "$@")
  }
  pm_go_back() {
    if [ -s "$work/drop" ]; then talked rpm -e -- $(cat "$work/drop") || return 1; fi
    if [ -s "$work/files" ]; then talked rpm -U --oldpackage --replacepkgs $(cat "$work/files") || return 1; fi
    while read -r name version; do
      was_now=$(pm_describe "$name")
      talked "$manager" -y "$(verb "\${was_now%% *}" "$version")" "$name-$version" </dev/null || return 1
    done <"$work/specs"
  }
  pm_hold() { :; }
`;

export const packageManagers = `${detect}
stage=
${stagedPackages}
if [ "$manager" = apt ]; then
${apt}
else
${rpm}
fi
`;
