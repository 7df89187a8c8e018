/**
 * Replaces a certificate and its key, and puts the previous pair back: the texts behind tls/* of names.ts.
 *
 * Both files are finished beside their places before either is renamed. The previous pair stays on the host, readable by
 * the user alone, until an undo has used it or its execution is forgotten. A rename is not noticed by programs that watch for writes
 * (MinIO), so the unit is always told.
 */
import { keptText } from './file.ts';
import { namedScript } from './prelude.ts';
import { unitText } from './service.ts';
import { stagingText } from './staging.ts';

const pairText = `${stagingText}${keptText}
# at PATH: goes to the file and looks; sets sha, and the state for was= and is=.
at() { arrive "$1"; sha=$l_sha state=$l_state; }
`;

export const observePair = namedScript(
  'tls/observe',
  `certificate=$1 private=$2
${pairText}
at "$private"
only_files
say key "$state"
at "$certificate"
only_files
say certificate "$state"
# Only what is public of a file that may hold a key as well.
[ "$l_kind" != file ] || bytes "./$leaf" | sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' | base64 | tr -d '\\n' | { say pem "$(cat)"; }
`,
);

const changeText = `${pairText}
keep_folder tls
# Each file is finished in a room beside it before either is renamed; rooms are the step's own, so that what a power cut
# leaves is found by the next attempt. The exit may come while we are in either, or in none.
finish() {
  room=
  for one in "$certificate" "$private"; do
    (path=$one; enter "\${one%/*}" && [ -d "./.belay-$key" ] && room "$key" && rm -f ./crt ./key && leave) >/dev/null 2>&1 3>&1
  done
}
trap finish EXIT
trap 'exit 143' TERM INT HUP
# prepare PATH SUFFIX MODE: standard input as a finished file in the room beside PATH, owned as PATH is.
prepare() {
  at "$1"
  only_files
  [ -z "$gone" ] || fail NO_SUCH_FOLDER "the folder $folder does not exist; nothing was changed"
  room "$key"
  fresh
  like "$leaf"
  [ "$l_kind" = file ] || { chmod "$3" ./belay-new; label "$path" ./belay-new; }
  [ "$2" != key ] || chmod o-rwx ./belay-new
  fill '; nothing was changed'
}
# done_with SUFFIX: what was prepared waits in the room.
done_with() {
  sync -- ./belay-new 2>/dev/null || sync
  mv -f -- ./belay-new "./$1"
  case $1 in key) key_room=$room_id ;; crt) crt_room=$room_id ;; esac
  cd -P / && room=
}
room_of() { case $1 in key) echo "$key_room" ;; crt) echo "$crt_room" ;; esac; }
key_room= crt_room=
# place PATH SUFFIX
place() {
  at "$1"
  only_files
  room "$key"
  [ "$(room_of "$2")" = "$room_id" ] || fail CHANGED_MEANWHILE "the folder of $path was exchanged meanwhile"
  mv -f -- "./$2" ./belay-new
  exec 5<./belay-new
  publish "$leaf"
  leave
}
tell() {
  [ "$unit" != - ] || return 0
  case $signal in
    HUP) systemctl kill -s HUP --kill-who=main -- "$unit" || fail SERVICE_FAILED "SIGHUP could not be sent to $unit" ;;
    *) reload_unit ;;
  esac
  say told "$unit"
}
report() { at "$certificate"; say is "$state"; }
`;

export const installPair = namedScript(
  'tls/install',
  `key=$1 certificate=$2 private=$3 previous=$4 previous_key=$5 unit=$6 signal=$7
${changeText}
[ "$unit" = - ] || {
${unitText}
  [ "$(property ActiveState)" = active ] || fail UNIT_NOT_ACTIVE "$unit is $(property ActiveState), so nobody could show the certificate; nothing was changed"
}
at "$certificate"
say was "$state"
changed=
prepare "$private" key 0600
[ "$(sha_of ./belay-new)" = "$sha" ] || changed=yes
done_with key
prepare "$certificate" crt 0644 </dev/null
printf %s "$BELAY_CERTIFICATE" >./belay-new || fail WRITE_FAILED "cannot write beside $path: is the file system full? Nothing was changed"
[ "$(sha_of ./belay-new)" = "$sha" ] || changed=yes
done_with crt
if [ -n "$changed" ]; then
  at "$certificate"
  keep_bytes "./$leaf" "$keep/$key.crt" "$previous"
  at "$private"
  keep_bytes "./$leaf" "$keep/$key.key" "$previous_key"
  place "$private" key
  place "$certificate" crt
fi
report
tell
`,
);

export const restorePair = namedScript(
  'tls/restore',
  `key=$1 certificate=$2 private=$3 left=$4
shift 4
crt_sha=$1 crt_owner=$2 crt_group=$3 crt_mode=$4 key_sha=$5 key_owner=$6 key_group=$7 key_mode=$8 unit=$9
shift 9
signal=$1
${changeText}
at "$certificate"
say was "$state"
[ "$sha" = "$left" ] || [ "$sha" = "$crt_sha" ] || fail CHANGED_MEANWHILE "$certificate was replaced by somebody else since; it is left as it is. The pair from before is kept as $keep/$key.crt and $keep/$key.key"
# ready PATH SUFFIX SHA OWNER GROUP MODE
ready() {
  at "$1"
  [ "$3" != - ] && [ "$sha" != "$3" ] || return 0
  [ -f "$keep/$key.$2" ] || fail BACKUP_MISSING "the previous $1 is no longer kept at $keep/$key.$2; nothing was changed"
  [ "$(sha_of "$keep/$key.$2")" = "$3" ] || fail BACKUP_DAMAGED "what is kept at $keep/$key.$2 is not the previous $1; nothing was changed"
  prepare "$1" "$2" "$6" <"$keep/$key.$2"
  own "$4" "$5" "$6"
  done_with "$2"
}
back() {
  if [ "$3" = - ]; then
    at "$1"
    [ "$l_kind" = absent ] || { take_away "$leaf"; changed=yes; }
  elif [ -n "$(room_of "$2")" ]; then place "$1" "$2"; changed=yes; fi
}
changed=
ready "$private" key "$key_sha" "$key_owner" "$key_group" "$key_mode"
ready "$certificate" crt "$crt_sha" "$crt_owner" "$crt_group" "$crt_mode"
back "$private" key "$key_sha"
back "$certificate" crt "$crt_sha"
[ -z "$changed" ] || : >"$keep/$key.tell"
report
if [ -f "$keep/$key.tell" ] && [ "$unit" != - ]; then
${unitText}
  [ "$(property ActiveState)" != active ] || tell
fi
rm -f -- "$keep/$key".*
`,
);
