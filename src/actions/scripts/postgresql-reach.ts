/** What a primary is asked with, by servers that follow it: a conninfo of which the password goes into the environment. */

/** Needs $bin, $user and $conninfo. `reach` sets $asking (replication) and $plainly, both without a password. */
export const reachText = String.raw`
id -u "$user" >/dev/null 2>&1 || fail NO_SUCH_USER "there is no user $user"
# Its own .pgpass is meant, not that of root.
home=$(getent passwd "$user" | cut -d : -f 6)
as_user() { cd / && runuser -u "$user" -- env HOME="$home" "$@"; }
err=$(mktemp) || fail WRITE_FAILED "cannot make a temporary file"
trap 'rm -f "$err"' EXIT
in_error() { tr '\n' ' ' <"$err" | cut -c 1-400; }
# split_conninfo password|rest: of pairs key = value, quoted as libpq reads them.
split_conninfo() {
  printf '%s\n' "$conninfo" | awk -v want="$1" -v q="'" '
    function blanks() { while (i <= n && substr(s, i, 1) ~ /[ \t\r]/) i++ }
    { s = s (NR > 1 ? " " : "") $0 }
    END {
      n = length(s); i = 1
      for (blanks(); i <= n; blanks()) {
        from = i
        while (i <= n && substr(s, i, 1) !~ /[ \t\r=]/) i++
        key = substr(s, from, i - from)
        blanks()
        if (key == "" || substr(s, i, 1) != "=") exit 1
        i++; blanks(); value = ""
        if (substr(s, i, 1) == q) {
          for (i++; i <= n && substr(s, i, 1) != q; i++) { if (substr(s, i, 1) == "\\") i++; value = value substr(s, i, 1) }
          if (i > n) exit 1
          i++
        } else for (; i <= n && substr(s, i, 1) !~ /[ \t\r]/; i++) { if (substr(s, i, 1) == "\\") i++; value = value substr(s, i, 1) }
        if (key == "password") password = value
        else rest = rest (rest == "" ? "" : " ") substr(s, from, i - from)
      }
      printf "%s", want == "password" ? password : rest
    }'
}
reach() {
  unset PGPASSWORD
  case $conninfo in
    postgres://*|postgresql://*)
      authority=${'$'}{conninfo#*://}
      authority=${'$'}{authority%%[/?]*}
      case $authority in *:*@*) odd=yes ;; *) odd= ;; esac
      case $conninfo in *[?\&]password=*) odd=yes ;; esac
      [ -z "$odd" ] || fail ODD_CONNINFO "its address of the primary is a URI with a password, which would stand in a list of processes; write it as pairs: host=... user=... password=... Nothing was changed"
      case $conninfo in *\?*) asking="$conninfo&replication=true" ;; *) asking="$conninfo?replication=true" ;; esac
      plainly=$conninfo ;;
    *)
      PGPASSWORD=$(split_conninfo password) && conninfo=$(split_conninfo rest) ||
        fail ODD_CONNINFO "its address of the primary is not made of pairs key=value. Nothing was changed"
      if [ -n "$PGPASSWORD" ]; then export PGPASSWORD; else unset PGPASSWORD; fi
      asking="$conninfo dbname=postgres replication=true connect_timeout=10" plainly="$conninfo dbname=postgres connect_timeout=10" ;;
  esac
}
identify() { as_user "$bin/psql" -wXAtq -d "$asking" -c IDENTIFY_SYSTEM 2>"$err"; }
`;
