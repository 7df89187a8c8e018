/** Looks at and changes a systemd unit: the texts behind service/observe and service/set of names.ts. */
import { namedScript } from './prelude.ts';

const needSystemd = `
command -v systemctl >/dev/null && [ -d /run/systemd/system ] || fail NO_SYSTEMD "systemd does not run here"
property() { systemctl show --no-pager -p "$1" -- "$unit" | sed -n "s/^$1=//p"; }
`;

export const observeService = namedScript(
  'service/observe',
  `unit=$1
${needSystemd}
systemctl show --no-pager -p LoadState,ActiveState,SubState,UnitFileState,Type -- "$unit" >&3 || fail SERVICE_FAILED "systemctl show $unit failed"
`,
);

/**
 * What service/set and file/set know of a unit in `$unit`. systemctl waits for the job itself. What it does not see is a
 * unit of Type=simple or exec that dies right after its start, and one that Restart= brings back again and again: so the
 * unit is looked at once more half a second later.
 */
export const unitText = `${needSystemd}
or_dash() { if [ -n "$1" ]; then printf %s "$1"; else printf -- -; fi; }
unit_now() { say "$1" "$(or_dash "$(property ActiveState)") $(or_dash "$(property UnitFileState)")"; }
journal() { journalctl --no-pager -q -o short-iso -n 15 -u "$unit" 2>/dev/null || true; }
# What the unit's own programs said last; systemd's words about it only where they said nothing.
last_words() {
  words=$(journalctl --no-pager -q -o cat -n 3 "_SYSTEMD_UNIT=$(property Id)" 2>/dev/null)
  [ -n "$words" ] || words=$(journalctl --no-pager -q -o cat -n 3 -u "$unit" 2>/dev/null)
  printf %s "$words" | tr '\\n' '|' | cut -c 1-400
}
broke() { report; journal; fail SERVICE_FAILED "$unit $1: $(property ActiveState)/$(property SubState), result $(property Result); the journal ends: $(last_words)"; }
steady() {
  case $(property Type) in
    simple|exec|idle) ;;
    *) return 0 ;;
  esac
  restarts=$(property NRestarts)
  sleep 0.5
  [ "$(property NRestarts)" = "$restarts" ]
}
settled() {
  tries=0
  while :; do
    active=$(property ActiveState)
    case $active in
      activating|deactivating|reloading|refreshing) ;;
      *) return 0 ;;
    esac
    # A unit that waits to be restarted after a failure would be "activating" for ever.
    [ "$(property SubState)" = auto-restart ] && return 0
    tries=$((tries + 1)); [ $tries -lt 600 ] || return 0
    sleep 0.5
  done
}
expect_active() {
  settled
  if [ "$active" = inactive ] && [ "$(property Type)" = oneshot ] && [ "$(property Result)" = success ]; then return 0; fi
  [ "$active" = active ] || broke "did not become active"
  steady && [ "$(property ActiveState)" = active ] || broke "became active and did not stay so"
}
start_unit() {
  settled
  [ "$active" = active ] && return 0
  systemctl reset-failed -- "$unit" 2>/dev/null
  systemctl start -- "$unit" || broke "could not be started"
  expect_active
}
stop_unit() {
  case $(property ActiveState) in inactive|failed) return 0 ;; esac
  systemctl stop -- "$unit" || broke "could not be stopped"
  settled
  case $active in inactive|failed) ;; *) broke "did not stop" ;; esac
}
restart_unit() {
  systemctl reset-failed -- "$unit" 2>/dev/null
  systemctl restart -- "$unit" || broke "could not be restarted"
  expect_active
}
reload_unit() {
  [ "$(property CanReload)" = yes ] || fail RELOAD_NOT_SUPPORTED "$unit cannot reload its configuration; use restarted"
  [ "$(property ActiveState)" = active ] || broke "is not active and so cannot be reloaded"
  systemctl reload -- "$unit" || broke "could not be reloaded"
  expect_active
}
`;

export const setService = namedScript(
  'service/set',
  `unit=$1 state=$2 enabled=$3
${unitText}
report() { unit_now is; }
case $(property LoadState) in
  not-found) fail UNIT_NOT_FOUND "there is no unit $unit" ;;
  masked) [ "$state" = stopped ] || [ "$state$enabled" = -disabled ] || fail UNIT_MASKED "$unit is masked: systemctl unmask it first" ;;
esac
unit_now was
if [ "$enabled" = enabled ] && [ "$(property UnitFileState)" != enabled ]; then
  systemctl enable -- "$unit" || fail SERVICE_FAILED "systemctl enable $unit failed"
elif [ "$enabled" = disabled ] && [ "$(property UnitFileState)" != disabled ]; then
  systemctl disable -- "$unit" || fail SERVICE_FAILED "systemctl disable $unit failed"
fi
case $state in
  started) start_unit ;;
  stopped) stop_unit ;;
  restarted) restart_unit ;;
  reloaded) reload_unit ;;
esac
report
`,
);
