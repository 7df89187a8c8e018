/**
 * Scripts that look at MinIO's drives on their own host: which they are, which pieces of objects lie on them, and what
 * those say. They only read.
 */
import { namedScript } from './prelude.ts';

export const minioDrives = namedScript(
  'minio/drives',
  `
for path in "$@"; do
  format=$path/.minio.sys/format.json
  [ -e "$format" ] || continue
  id=$(sed -n 's/.*"this" *: *"\\([0-9a-f-]*\\)".*/\\1/p' "$format") || fail UNREADABLE "$format cannot be read"
  [ -n "$id" ] && say drive "$id $path"
done
exit 0
`,
);

/**
 * A record for each piece, sorted, through gzip: OBJECT//PLACE//BYTES//DRIVE and a zero byte. No path of a file has two
 * slashes in a row, so the records of one object lie together, whatever its name holds. What goes away meanwhile is no
 * error; what cannot be read is. What MinIO makes anew by itself, and does not heal either (cmd/global-heal.go), is left out: its
 * counts of usage and its caches of listings, of which a node that was down when they were removed brings pieces back.
 */
export const minioPieces = namedScript(
  'minio/pieces',
  `
for tool in find sort sed gzip mktemp; do
  command -v "$tool" >/dev/null 2>&1 || { echo "there is no $tool on this host" >&2; exit 1; }
done
work=$(mktemp -d "\${TMPDIR:-/var/tmp}/belay-pieces.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
list() {
  number=0
  for drive in "$@"; do
    cd "$drive" || { echo "$drive cannot be entered" >>"$work/errors"; return; }
    find . \\( -path ./.minio.sys -o -path ./lost+found \\) -prune -o -type f \\( -name xl.meta -o -name 'part.*' \\) -printf "%p//%s//$number\\\\0" 2>>"$work/errors"
    for place in ./.minio.sys/config ./.minio.sys/buckets; do
      [ -d "$place" ] || continue
      find "$place" \\( -path './.minio.sys/buckets/.*' -o -path './.minio.sys/buckets/*/.metacache' -o -name '.usage-cache*' \\) -prune -o -type f \\( -name xl.meta -o -name 'part.*' \\) -printf "%p//%s//$number\\\\0" 2>>"$work/errors"
    done
    number=$((number + 1))
  done
}
list "$@" |
  sed -zE 's#^\\./##; s#^(.*)/(xl\\.meta|[^/]+/part\\.[0-9]+)//#\\1//\\2//#' |
  { sort -z -S 64M -T "$work" || echo "sort failed" >>"$work/errors"; } |
  gzip -1 >&3 || { echo "gzip failed" >&2; exit 1; }
grep -v 'No such file or directory$' "$work/errors" | head -n 3 >"$work/left"
[ ! -s "$work/left" ] || { cat "$work/left" >&2; exit 1; }
exit 0
`,
);

/** Of each OBJECT below a DRIVE: the beginning of its xl.meta, and its parts. */
export const minioHeads = namedScript(
  'minio/heads',
  `
most=$1
shift
index=0
while [ "$#" -gt 0 ]; do
  folder=$1/$2
  shift 2
  if bytes=$(head -c "$most" -- "$folder/xl.meta" 2>/dev/null | base64 | tr -d '\\n') && [ -f "$folder/xl.meta" ]; then
    say head "$index $bytes"
  fi
  find "$folder" -mindepth 2 -maxdepth 2 -type f -name 'part.*' -printf "part=$index %s %P\\n" 2>/dev/null >&3
  index=$((index + 1))
done
exit 0
`,
);
