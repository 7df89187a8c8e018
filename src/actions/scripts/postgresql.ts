/**
 * Asks a PostgreSQL server, not the package database: the text behind postgresql/check of names.ts.
 * The session is read-only, so that no canary query can change what it judges.
 */
import { psqlPathText } from './postgresql-programs.ts';
import { namedScript } from './prelude.ts';

export const checkPostgresql = namedScript(
  'postgresql/check',
  `user=$1 port=$2 database=$3 seconds=$4 socket=\${5:--} twice=\${6:-no}
${psqlPathText}
command -v psql >/dev/null && command -v pg_isready >/dev/null || fail NO_POSTGRESQL "psql and pg_isready are not installed"
id -u "$user" >/dev/null 2>&1 || fail NO_SUCH_USER "there is no user $user"
cd /
as_user() {
  if [ "$(id -un)" = "$user" ]; then "$@"
  elif [ "$(id -u)" = 0 ]; then runuser -u "$user" -- "$@"
  else sudo -n -u "$user" -- "$@"; fi
}
query=$(cat; echo .)
query=\${query%.}
[ "$port" = - ] || { PGPORT=$port; export PGPORT; }
[ "$socket" = - ] || { PGHOST=$socket; export PGHOST; }
all=
[ "$database" = '*' ] && { all=yes; database=postgres; }
ask() {
  as_user env PATH="$PATH" LC_ALL=C PGCONNECT_TIMEOUT=10 \${PGPORT:+PGPORT=$PGPORT} \${PGHOST:+PGHOST=$PGHOST} \\
    PGOPTIONS="-c default_transaction_read_only=on -c statement_timeout=\${seconds}s" \\
    psql -XAtq -P 'null=(null)' -d "$database" -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@"
}
scratch=$(mktemp -d) && : >"$scratch/err" || fail WRITE_FAILED "cannot make a temporary folder (is the disk full?)"
out=$scratch/out err=$scratch/err
trap 'rm -rf "$scratch"' EXIT
as_user env PATH="$PATH" \${PGPORT:+PGPORT=$PGPORT} \${PGHOST:+PGHOST=$PGHOST} pg_isready -q -t 5
say ready $?
if ! version=$(ask -c 'show server_version' 2>"$err"); then
  cat "$err"
  say trouble "$(grep . "$err" | head -n 3 | tr '\\n' ' ' | cut -c 1-600)"
  exit 0
fi
say version "$version"
say port "$(ask -c 'show port' 2>/dev/null)"
say recovery "$(ask -c 'select pg_is_in_recovery()')"
# Without an ORDER BY the order of rows means nothing, and a parallel or synchronized scan changes it.
case $query in *[oO][rR][dD][eE][rR][[:space:]]*[bB][yY]*) order=cat ;; *) order=sort ;; esac
judge() {
  : >"$out"
  if [ -z "$all" ]; then
    printf %s "$query" | ask -f - >"$out.raw" 2>"$err" || return 1
    $order <"$out.raw" >"$out"
  else
    ask -c "select datname from pg_database where datallowconn and not datistemplate order by 1" >"$out.all" 2>"$err" || return 1
    # Of servers with data checksums: pages that failed theirs, ever.
    ask -c "select 'checksum failures', datname, checksum_failures from pg_stat_database where checksum_failures is not null order by 2" >>"$out" 2>/dev/null
    while IFS= read -r database; do
      printf %s "$query" | ask -f - >"$out.raw" 2>"$err" || return 1
      prefix=$(printf %s "$database" | tr -c 'A-Za-z0-9_.\\n-' _)
      sed "s/^/$prefix|/" <"$out.raw" | $order >>"$out"
    done <"$out.all"
  fi
  sum=$(sha256sum <"$out" | cut -d ' ' -f 1)
}
if [ -n "$query" ]; then
  if judge; then
    first=$sum
    say digest "$sum $(wc -c <"$out" | tr -d ' ')"
    say answer "$(head -c 16384 "$out" | base64 | tr -d '\\n')"
    if [ "$twice" = yes ]; then
      sleep 2
      if judge; then [ "$first" = "$sum" ] || say second "$(head -c 2048 "$out" | base64 | tr -d '\\n')"
      else cat "$err"; fi
    fi
  else
    cat "$err"
    # The server may speak any language; then all that it said is shown.
    said=$(sed -n 's/^psql:<stdin>:[0-9]*: //; /ERROR:\\|FATAL:\\|PANIC:/{p;q}' "$err")
    [ -n "$said" ] || said=$(tr '\\n' ' ' <"$err")
    say queryError "$(printf %s "$said" | cut -c 1-600)"
  fi
  [ -z "$all" ] || database=postgres
  # pg_amcheck asks only databases that have its extension; it reads all of a table, so it has the time of the query.
  if command -v pg_amcheck >/dev/null && [ "$(ask -c "select count(*) from pg_available_extensions where name = 'amcheck'" 2>/dev/null)" = 1 ]; then
    where=$database
    [ -z "$all" ] || where=
    checked=$(as_user env PATH="$PATH" LC_ALL=C \${PGPORT:+PGPORT=$PGPORT} \${PGHOST:+PGHOST=$PGHOST} timeout "$seconds" pg_amcheck -w \${where:+-d "$where"} \${all:+-a} 2>"$err")
    case $? in
      0) say amcheck sound ;;
      2) say amcheck "damaged $(printf '%s' "$checked" | tr '\\n' ' ' | cut -c 1-400)" ;;
      124) say amcheck unfinished ;;
    esac
  fi
fi
`,
);
