/**
 * Asks a PostgreSQL server, not the package database: the text behind postgresql/check of names.ts.
 * The session is read-only, so that no canary query can change what it judges.
 */
import { namedScript } from './prelude.ts';

export const checkPostgresql = namedScript(
  'postgresql/check',
  `user=$1 port=$2 database=$3 seconds=$4
for bin in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do [ -d "$bin" ] && PATH=$PATH:$bin; done
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
ask() {
  as_user env PATH="$PATH" LC_ALL=C PGCONNECT_TIMEOUT=10 \${PGPORT:+PGPORT=$PGPORT} \\
    PGOPTIONS="-c default_transaction_read_only=on -c statement_timeout=\${seconds}s" \\
    psql -XAtq -d "$database" -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@"
}
as_user env PATH="$PATH" \${PGPORT:+PGPORT=$PGPORT} pg_isready -q -t 5
say ready $?
version=$(ask -c 'show server_version') || exit 0
say version "$version"
say recovery "$(ask -c 'select pg_is_in_recovery()')"
if [ -n "$query" ]; then
  out=$(mktemp) && err=$(mktemp) || fail WRITE_FAILED "cannot make a temporary file"
  trap 'rm -f "$out" "$err"' EXIT
  if printf %s "$query" | ask -f - >"$out" 2>"$err"; then
    say answer "$(head -c 16384 "$out" | base64 | tr -d '\\n')"
  else
    cat "$err"
    said=$(sed -n 's/^psql:<stdin>:[0-9]*: //; /ERROR:\\|FATAL:\\|PANIC:/{p;q}' "$err")
    [ -n "$said" ] || said=$(tr '\\n' ' ' <"$err")
    say queryError "$(printf %s "$said" | cut -c 1-600)"
  fi
fi
`,
);
