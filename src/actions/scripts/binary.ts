/**
 * Stages a program beside the one that runs, and exchanges the two: the texts behind binary/* of names.ts.
 *
 * There are three places: PATH, PATH.new and PATH.old. Files only change places, by rename, so that PATH names a whole
 * program at every moment and one that runs keeps its own bytes (writing into it would be refused: ETXTBSY).
 */
import { keptText } from './file.ts';
import { outdatedText } from './outdated.ts';
import { namedScript } from './prelude.ts';
import { stagingText } from './staging.ts';

const binaryText = `${stagingText}${keptText}
sha_or_dash() { look "$1"; case $l_kind in file | absent) ;; *) fail NOT_A_FILE "$here/\${1##*/} is not a plain file; name the file itself" ;; esac; }
# look_around UP: from the folder (.) or from the room (..).
look_around() {
  sha_or_dash "$1/$leaf"; at_path=$l_sha
  sha_or_dash "$1/$leaf.new"; at_new=$l_sha
  sha_or_dash "$1/$leaf.old"; at_old=$l_sha
}
at_binary() {
  path=$1 leaf=\${1##*/}
  enter "\${1%/*}" || fail NO_SUCH_FOLDER "the folder \${1%/*} does not exist"
  look_around .
}
`;

export const observeBinary = namedScript(
  'binary/observe',
  `${binaryText}
arrive "$1"
if [ -n "$gone" ]; then say at '- - -'; exit 0; fi
look_around .
say at "$at_path $at_new $at_old"
`,
);

export const stageBinary = namedScript(
  'binary/stage',
  `sha=$2
IFS= read -r source
${binaryText}
at_binary "$1"
say was "$at_path $at_new $at_old"
case $at_new in
  "$sha") ;;
  -)
    room "stage-$(printf %.24s "$sha")"
    fresh
    case $source in
      /*)
        [ -f "$source" ] || fail NO_SUCH_SOURCE "there is no file $source; nothing was staged"
        # A name that is exchanged for a FIFO meanwhile must not stop us.
        words=$( { if dd if=/dev/null of=/dev/null iflag=nonblock 2>/dev/null; then dd if="$source" iflag=nonblock bs=1048576; else cat -- "$source"; fi >./belay-new; } 2>&1) ||
          fail WRITE_FAILED "cannot copy $source to a place beside $path: $(in_words "$words"). Nothing was staged" ;;
      *)
        command -v curl >/dev/null || fail NO_HTTP_CLIENT "curl is not installed; bring the file to the host and give its path as Source"
        # The address may hold a signature: it goes by standard input, where no process list shows it.
        printf 'url = "%s"\\n' "$source" |
          curl -q -sS -f -L -g --proto '=https' --proto-redir '=https' --retry 2 --connect-timeout 20 -o ./belay-new -K - || fail FETCH_FAILED "the Source could not be fetched (curl: exit code $?, its words are in the log); nothing was staged" ;;
    esac
    found=$(sha_of ./belay-new)
    [ "$found" = "$sha" ] || fail SHA256_MISMATCH "the Source has the sha256 $found, wanted $sha; nothing was staged"
    look "../$leaf"
    if [ "$l_kind" = file ]; then like "$leaf"; else chmod 0755 ./belay-new; label "$path.new" ./belay-new; fi
    publish "$leaf.new"
    leave ;;
  *) fail STAGED_OTHER "$path.new is there with other bytes (sha256 $at_new): nothing was staged. Remove it if nobody needs it" ;;
esac
look_around .
say is "$at_path $at_new $at_old"
`,
);

export const arrangeBinary = namedScript(
  'binary/arrange',
  `key=$1 keeping=$3
to=$2
shift 3
from_path=$1 from_new=$2 from_old=$3 to_path=$4 to_new=$5 to_old=$6
${binaryText}${outdatedText}
at_binary "$to"
say was "$at_path $at_new $at_old"
keep_folder binaries
known() { [ "$2" = "$3" ] || [ "$2" = "$4" ] || fail CHANGED_MEANWHILE "$1 was changed by somebody else: its sha256 is $2, expected $3 or $4; nothing was changed"; }
known "$path" "$at_path" "$from_path" "$to_path"
known "$path.new" "$at_new" "$from_new" "$to_new"
known "$path.old" "$at_old" "$from_old" "$to_old"
room "$key"
# copy NAME TO: its own second name where the file system has that, else a copy; from ../NAME, as it was looked at.
copy() {
  ln -f -- "../$1" "$2" 2>/dev/null && return 0
  look "../$1"
  fresh
  words=$( { bytes "../$1" >./belay-new; } 2>&1) || fail WRITE_FAILED "cannot copy $here/$1: $(in_words "$words")"
  like "$1"
  mv -f -- ./belay-new "$2"
}
# Everything that is needed gets a second name first: what has left its place is still at hand, also after a crash.
for one in "$leaf" "$leaf.new" "$leaf.old"; do
  look "../$one"
  [ "$l_kind" = file ] || continue
  content=$l_sha
  case " $to_path $to_new $to_old " in
    *" $content "*) [ -f "./hold-$content" ] || copy "$one" "./hold-$content" ;;
    *) if [ "$keeping" = yes ] && [ ! -f "$keep/$key-$content" ]; then
         copy "$one" ./keep
         words=$( { cp -p --reflink=auto -- ./keep "$keep/$key-$content.new" && mv -f -- "$keep/$key-$content.new" "$keep/$key-$content"; } 2>&1) || fail WRITE_FAILED "cannot keep $here/$one in $keep: $(in_words "$words")"
         rm -f ./keep
       fi ;;
  esac
done
for content in $to_path $to_new $to_old; do
  [ "$content" != - ] || continue
  if [ ! -f "./hold-$content" ]; then
    [ -f "$keep/$key-$content" ] || fail BACKUP_MISSING "a file with the sha256 $content is neither beside $path nor kept in $keep; nothing was changed"
    words=$( { cp -p -- "$keep/$key-$content" ./part && mv -f -- ./part "./hold-$content"; } 2>&1) || fail WRITE_FAILED "cannot write beside $path: $(in_words "$words")"
  fi
  [ "$(sha_of "./hold-$content")" = "$content" ] || { rm -f -- "./hold-$content"; fail BACKUP_DAMAGED "what is kept in $keep is not what it was, or $path is being changed: the sha256 differs"; }
done
put() {
  [ "$2" != "$3" ] || return 0
  if [ "$3" = - ]; then
    words=$(rm -f -- "../$1" 2>&1) || fail WRITE_FAILED "cannot remove $here/$1: $(in_words "$words")"
    return 0
  fi
  ln -f -- "./hold-$3" ./put 2>/dev/null || cp -p -- "./hold-$3" ./put || fail WRITE_FAILED "cannot write beside $path: is the file system full?"
  move ./put "../$1" || fail WRITE_FAILED "cannot rename onto $here/$1: $(in_words "$words")"
}
[ "$keeping" = yes ] || remember_code "$folder_now/$leaf"
put "$leaf.old" "$at_old" "$to_old"
put "$leaf" "$at_path" "$to_path"
put "$leaf.new" "$at_new" "$to_new"
sync -- .. 2>/dev/null || sync
[ "$keeping" = yes ] || tell_outdated "$folder_now/$leaf"
for content in $to_path $to_new $to_old; do rm -f -- "./hold-$content"; done
rm -f ./put
look_around ..
say is "$at_path $at_new $at_old"
[ "$at_path $at_new $at_old" = "$to_path $to_new $to_old" ] || fail CHANGED_MEANWHILE "$path was arranged and is not so any more: the sha256 at the three places are $at_path $at_new $at_old, wanted $to_path $to_new $to_old; somebody else changes them"
if [ "$keeping" != yes ]; then rm -f -- "$keep/$key-"*; fi
leave
`,
);
