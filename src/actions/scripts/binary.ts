/**
 * Stages a program beside the one that runs, and exchanges the two: the texts behind binary/* of names.ts.
 *
 * There are three places: PATH, PATH.new and PATH.old. Files only change places, by rename, so that PATH names a whole
 * program at every moment and one that runs keeps its own bytes (writing into it would be refused: ETXTBSY).
 */
import { fileText } from './file.ts';
import { namedScript } from './prelude.ts';

const binaryText = `${fileText}
sha_or_dash() { case $(kind_of "$1") in file) sha_of "$1" ;; absent) echo - ;; *) fail NOT_A_FILE "$1 is no plain file; name the file itself" ;; esac; }
look() {
  at_path=$(sha_or_dash "$path") || exit 1
  at_new=$(sha_or_dash "$path.new") || exit 1
  at_old=$(sha_or_dash "$path.old") || exit 1
}
`;

export const observeBinary = namedScript(
  'binary/observe',
  `path=$1
${binaryText}
look
say at "$at_path $at_new $at_old"
`,
);

export const stageBinary = namedScript(
  'binary/stage',
  `path=$1 sha=$2
IFS= read -r source
${binaryText}
look
say was "$at_path $at_new $at_old"
case $at_new in
  "$sha") ;;
  -)
    stage
    case $source in
      /*)
        [ -f "$source" ] || fail NO_SUCH_SOURCE "there is no file $source; nothing was staged"
        cat -- "$source" >"$tmp" || fail WRITE_FAILED "cannot write beside $path: is the file system full? Nothing was staged" ;;
      *)
        command -v curl >/dev/null || fail NO_HTTP_CLIENT "curl is not installed; bring the file to the host and give its path as Source"
        # The address may hold a signature: it goes by standard input, where no process list shows it.
        printf 'url = "%s"\\n' "$source" |
          curl -q -sS -f -L -g --proto '=https' --proto-redir '=https' --retry 2 --connect-timeout 20 -o "$tmp" -K - || fail FETCH_FAILED "the Source could not be fetched (curl: exit code $?, its words are in the log); nothing was staged" ;;
    esac
    found=$(sha_of "$tmp")
    [ "$found" = "$sha" ] || fail SHA256_MISMATCH "the Source has the sha256 $found, wanted $sha; nothing was staged"
    if [ -f "$path" ]; then like_present || fail WRITE_FAILED "cannot copy the ownership of $path"
    else chmod 0755 "$tmp"; fi
    sync -- "$tmp" 2>/dev/null || sync
    mv -f -- "$tmp" "$path.new" || fail WRITE_FAILED "cannot rename onto $path.new"
    tmp= ;;
  *) fail STAGED_OTHER "$path.new is there with other bytes (sha256 $at_new): nothing was staged. Remove it if nobody needs it" ;;
esac
look
say is "$at_path $at_new $at_old"
`,
);

export const arrangeBinary = namedScript(
  'binary/arrange',
  `key=$1 path=$2 keeping=$3
shift 3
from_path=$1 from_new=$2 from_old=$3 to_path=$4 to_new=$5 to_old=$6
${binaryText}
look
say was "$at_path $at_new $at_old"
keep_folder binaries
dir=\${path%/*}
hold=$dir/.belay-$key
known() { [ "$2" = "$3" ] || [ "$2" = "$4" ] || fail CHANGED_MEANWHILE "$1 was changed by somebody else: its sha256 is $2, expected $3 or $4; nothing was changed"; }
known "$path" "$at_path" "$from_path" "$to_path"
known "$path.new" "$at_new" "$from_new" "$to_new"
known "$path.old" "$at_old" "$from_old" "$to_old"
link() { ln -f -- "$1" "$2" 2>/dev/null || cp -p -- "$1" "$2" || fail WRITE_FAILED "cannot link or copy $1 to $2: is the file system full?"; }
# Everything that is needed gets a second name first: what has left its place is still at hand, also after a crash.
for place in "$path" "$path.new" "$path.old"; do
  [ -f "$place" ] || continue
  content=$(sha_of "$place")
  case " $to_path $to_new $to_old " in
    *" $content "*) [ -f "$hold-$content" ] || link "$place" "$hold-$content" ;;
    *) if [ "$keeping" = yes ] && [ ! -f "$keep/$key-$content" ]; then
         cp -p --reflink=auto -- "$place" "$keep/$key-$content.new" && mv -f -- "$keep/$key-$content.new" "$keep/$key-$content" || fail WRITE_FAILED "cannot keep $place in $keep: is the file system full?"
       fi ;;
  esac
done
for content in $to_path $to_new $to_old; do
  [ "$content" != - ] && [ ! -f "$hold-$content" ] || continue
  [ -f "$keep/$key-$content" ] || fail BACKUP_MISSING "a file with the sha256 $content is neither beside $path nor kept in $keep; nothing was changed"
  cp -p -- "$keep/$key-$content" "$hold-$content.part" && mv -f -- "$hold-$content.part" "$hold-$content" || fail WRITE_FAILED "cannot write beside $path: is the file system full?"
  [ "$(sha_of "$hold-$content")" = "$content" ] || { rm -f -- "$hold-$content"; fail BACKUP_DAMAGED "what is kept in $keep is not what it was: its sha256 differs"; }
done
put() {
  [ "$2" != "$3" ] || return 0
  if [ "$3" = - ]; then rm -f -- "$1" || fail WRITE_FAILED "cannot remove $1"; return 0; fi
  link "$hold-$3" "$hold.put"
  mv -f -- "$hold.put" "$1" || fail WRITE_FAILED "cannot rename onto $1"
}
put "$path.old" "$at_old" "$to_old"
put "$path" "$at_path" "$to_path"
put "$path.new" "$at_new" "$to_new"
sync -- "$dir" 2>/dev/null || sync
for content in $to_path $to_new $to_old; do rm -f -- "$hold-$content"; done
if [ "$keeping" != yes ]; then rm -f -- "$keep/$key-"*; fi
look
say is "$at_path $at_new $at_old"
`,
);
