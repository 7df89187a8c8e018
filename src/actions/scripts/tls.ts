/**
 * Replaces a certificate and its key, and puts the previous pair back: the texts behind tls/* of names.ts.
 *
 * Both files are finished beside their places before either is renamed. The previous pair stays on the host, readable by
 * the user alone, until an undo has used it or its execution is forgotten. A rename is not noticed by programs that watch for writes
 * (MinIO), so the unit is always told.
 */
import { fileText } from './file.ts';
import { namedScript } from './prelude.ts';
import { unitText } from './service.ts';

const pairText = `${fileText}
state_at() { path=$1; state_of; }
sha_at() { case $(kind_of "$1") in file) sha_of "$1" ;; *) echo - ;; esac; }
`;

export const observePair = namedScript(
  'tls/observe',
  `certificate=$1 private=$2
${pairText}
for path in "$certificate" "$private"; do
  only_files
  [ ! -f "$path" ] || [ -r "$path" ] || fail WRITE_FAILED "$path cannot be read by $(id -un)"
done
say certificate "$(state_at "$certificate")"
say key "$(state_at "$private")"
# Only what is public of a file that may hold a key as well.
[ ! -f "$certificate" ] || sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' "$certificate" | base64 | tr -d '\\n' | { say pem "$(cat)"; }
`,
);

const changeText = `${pairText}
keep_folder tls
# The name is the step's own: what a power cut leaves is found and removed by the next attempt.
part_of() { echo "\${1%/*}/.belay-$key.$2"; }
trap 'rm -f -- "$(part_of "$certificate" crt)" "$(part_of "$private" key)"' EXIT
trap 'exit 143' TERM INT HUP
# prepare PATH SUFFIX MODE: standard input as a finished file beside PATH, owned as PATH is.
prepare() {
  path=$1 tmp=$(part_of "$1" "$2")
  [ -d "\${path%/*}" ] || fail NO_SUCH_FOLDER "the folder \${path%/*} does not exist; nothing was changed"
  rm -f -- "$tmp"
  (umask 077 && : >"$tmp") || fail WRITE_FAILED "cannot write into \${path%/*}; nothing was changed"
  like_present || fail WRITE_FAILED "cannot copy the ownership of $path; nothing was changed"
  [ -f "$path" ] || chmod "$3" "$tmp"
  [ "$2" != key ] || chmod o-rwx "$tmp"
  cat >"$tmp" || fail WRITE_FAILED "cannot write beside $path: is the file system full? Nothing was changed"
  sync -- "$tmp" 2>/dev/null || sync
}
place() {
  if [ -e "$1" ]; then fresh=; else fresh=yes; fi
  mv -f -- "$(part_of "$1" "$2")" "$1" || fail WRITE_FAILED "cannot rename onto $1"
  if [ -n "$fresh" ] && command -v restorecon >/dev/null; then restorecon -- "$1" || true; fi
}
tell() {
  [ "$unit" != - ] || return 0
  case $signal in
    HUP) systemctl kill -s HUP --kill-who=main -- "$unit" || fail SERVICE_FAILED "SIGHUP could not be sent to $unit" ;;
    *) reload_unit ;;
  esac
  say told "$unit"
}
report() { say is "$(state_at "$certificate")"; }
`;

export const installPair = namedScript(
  'tls/install',
  `key=$1 certificate=$2 private=$3 previous=$4 previous_key=$5 unit=$6 signal=$7
${changeText}
[ "$unit" = - ] || {
${unitText}
  [ "$(property ActiveState)" = active ] || fail UNIT_NOT_ACTIVE "$unit is $(property ActiveState), so nobody could show the certificate; nothing was changed"
}
say was "$(state_at "$certificate")"
# keep FILE SHA SUFFIX: once, what was there before the first attempt.
keep_once() {
  [ "$2" != - ] && [ ! -f "$keep/$key.$3" ] || return 0
  (umask 077 && cat -- "$1" >"$keep/$key.$3.new") || fail WRITE_FAILED "cannot keep the previous $1 in $keep; nothing was changed"
  [ "$(sha_of "$keep/$key.$3.new")" = "$2" ] || { rm -f -- "$keep/$key.$3.new"; fail CHANGED_MEANWHILE "$1 was changed by somebody else since it was looked at; nothing was changed"; }
  sync -- "$keep/$key.$3.new" 2>/dev/null || sync
  mv -f -- "$keep/$key.$3.new" "$keep/$key.$3"
}
prepare "$private" key 0600
printf %s "$BELAY_CERTIFICATE" | prepare "$certificate" crt 0644 || exit 1
is_there() { [ "$(sha_at "$1")" = "$(sha_of "$(part_of "$1" "$2")")" ]; }
if ! is_there "$private" key || ! is_there "$certificate" crt; then
  keep_once "$certificate" "$previous" crt
  keep_once "$private" "$previous_key" key
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
sha=$1 owner=$2 group=$3 mode=$4 key_sha=$5 key_owner=$6 key_group=$7 key_mode=$8 unit=$9
shift 9
signal=$1
${changeText}
say was "$(state_at "$certificate")"
now=$(sha_at "$certificate")
[ "$now" = "$left" ] || [ "$now" = "$sha" ] || fail CHANGED_MEANWHILE "$certificate was replaced by somebody else since; it is left as it is. The pair from before is kept as $keep/$key.crt and $keep/$key.key"
# back PATH SUFFIX SHA OWNER GROUP MODE
ready() {
  [ "$3" != - ] && [ "$(sha_at "$1")" != "$3" ] || return 0
  [ -f "$keep/$key.$2" ] || fail BACKUP_MISSING "the previous $1 is no longer kept at $keep/$key.$2; nothing was changed"
  [ "$(sha_of "$keep/$key.$2")" = "$3" ] || fail BACKUP_DAMAGED "what is kept at $keep/$key.$2 is not the previous $1; nothing was changed"
  prepare "$1" "$2" "$6" <"$keep/$key.$2"
  own "$4" "$5" "$6"
}
back() {
  if [ "$3" = - ]; then [ ! -e "$1" ] || { rm -f -- "$1"; changed=yes; }
  elif [ -f "$(part_of "$1" "$2")" ]; then place "$1" "$2"; changed=yes; fi
}
changed=
ready "$private" key "$key_sha" "$key_owner" "$key_group" "$key_mode"
ready "$certificate" crt "$sha" "$owner" "$group" "$mode"
back "$private" key "$key_sha"
back "$certificate" crt "$sha"
[ -z "$changed" ] || : >"$keep/$key.tell"
report
if [ -f "$keep/$key.tell" ] && [ "$unit" != - ]; then
${unitText}
  [ "$(property ActiveState)" != active ] || tell
fi
rm -f -- "$keep/$key".*
`,
);
