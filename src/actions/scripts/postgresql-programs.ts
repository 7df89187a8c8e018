/**
 * Where the programs of a server are, and which of them may be run. A process that calls itself postgres, and what a data directory says of
 * programs, may be another user's; root, and the user who asks the server, run only what nobody else can exchange.
 */

/** `is_closed PATH USER`: nobody but root and the user may write there. `runnable FOLDER USER`: nor into the programs in it. */
export const closedText = `
is_closed() {
  set -- "$2" $(stat -L -c '%U %a' -- "$1" 2>/dev/null)
  [ $# = 3 ] || return 1
  case $2 in root | "$1") ;; *) return 1 ;; esac
  case $3 in *[2367]? | *[2367]) return 1 ;; esac
}
runnable() {
  for r_each in "$1" "$1/postgres" "$1/psql" "$1/pg_controldata"; do
    [ ! -e "$r_each" ] || is_closed "$r_each" "$2" || return 1
  done
}
`;

/**
 * `programs_of DIRECTORY`: folders in which the programs of a data directory may be, the likeliest first: where it was started from last, then
 * those of Debian, of the PostgreSQL project's rpms, of SUSE, Alpine and EDB, and of a build of one's own.
 */
export const programsText = `${closedText}
programs_of() {
  p_version=$(cat "$1/PG_VERSION" 2>/dev/null)
  p_last=$(sed -n '1s#^\\(/[^ ]*\\)/post[a-z]* .*#\\1#p' "$1/postmaster.opts" 2>/dev/null)
  for p_each in \${p_last:+"$p_last"} "/usr/lib/postgresql/$p_version/bin" "/usr/pgsql-$p_version/bin" "/usr/lib/postgresql$p_version/bin" \\
    "/usr/libexec/postgresql$p_version" "/usr/edb/as$p_version/bin" /usr/bin /usr/local/pgsql/bin; do
    [ -x "$p_each/pg_controldata" ] && runnable "$p_each" root && printf '%s\\n' "$p_each"
  done
}
`;

/** Puts every folder that may hold psql behind PATH: the known ones, and those that servers run from. */
export const psqlPathText = `${closedText}
for bin in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/lib/postgresql[0-9]*/bin /usr/libexec/postgresql[0-9]* /usr/edb/as*/bin /usr/local/pgsql/bin; do
  [ -d "$bin" ] && PATH=$PATH:$bin
done
for file in $(grep -lx 'postgres\\|postmaster' /proc/[0-9]*/comm 2>/dev/null); do
  bin=$(readlink "\${file%/comm}/exe") && bin=\${bin%/*}
  case :$PATH: in *:"$bin":*) ;; *) [ -z "$bin" ] || ! runnable "$bin" "$user" || PATH=$PATH:$bin ;; esac
done
`;
