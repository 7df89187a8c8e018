/**
 * AWS-RunPatchBaseline on hosts with apt or dnf: Scan lists what is missing and changes nothing, Install brings every package to
 * what its repositories have. There is no patch baseline of AWS on such a host: what the host's own repositories offer counts.
 * `operation` and `reboot` are set before it. Ends with 194 where a reboot is needed and asked for.
 */
export const patchProgram = `
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
if command -v apt-get >/dev/null; then
  apt-get -q update >/dev/null || { echo 'the lists of packages cannot be refreshed' >&2; exit 1; }
  said=$(apt-get -s -q upgrade) || { echo 'what is behind cannot be told' >&2; exit 1; }
  missing=$(printf '%s\\n' "$said" | sed -n 's/^Inst \\([^ ]*\\) .*/\\1/p')
  install() { apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold upgrade; }
  needs_reboot() { [ -e /var/run/reboot-required ]; }
elif command -v dnf >/dev/null; then
  # 100: there are updates.
  said=$(dnf -q check-update)
  case $? in 0 | 100) ;; *) echo 'what is behind cannot be told' >&2; exit 1 ;; esac
  missing=$(printf '%s\\n' "$said" | awk '/^Obsoleting/ { exit } NF == 3 && $1 ~ /\\./ { print $1 }')
  install() { dnf -q -y upgrade; }
  needs_reboot() { command -v needs-restarting >/dev/null && ! needs-restarting -r >/dev/null; }
else
  echo 'this host has neither apt nor dnf' >&2
  exit 1
fi
count=$(printf '%s\\n' "$missing" | grep -c .)
printf 'operation %s: %s packages are behind their repositories\\n' "$operation" "$count"
[ "$count" = 0 ] || printf '%s\\n' "$missing"
[ "$operation" = Install ] || exit 0
[ "$count" = 0 ] || install || { echo 'the packages could not be upgraded' >&2; exit 1; }
needs_reboot || exit 0
echo 'a reboot is needed'
[ "$reboot" = NoReboot ] || exit 194
`;
