/**
 * Looks at what a host keeps for undos, and forgets what it keeps for executions that cannot be taken back any more: the
 * texts behind keep/* of names.ts. Whose something is stands in its name (keep-key.ts); its age says nothing.
 */
import { namedScript } from './prelude.ts';

const hex16 = '[0-9a-f]'.repeat(16);

export const listKept = namedScript(
  'keep/list',
  `keep_root
[ -d "$keep" ] || exit 0
find "$keep" -mindepth 2 -type f -printf '%P %s\\n' 2>/dev/null | awk '
  { split($0, path, "/"); label = path[2]; sub(/ [0-9]+$/, "", label) }
  match(label, /-${hex16}/) { label = substr(label, 1, RSTART - 1); files[label]++; bytes[label] += $NF }
  END { for (label in files) print label, files[label], bytes[label] }' | while read -r row; do say kept "$row"; done
`,
);

export const forgetKept = namedScript(
  'keep/forget',
  `keep_root
for label; do
  case $label in '' | *[!a-z0-9-]*) fail BAD_LABEL "$label is the label of no execution; nothing was removed" ;; esac
done
for label; do
  n=0
  for kept in "$keep"/*/"$label"-${hex16}*; do
    [ -e "$kept" ] || [ -L "$kept" ] || continue
    rm -rf -- "$kept" && n=$((n + 1))
    ! { [ -e "$kept" ] || [ -L "$kept" ]; } || fail WRITE_FAILED "$kept cannot be removed by $(id -un)"
  done
  say gone "$label $n"
done
`,
);
