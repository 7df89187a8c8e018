/**
 * Finds the `server` lines of nginx's upstreams in one file, on the host: the configuration may hold secrets and stays
 * there. Reads as nginx itself does (ngx_conf_read_token): words, quotes, comments, `;`, `{` and `}`.
 */

/**
 * Shell functions over the file `$leaf` of the folder that was entered, `$upstream` (`-`: any) and `$server`.
 *
 *     servers    prints "UPSTREAM SERVER FLAG END DOWN" for each: FLAG up | backup | down, END and DOWN the places of `;`
 *                and of the word `down` (0 without), in bytes from 1
 *     find_line  sets `flag`, `end`, `down`, `upstream`; refuses what is missing or ambiguous
 *     edit FLAG  prints the file with the server so
 */
export const upstreamText = `
servers() {
  bytes "./$leaf" | awk -v single="'" '
    function statement(end,  k, flag, at) {
      if (depth < 1 || name[depth] != "upstream" || word[1] != "server" || words < 2) return
      flag = "up"; at = 0
      for (k = 3; k <= words; k++) {
        if (word[k] == "down") { flag = "down"; at = place[k] }
        else if (word[k] == "backup" && flag == "up") flag = "backup"
      }
      print argument[depth], word[2], flag, end, at
    }
    { text = text $0 "\\n" }
    END {
      n = length(text); i = 1; words = 0; depth = 0
      while (i <= n) {
        c = substr(text, i, 1)
        if (c ~ /[ \\t\\r\\n]/) { i++; continue }
        if (c == "#") { while (i <= n && substr(text, i, 1) != "\\n") i++; continue }
        if (c == ";") { statement(i); words = 0; i++; continue }
        if (c == "{") { depth++; name[depth] = word[1]; argument[depth] = words > 1 ? word[2] : "-"; words = 0; i++; continue }
        if (c == "}") { depth--; words = 0; i++; continue }
        place[++words] = i; w = ""
        if (c == "\\"" || c == single) {
          for (i++; i <= n && (d = substr(text, i, 1)) != c; i++) { if (d == "\\\\") d = substr(text, ++i, 1); w = w d }
          i++
        } else {
          for (; i <= n && (d = substr(text, i, 1)) !~ /[ \\t\\r\\n;{]/; i++) {
            if (d == "\\\\") { w = w d; d = substr(text, ++i, 1) }
            else if (d == "$" && substr(text, i + 1, 1) == "{") {
              while (i <= n && substr(text, i, 1) != "}") w = w substr(text, i++, 1)
              d = "}"
            }
            w = w d
          }
        }
        word[words] = w
      }
    }'
}
find_line() {
  found=$(servers | awk -v u="$upstream" -v s="$server" '$2 == s && (u == "-" || $1 == u)')
  case $(printf '%s\\n' "$found" | grep -c .) in
    1) ;;
    0) fail NGINX_NO_SERVER "$path has no server $server in $(if [ "$upstream" = - ]; then echo "any upstream"; else echo "the upstream $upstream"; fi); there are: $(servers | awk '{ printf "%s%s of %s", (NR > 1 ? ", " : ""), $2, $1 }' | grep . || echo none)" ;;
    *) fail NGINX_AMBIGUOUS "$path names the server $server more than once: in $(printf '%s\\n' "$found" | awk '{ printf "%s%s", (NR > 1 ? ", " : ""), $1 }'); say which with Upstream, or leave one line of it" ;;
  esac
  set -- $found
  upstream=$1 flag=$3 end=$4 down=$5
}
edit() {
  case $1:$flag in
    down:down | up:up | up:backup) bytes "./$leaf" ;;
    down:*) bytes "./$leaf" | head -c $((end - 1)) && printf ' down' && bytes "./$leaf" | tail -c +$end ;;
    # With the blank before it.
    up:down) bytes "./$leaf" | head -c $((down - 2)) && bytes "./$leaf" | tail -c +$((down + 4)) ;;
  esac
}
`;
