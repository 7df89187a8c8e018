/**
 * Looks at, replaces and puts back one file: the texts behind file/observe, file/set and file/restore of names.ts.
 *
 * A file is replaced by renaming a finished one over it. Its previous bytes never leave the host, since they may hold
 * secrets: they are kept readable by the user alone, under a key, until they are put back or their execution is
 * forgotten.
 */
import { namedScript } from './prelude.ts';
import { unitText } from './service.ts';

/** What scripts about files share; `$path` is the file. */
export const fileText = `
kind_of() {
  if [ -L "$1" ]; then echo symlink
  elif [ -f "$1" ]; then echo file
  elif [ -d "$1" ]; then echo directory
  elif [ -e "$1" ]; then echo other
  else echo absent; fi
}
sha_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
owner_of() { o=$(stat -c %U -- "$1"); case $o in UNKNOWN) stat -c %u -- "$1" ;; *) echo "$o" ;; esac; }
group_of() { g=$(stat -c %G -- "$1"); case $g in UNKNOWN) stat -c %g -- "$1" ;; *) echo "$g" ;; esac; }
mode_of() { m=$(stat -c %a -- "$1"); while [ \${#m} -lt 4 ]; do m=0$m; done; echo "$m"; }
state_of() {
  k=$(kind_of "$path")
  if [ "$k" = file ]; then echo "$k $(sha_of "$path") $(owner_of "$path") $(group_of "$path") $(mode_of "$path")"
  else echo "$k - - - -"; fi
}
only_files() {
  case $(kind_of "$path") in
    file|absent) ;;
    symlink) fail NOT_A_FILE "$path is a symbolic link to $(readlink "$path"); name the file itself" ;;
    *) fail NOT_A_FILE "$path is no plain file" ;;
  esac
}
tmp=
trap 'if [ -n "$tmp" ]; then rm -f -- "$tmp"; fi' EXIT
trap 'exit 143' TERM INT HUP
# stage: an empty file beside the path, with the ownership, mode, attributes and context that the path has now.
stage() {
  dir=\${path%/*}; [ -n "$dir" ] || dir=/
  [ -d "$dir" ] || fail NO_SUCH_FOLDER "the folder $dir does not exist"
  tmp=$(umask 077 && mktemp "$dir/.belay.XXXXXX") || fail WRITE_FAILED "cannot write into $dir"
}
like_present() {
  [ -f "$path" ] || return 0
  cp --attributes-only --preserve=all -- "$path" "$tmp" 2>/dev/null && return 0
  chown "$(stat -c %u:%g -- "$path")" "$tmp" && chmod "$(mode_of "$path")" "$tmp"
}
own() {
  if [ "$1" != - ]; then chown -- "$1" "$tmp" || fail NO_SUCH_OWNER "cannot give $path to the user $1"; fi
  if [ "$2" != - ]; then chgrp -- "$2" "$tmp" || fail NO_SUCH_OWNER "cannot give $path to the group $2"; fi
  if [ "$3" != - ]; then chmod -- "$3" "$tmp" || fail WRITE_FAILED "cannot set mode $3"; fi
}
publish() {
  was_there=$(kind_of "$path")
  sync -- "$tmp" 2>/dev/null || sync
  mv -f -- "$tmp" "$path" || fail WRITE_FAILED "cannot rename onto $path"
  tmp=
  if [ "$was_there" = absent ] && command -v restorecon >/dev/null; then restorecon -- "$path" || true; fi
}
report() { say is "$(state_of)"; }
`;

export const observeFile = namedScript(
  'file/observe',
  `path=$1
${fileText}
kind=$(kind_of "$path")
say kind "$kind"
if [ "$kind" = file ]; then
  [ -r "$path" ] || fail WRITE_FAILED "$path cannot be read by $(id -un)"
  say sha256 "$(sha_of "$path")"
  say size "$(stat -c %s -- "$path")"
  say mode "$(mode_of "$path")"
  say owner "$(owner_of "$path")"
  say group "$(group_of "$path")"
fi
`,
);

export const setFile = namedScript(
  'file/set',
  `key=$1 path=$2 state=$3 owner=$4 group=$5 mode=$6 previous=$7 unit=$8 unit_state=$9
${fileText}
only_files
was=$(state_of)
say was "$was"
keep_folder files
if [ "$previous" != - ] && [ ! -f "$keep/$key" ]; then
  [ -f "$path" ] || fail CHANGED_MEANWHILE "$path has gone since it was looked at; nothing was changed"
  (umask 077 && cat -- "$path" >"$keep/$key.new") || fail WRITE_FAILED "cannot keep the previous $path in $keep"
  if [ "$(sha_of "$keep/$key.new")" != "$previous" ]; then
    rm -f -- "$keep/$key.new"
    fail CHANGED_MEANWHILE "$path was changed by somebody else since it was looked at; nothing was changed"
  fi
  sync -- "$keep/$key.new" 2>/dev/null || sync
  mv -f -- "$keep/$key.new" "$keep/$key"
fi
# Set before the change and removed after the unit has heard of it: a run that died between the two is made good.
told() { [ "$unit" = - ] || : >"$keep/$key.unit"; }
if [ "$state" = absent ]; then
  if [ "\${was%% *}" = file ]; then
    told
    rm -f -- "$path" || fail WRITE_FAILED "cannot remove $path"
  fi
else
  stage
  like_present || fail WRITE_FAILED "cannot copy the ownership of $path"
  [ -f "$path" ] || chmod 0644 "$tmp"
  cat >"$tmp" || fail WRITE_FAILED "cannot write beside $path: is the file system full?"
  own "$owner" "$group" "$mode"
  wanted="file $(sha_of "$tmp") $(owner_of "$tmp") $(group_of "$tmp") $(mode_of "$tmp")"
  if [ "$wanted" != "$was" ]; then
    told
    publish
  fi
fi
report
if [ -f "$keep/$key.unit" ]; then
${unitText}
  if [ "$(property ActiveState)" = active ]; then
    case $unit_state in restarted) restart_unit ;; *) reload_unit ;; esac
  fi
  say unit "$(property ActiveState)"
  rm -f -- "$keep/$key.unit"
fi
`,
);

export const restoreFile = namedScript(
  'file/restore',
  `key=$1 path=$2 kind=$3 sha=$4 owner=$5 group=$6 mode=$7 unit=$8 unit_state=$9
shift 9
unit_was_active=$1
${fileText}
only_files
was=$(state_of)
say was "$was"
keep_folder files
told() { [ "$unit" = - ] || : >"$keep/$key.unit"; }
if [ "$kind" = absent ]; then
  if [ "\${was%% *}" = file ]; then
    told
    rm -f -- "$path" || fail WRITE_FAILED "cannot remove $path"
  fi
elif [ "$was" != "file $sha $owner $group $mode" ]; then
  stage
  like_present || fail WRITE_FAILED "cannot copy the ownership of $path"
  if [ -f "$path" ] && [ "$(sha_of "$path")" = "$sha" ]; then source=$path; else source=$keep/$key; fi
  [ -f "$source" ] || fail BACKUP_MISSING "the previous $path is no longer kept at $keep/$key"
  cat -- "$source" >"$tmp" || fail WRITE_FAILED "cannot write beside $path"
  [ "$(sha_of "$tmp")" = "$sha" ] || fail BACKUP_DAMAGED "what is kept at $keep/$key is not the previous $path: its sha256 differs"
  own "$owner" "$group" "$mode"
  told
  publish
fi
report
if [ -f "$keep/$key.unit" ]; then
${unitText}
  if [ "$unit_was_active" = yes ]; then
    if [ "$(property ActiveState)" != active ]; then start_unit
    elif [ "$unit_state" = restarted ]; then restart_unit
    else reload_unit; fi
  fi
  say unit "$(property ActiveState)"
fi
rm -f -- "$keep/$key.unit" "$keep/$key"
`,
);
