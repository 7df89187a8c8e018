/** Looks at, installs and takes back packages: the texts behind package/observe, package/install and package/restore. */
import { packageManagers } from './package-managers.ts';
import { outdatedText } from './outdated.ts';
import { namedScript } from './prelude.ts';

export const observePackages = namedScript(
  'package/observe',
  `${packageManagers}
for name in "$@"; do say package "$name $(pm_describe "$name")"; done
`,
);

/**
 * Nothing is changed before three things are certain: the version exists, no other package goes, and the packages that
 * will be replaced are kept on this host, so that going back needs no repository (repositories drop old versions).
 */
export const installPackages = namedScript(
  'package/install',
  `key=$1 allow_no_undo=\${2#stage-} version=$3
case $2 in stage-*) staged=yes ;; *) staged= ;; esac
shift 3
${packageManagers}
rooms
keep_folder packages
record=$keep/$key
held=$record.held
stale=
changes() {
  while read -r name old new; do
    now=$(pm_describe "$name"); now=\${now%% *}
    [ "$now" = "$old" ] || say change "$name $old $now"
  done <"$record"
  for name in "$@"; do d=$(pm_describe "$name"); say version "$name \${d%% *}"; done
}
touch -- "$record" || fail WRITE_FAILED "cannot write $record"

# What a step before this one has fetched is enough: nobody is asked for it while a service is down.
if [ -z "$staged" ] && staged_for "$version" "$@"; then
  pm_mend
  stage_of=$version
else pm_ready; stage_of=; fi

# must_see: which versions there are is asked of a tool that may be missing: then nothing is known, not even that there is none.
must_see() {
  blind=$(pm_blind)
  [ -z "$blind" ] || fail NO_TOOL "which versions of $name this host can get is not known: $blind; nothing was changed"
}
: >"$work/chosen"
for name in "$@"; do
  [ -z "$stage_of" ] || break
  d=$(pm_describe "$name"); installed=\${d%% *}
  case $version in
    latest)
      [ -z "$stale" ] || fail LISTS_NOT_REFRESHED "which $name is the newest is not known$stale; nothing was changed. Mend the repository, or name a Version that this host can get without it"
      chosen=$(pm_candidate "$name" | head -n 1)
      [ -n "$chosen" ] || { must_see; chosen=$installed; }
      [ "$chosen" != - ] || fail NO_SUCH_VERSION "no repository of this host has $name" ;;
    *)
      chosen=
      if [ "$version" = "$installed" ] || kept_file "$name" "$version" >/dev/null; then chosen=$version
      else
        available=$(pm_available "$name")
        [ -n "$available" ] || must_see
        for v in $available "$installed"; do
          case $v in $version) chosen=$v; break ;; esac
        done
      fi
      [ -n "$chosen" ] || fail NO_SUCH_VERSION "this host cannot get $name $version; available: $(pm_available "$name" | head -n 8 | tr '\\n' ' ')(installed: $installed)$(pm_excluded "$name")$stale" ;;
  esac
  case $d in "$chosen installed "*) continue ;; esac
  lock=$(pm_lock "$name")
  [ -z "$lock" ] || pm_allows "$name" "$chosen" || fail VERSION_LOCKED "$name $chosen is not allowed here: versionlock says $(in_words "$lock"); installed is $installed, and nothing was changed. $manager versionlock delete $name frees it"
  echo "$name $chosen" >>"$work/chosen"
done
if [ -n "$stage_of" ]; then awk '{ print $1, $3 }' "$work/plan" >"$work/chosen"; fi
if [ ! -s "$work/chosen" ]; then changes "$@"; exit 0; fi

[ -n "$stage_of" ] || pm_plan $(cat "$work/chosen") || { locked && fail PACKAGES_LOCKED "another package manager runs on this host"; fail INSTALL_FAILED "$manager cannot work out how to install $(tr '\\n' ' ' <"$work/chosen"): $(reason); nothing was changed"; }
[ ! -s "$work/removed" ] || fail WOULD_REMOVE "this would remove $(tr '\\n' ' ' <"$work/removed"); nothing was changed"
while read -r name old new; do
  d=$(pm_describe "$name")
  case $d in *held) case " $* " in *" $name "*) ;; *) fail WOULD_REMOVE "this would change $name, which is on hold; nothing was changed" ;; esac ;; esac
  said_before=$(wc -l <"$work/talk")
  [ "$old" = - ] || pm_keep "$name" "$old" >/dev/null 2>>"$work/talk" || {
    # A repository has it, and it cannot be kept: that is no reason to give the undo up.
    if [ "$allow_no_undo" != yes ] && pm_available "$name" | grep -qxF -- "$old"; then
      # apt says nothing of a disk that is full, and leaves a part of the file.
      probe=$( { mkdir -p "$held" && head -c 65536 /dev/zero >"$held/.probe"; } 2>&1) && probe=
      rm -f -- "$held/.probe"
      why=$(printf '%s\\n' "$probe"; tail -n +$((said_before + 1)) "$work/talk" | grep -v unsandboxed | grep -iE '^(E|W|Err[^ ]*|Error|Curl|cp|ln|mkdir):?|No space left|refused|resolve|timed out|unreachable|not found|denied|Read-only' | tail -n 3)
      case $why in
        *'No space left'*) advice="; free space in the file system of $held" ;;
        *[Rr]efused* | *resolve* | *'timed out'* | *unreachable*) advice="; its repository does not answer" ;;
        *'ile not found'* | *404*) advice="; the repository lists it and has it no more: there would be no way back. AllowNoUndo: true installs all the same" ;;
        *) advice= ;;
      esac
      fail KEEP_FAILED "$name $old, installed now, could not be kept for the undo: $(in_words "\${why:-$manager said nothing}")$advice; nothing was changed"
    fi
    [ "$allow_no_undo" = yes ] || fail UNDO_NOT_POSSIBLE "$name $old, installed now, is neither in a repository nor in a cache: there would be no way back; nothing was changed. AllowNoUndo: true installs all the same"
    echo "$name $old cannot be kept: no way back"
  }
done <"$work/plan"
while read -r name old new; do say plan "$name $old $new"; done <"$work/plan"
if [ -n "$staged" ]; then
  pm_fetch $(cat "$work/chosen") && stage_all || fail INSTALL_FAILED "$manager could not fetch $(tr '\\n' ' ' <"$work/chosen"): $(reason); nothing was changed"
  [ -s "$record" ] || rm -f -- "$record"
  for name in "$@"; do
    v=$(awk -v n="$name" '$1 == n { print $2 }' "$work/chosen")
    [ -n "$v" ] || { d=$(pm_describe "$name"); v=\${d%% *}; }
    say version "$name $v"
  done
  exit 0
fi
# The first record wins: a second attempt of the step must not take what the first one left for what was there before.
while read -r name old new; do
  grep -q "^$name " "$record" || echo "$name $old $new" >>"$record"
done <"$work/plan"
sync -- "$record" 2>/dev/null || sync

on_hold=
for name in "$@"; do case $(pm_describe "$name") in *held) on_hold="$on_hold $name" ;; esac; done
pm_install $(cat "$work/chosen")
rc=$?
for name in $on_hold; do pm_hold held "$name"; done
changes "$@"
if [ $rc != 0 ]; then
  locked && fail PACKAGES_LOCKED "another package manager runs on this host"
  fail INSTALL_FAILED "$manager ended with exit code $rc: $(reason)"
fi
while read -r name chosen; do
  case $(pm_describe "$name") in "$chosen installed "*) ;; *) fail INSTALL_FAILED "$manager reported success, but $name is $(pm_describe "$name"), wanted $chosen" ;; esac
done <"$work/chosen"
`,
);

export const restorePackages = namedScript(
  'package/restore',
  `key=$1
shift
${packageManagers}${outdatedText}
rooms
keep_folder packages
record=$keep/$key
held=$record.held
stale=
: >"$work/before"
while [ $# -gt 2 ]; do echo "$1 $2 $3" >>"$work/before"; shift 3; done
if [ -f "$record" ]; then
  while read -r name old new; do
    grep -q "^$name " "$work/before" || echo "$name $old -" >>"$work/before"
  done <"$record"
fi
: >"$work/was"
while read -r name old hold; do
  d=$(pm_describe "$name"); now=\${d%% *}
  echo "$name $now" >>"$work/was"
  case "$d" in "$old installed "* | "$old absent "*) continue ;; esac
  if [ "$old" = - ]; then echo "$name" >>"$work/drop"
  elif f=$(pm_keep "$name" "$old" | tail -n 1) && [ -n "$f" ]; then echo "$f" >>"$work/files"
  elif pm_available "$name" | grep -qxF -- "$old"; then echo "$name $old" >>"$work/specs"
  else fail UNDO_FAILED "$name is $now, was $old: version $old is no longer in the cache or the repository"; fi
done <"$work/before"
rc=0
if [ -s "$work/drop" ] || [ -s "$work/files" ] || [ -s "$work/specs" ]; then
  remember_code ''
  pm_go_back || rc=$?
  tell_outdated ''
fi
while read -r name old hold; do
  d=$(pm_describe "$name")
  case "$hold $d" in "held "*" free" | "free "*" held") [ "\${d%% *}" = - ] || pm_hold "$hold" "$name" ;; esac
done <"$work/before"
left=
while read -r name now; do
  d=$(pm_describe "$name")
  [ "$now" = "\${d%% *}" ] || say change "$name $now \${d%% *}"
  old=$(awk -v n="$name" '$1 == n { print $2 }' "$work/before")
  case "$d" in "$old installed "* | "$old absent "*) ;; *" broken "*) left="$left\${left:+ }$name is half-installed at \${d%% *}, was $old;" ;; *) left="$left\${left:+ }$name is \${d%% *}, was $old;" ;; esac
done <"$work/was"
if [ -n "$left" ]; then
  locked && fail PACKAGES_LOCKED "another package manager runs on this host"
  fail UNDO_FAILED "$left $manager said: $(reason)"
fi
rm -rf -- "$record" "$held"
`,
);
