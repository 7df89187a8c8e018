/**
 * Looks at, replaces and puts back one file: the texts behind file/observe, file/set and file/restore of names.ts.
 *
 * A file is replaced by renaming a finished one over it. Its previous bytes never leave the host, since they may hold
 * secrets: they are kept readable by the user alone, under a key, until they are put back or their execution is
 * forgotten.
 */
import { namedScript } from './prelude.ts';
import { rereadText, unitText } from './service.ts';
import { stagingText } from './staging.ts';

/** The sha256 of a file that lies where only we may write. */
export const keptText = `
sha_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
# keep_bytes NAME FILE SHA: once, what was there before the first attempt; from the folder that was entered.
keep_bytes() {
  [ "$3" != - ] && [ ! -f "$2" ] || return 0
  [ "$l_kind" = file ] || fail CHANGED_MEANWHILE "$path has gone since it was looked at; nothing was changed"
  words=$( { umask 077 && bytes "$1" >"$2.new"; } 2>&1) || fail WRITE_FAILED "cannot keep the previous $path in $keep: $(in_words "$words"); nothing was changed"
  if [ "$(sha_of "$2.new")" != "$3" ]; then
    rm -f -- "$2.new"
    fail CHANGED_MEANWHILE "$path was changed by somebody else since it was looked at; nothing was changed"
  fi
  sync -- "$2.new" 2>/dev/null || sync
  mv -f -- "$2.new" "$2"
}
`;

const fileText = `${stagingText}${keptText}${rereadText}`;

export const observeFile = namedScript(
  'file/observe',
  `${fileText}
arrive "$1"
say kind "$l_kind"
if [ "$l_kind" = file ]; then
  say sha256 "$l_sha"
  say size "$l_size"
  say mode "$l_mode"
  say owner "$l_owner"
  say group "$l_group"
fi
`,
);

export const setFile = namedScript(
  'file/set',
  `key=$1 state=$3 owner=$4 group=$5 mode=$6 previous=$7 unit=$8 unit_state=$9
${fileText}
arrive "$2"
only_files
was=$l_state is=$l_state was_kind=$l_kind
say was "$was"
[ -z "$gone" ] || [ "$state" = absent ] || fail NO_SUCH_FOLDER "the folder $folder does not exist"
keep_folder files
keep_bytes "./$leaf" "$keep/$key" "$previous"
# Set before the change and removed after the unit has heard of it: a run that died between the two is made good.
told() { [ "$unit" = - ] || : >"$keep/$key.unit"; }
if [ "$state" = absent ]; then
  if [ "$was_kind" = file ]; then
    told
    take_away "$leaf"
    is='absent - - - -'
  fi
else
  room "$key"
  fresh
  like "$leaf"
  [ "$was_kind" = file ] || { chmod 0644 ./belay-new; label "$path" ./belay-new; }
  fill
  own "$owner" "$group" "$mode"
  look ./belay-new
  if [ "$l_state" != "$was" ]; then
    told
    publish "$leaf"
    is=$put_state
  fi
  leave
fi
report() { say is "$is"; }
report
if [ -z "$gone" ] && [ "$is" != "$was" ]; then reread_units yes; elif [ -z "$gone" ]; then reread_units no; fi
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
  `key=$1 kind=$3 sha=$4 owner=$5 group=$6 mode=$7 unit=$8 unit_state=$9
to=$2
shift 9
unit_was_active=$1
${fileText}
arrive "$to"
only_files
was=$l_state is=$l_state was_kind=$l_kind
say was "$was"
keep_folder files
told() { [ "$unit" = - ] || : >"$keep/$key.unit"; }
if [ "$kind" = absent ]; then
  if [ "$was_kind" = file ]; then
    told
    take_away "$leaf"
    is='absent - - - -'
  fi
elif [ "$was" != "file $sha $owner $group $mode" ]; then
  [ -z "$gone" ] || fail NO_SUCH_FOLDER "the folder $folder does not exist any more"
  room "$key"
  fresh
  like "$leaf"
  [ "$was_kind" = file ] || label "$path" ./belay-new
  if [ "$l_sha" = "$sha" ]; then
    words=$( { bytes "../$leaf" >./belay-new; } 2>&1) || fail WRITE_FAILED "cannot write beside $path: $(in_words "$words")"
  else
    [ -f "$keep/$key" ] || fail BACKUP_MISSING "the previous $path is no longer kept at $keep/$key"
    fill <"$keep/$key"
  fi
  [ "$(sha_of ./belay-new)" = "$sha" ] || fail BACKUP_DAMAGED "what is kept at $keep/$key is not the previous $path: its sha256 differs"
  own "$owner" "$group" "$mode"
  told
  publish "$leaf"
  is=$put_state
  leave
  [ "$is" = "file $sha $owner $group $mode" ] || fail WRITE_FAILED "$path was put back and is $is, wanted file $sha $owner $group $mode"
fi
report() { say is "$is"; }
report
if [ -z "$gone" ] && [ "$is" != "$was" ]; then reread_units yes; elif [ -z "$gone" ]; then reread_units no; fi
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
