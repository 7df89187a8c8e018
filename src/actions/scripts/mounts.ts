/**
 * What is mounted where, by a listing of findmnt alone. Its option for one mount point came with util-linux 2.27, and the one for a
 * target meant the mount point itself before; Enterprise Linux 7 has 2.23. What findmnt refuses must not pass for "not mounted".
 *
 *     mounts_at PATH COLUMNS     a line for each mount whose point is PATH, the topmost last
 *     mount_over PATH COLUMNS    "TARGET COLUMNS" of the mount that PATH, a real path, lies in
 *     is_mounted PATH            whether something is; ends the script where nobody can tell
 *     is_in_fstab PATH           whether /etc/fstab has it
 *
 * The first two fail where nothing can be listed. Targets are written as findmnt -r does, a blank as \x20.
 */
export const mountsText = `
command -v findmnt >/dev/null || fail NO_TOOL "findmnt (util-linux) is not installed"
plain_target='
  function digit(letter) { return index("0123456789abcdef", letter) - 1 }
  function plain(text,  out, at) {
    while ((at = index(text, "\\\\x")) > 0) {
      out = out substr(text, 1, at - 1) sprintf("%c", 16 * digit(substr(text, at + 2, 1)) + digit(substr(text, at + 3, 1)))
      text = substr(text, at + 4)
    }
    return out text
  }'
mounts_at() {
  findmnt -n -r -o "TARGET,$2" | POINT=$(readlink -f -- "$1" || printf %s "$1") awk "$plain_target"'
    plain($1) == ENVIRON["POINT"] { sub(/^[^ ]* /, ""); print }
    END { exit NR == 0 }'
}
is_mounted() {
  m_points=$(mounts_at "$1" SOURCE) || fail NO_TOOL "findmnt cannot list what is mounted"
  [ -n "$m_points" ]
}
is_in_fstab() {
  findmnt -n -r -s -o TARGET 2>/dev/null | POINT=$1 awk "$plain_target"'
    plain($1) == ENVIRON["POINT"] { found = 1 }
    END { exit !found }'
}
mount_over() {
  findmnt -n -r -o "TARGET,$2" | POINT=$1 awk "$plain_target"'
    { at = plain($1) }
    (at == "/" || at == ENVIRON["POINT"] || index(ENVIRON["POINT"], at "/") == 1) && length(at) >= most { most = length(at); line = $0 }
    END { if (line != "") print line; exit NR == 0 }'
}
`;
