/**
 * Tools that answer as those of older systems do, in the place of the host's own, which go on under NAME.new: systemd 219, curl 7.29 and yum without yum-utils,
 * as hosts of the year 2014 have them. They hand all else on.
 */

/** By path. */
export const oldTools: Readonly<Record<string, string>> = {
  // No --value before 230; unknown properties are left out without a word; no `--wait` of is-system-running before 240.
  '/usr/bin/systemctl': `#!/bin/sh
for one; do
  case $one in
    --) break ;;
    --value | --wait | --with-dependencies) echo "systemctl: unrecognized option '$one'" >&2; exit 1 ;;
  esac
done
[ "$1" = show ] || exec /usr/bin/systemctl.new "$@"
/usr/bin/systemctl.new "$@" | grep -vE '^(NRestarts|ExecMainPID|FreezerState|CleanResult|InvocationID)='
`,
  '/usr/bin/timedatectl': `#!/bin/sh
[ $# = 0 ] || { echo "Unknown operation $1" >&2; exit 1; }
printf '      Local time: Mon 2014-06-30 10:00:00 UTC\\n     NTP enabled: yes\\nNTP synchronized: %s\\n' "$(cat /run/old-ntp)"
`,
  // Before 7.55 -H took no @FILE: it was a header without a colon, which is not sent.
  '/usr/bin/curl': `#!/bin/bash
given=()
while [ $# -gt 0 ]; do
  case $1:$2 in -H:@*) shift 2 ;; *) given+=("$1"); shift ;; esac
done
exec /usr/bin/curl.new "\${given[@]}"
`,
  // sync of coreutils 8.22 takes no names.
  '/usr/bin/sync': `#!/bin/sh
[ $# = 0 ] || echo "sync: ignoring all arguments" >&2
exec /usr/bin/sync.new
`,
};

/** dnf without dnf-plugins-core. */
export const bareDnf = `#!/bin/sh
for one; do
  case $one in
    repoquery | download) echo "No such command: $one. Please use /usr/bin/dnf --help" >&2; exit 1 ;;
  esac
done
exec /usr/bin/dnf.new "$@"
`;
