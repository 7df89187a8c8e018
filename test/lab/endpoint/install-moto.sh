#!/bin/sh
# Installs the pinned moto server (the AWS endpoint of the tests) into a virtual environment; does nothing when it is there.
#   install-moto.sh [DIR]     DIR defaults to $BELAY_MOTO, else /var/lib/belay-lab/moto; prints the path of moto_server
set -eu

requirement='moto[server]==5.2.1'
directory="${1:-${BELAY_MOTO:-/var/lib/belay-lab/moto}}"
stamp="$directory/belay-requirement"

if [ ! -x "$directory/bin/moto_server" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$requirement" ]; then
  rm -f "$stamp"
  mkdir -p "$directory"
  python3 -m venv --clear "$directory" >&2
  "$directory/bin/pip" install --quiet --disable-pip-version-check "$requirement" >&2
  # A first import compiles the modules, which would otherwise be paid by the first test.
  "$directory/bin/python" -c 'import moto.server' >&2
  printf '%s' "$requirement" >"$stamp"
fi
printf '%s\n' "$directory/bin/moto_server"
