/** Looks at and changes a systemd unit: the texts behind service/observe and service/set of names.ts. */
import { namedScript } from './prelude.ts';

/** How long a service that was started has to stay up before it counts as up, in seconds, where nobody asks for another time. */
export const stableSecondsDefault = 5;

const needSystemd = `
command -v systemctl >/dev/null && [ -d /run/systemd/system ] || fail NO_SYSTEMD "systemd does not run here"
property() { systemctl show --no-pager -p "$1" -- "$unit" 2>/dev/null | sed -n "s/^$1=//p"; }
# resolve: an alias becomes the unit's own name: what is asked of an alias would last no longer than the alias. One that is
# only written in [Install] counts, since disabling the unit takes it away.
resolve() {
  words=$(systemctl show --no-pager -p LoadState,Id -- "$unit" 2>&1) || fail SERVICE_FAILED "systemctl show $unit failed: $(in_words "$words")"
  case $words in
    *LoadState=not-found*)
      full=$unit
      case $unit in *.service | *.socket | *.timer | *.path | *.mount | *.automount | *.target | *.slice | *.scope | *.swap) ;; *) full=$unit.service ;; esac
      own_name=$(grep -ls '^Alias=' /etc/systemd/system/*.* /run/systemd/system/*.* /usr/lib/systemd/system/*.* /lib/systemd/system/*.* 2>/dev/null | while IFS= read -r one; do
        BELAY_ALIAS=$full awk -F = '$1 == "Alias" { n = split($2, a, /[ \\t]+/); for (i = 1; i <= n; i++) if (a[i] == ENVIRON["BELAY_ALIAS"]) { sub(/^.*\\//, "", FILENAME); print FILENAME } }' "$one"
      done | sort -u)
      case $own_name in '' | *"
"*) ;; *) unit=$own_name ;; esac ;;
    *)
      own_name=$(printf '%s\\n' "$words" | sed -n 's/^Id=//p')
      case $own_name in '' | "$unit" | "$unit".*) ;; *) unit=$own_name ;; esac ;;
  esac
}
# UnitFileState, or what is-enabled says where systemd itself does not know: scripts of System V.
enablement() {
  e=$(property UnitFileState)
  case $e in '' | generated | bad) e=$(systemctl is-enabled -- "$unit" 2>/dev/null | tail -n 1) ;; esac
  printf '%s\\n' "$e"
}
`;

export const observeService = namedScript(
  'service/observe',
  `unit=$1
${needSystemd}
resolve
systemctl show --no-pager -p LoadState,ActiveState,SubState,UnitFileState,Type -- "$unit" >&3 || fail SERVICE_FAILED "systemctl show $unit failed"
`,
);

/**
 * What service/set and file/set know of a unit in `$unit`. systemctl waits for the job itself. What it does not see is a
 * service that dies soon after its start, and one that Restart= brings back again and again: so a service counts as
 * active when it has been so without a break for `$stable` seconds, by the times that systemd itself keeps.
 */
export const unitText = `${needSystemd}
stable=\${stable:-${stableSecondsDefault}} words=
or_dash() { if [ -n "$1" ]; then printf %s "$1"; else printf -- -; fi; }
unit_now() { say "$1" "$(or_dash "$(property ActiveState)") $(or_dash "$(enablement)")"; }
journal() { journalctl --no-pager -q -o short-iso -n 15 -u "$unit" 2>/dev/null || true; }
# ctl VERB...: its words go to the log and stay in \`words\`, without the advice to look elsewhere.
ctl() {
  words=$(systemctl "$@" 2>&1)
  rc=$?
  [ -z "$words" ] || printf '%s\\n' "$words"
  words=$(printf '%s\\n' "$words" | sed -e '/^See .*details/d' -e 's/ See "\\{0,1\\}systemctl status.*$//' -e 's/^See system logs.*$//' -e "s/ See 'journalctl.*$//")
  return $rc
}
# What the unit's own programs said last; systemd's words about it only where they said nothing.
last_words() {
  set -- "\${1:-$unit}"
  last=$(journalctl --no-pager -q -o cat -n 3 "_SYSTEMD_UNIT=$1" 2>/dev/null)
  [ -n "$last" ] || last=$(journalctl --no-pager -q -o cat -n 3 -u "$1" 2>/dev/null)
  printf %s "$last" | tr '\\n' '|' | cut -c 1-400
}
# A start that failed for another unit says so and not for which.
broken_needs() {
  case $words in *'dependency job'*) ;; *) return 0 ;; esac
  for one in $(property Requires) $(property BindsTo) $(property Requisite); do
    [ "$(systemctl is-failed -- "$one" 2>/dev/null)" != failed ] || printf '; %s, which it needs, has failed: %s' "$one" "$(last_words "$one")"
  done
}
broke() {
  report
  journal
  said=$(in_words "$words")
  condition=
  ! unconditioned || condition='; a condition of the unit is not met'
  fail SERVICE_FAILED "$unit $1: $(property ActiveState)/$(property SubState), result $(property Result)$condition\${said:+; systemctl says: $said}; the journal ends: $(last_words "$(property Id)")$(broken_needs)"
}
# Whether what systemd has read of the unit is older than its files. It does not notice a first drop-in in a new folder.
is_outdated() {
  [ "$(property NeedDaemonReload)" != yes ] || return 0
  id=$(property Id) known=" $(property DropInPaths) "
  for one in "/etc/systemd/system/$id.d"/*.conf "/run/systemd/system/$id.d"/*.conf "/usr/lib/systemd/system/$id.d"/*.conf; do
    [ ! -e "$one" ] || case $known in *"/\${one##*/} "*) ;; *) return 0 ;; esac
  done
  return 1
}
read_anew() {
  is_outdated || return 0
  ctl daemon-reload || broke "needs a daemon-reload, and that failed"
  say reread "$unit"
}
# unconditioned: a condition of the unit was looked at and is not met. Of a unit that systemd has let go nothing is known.
unconditioned() { [ "$(property ConditionResult)" = no ] && [ "$(property ConditionTimestampMonotonic)" != 0 ]; }
# What a service is told of cannot be read counts as one: then nothing proves that it is up.
is_service() {
  case $(property Type) in
    oneshot) return 1 ;;
    '') case $(property Id) in '' | *.service) true ;; *) return 1 ;; esac ;;
  esac
}
up_since() { systemctl show --no-pager -p ActiveState -p ActiveEnterTimestampMonotonic -p NRestarts -- "$unit" 2>/dev/null | sort; }
steady() {
  is_service || return 0
  first=$(up_since)
  case $first in *ActiveState=active*) ;; *) return 1 ;; esac
  since=$(printf '%s\\n' "$first" | sed -n 's/^ActiveEnterTimestampMonotonic=//p')
  # In a container that shows an uptime of its own the two clocks differ: then our own watch counts.
  watched=0
  until [ $watched -ge $((stable * 2)) ] || awk -v since="\${since:-0}" -v stable="$stable" '{ exit !($1 - since / 1000000 >= stable) }' /proc/uptime; do
    sleep 0.5
    watched=$((watched + 1))
    [ "$(up_since)" = "$first" ] || return 1
  done
  [ "$(up_since)" = "$first" ]
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
  if [ "$active" = inactive ] && [ "$(property Type)" = oneshot ] && [ "$(property Result)" = success ] && ! unconditioned; then return 0; fi
  [ "$active" = active ] || broke "did not become active"
  steady || {
    again=$(property NRestarts)
    case $again in '' | 0) again= ;; *) again=", and systemd has started it $again times again" ;; esac
    broke "became active and did not stay so for $stable s$again"
  }
}
# killed_since SECONDS: whether systemd ended it by SIGKILL since then, at the end of its time to stop.
killed_since() {
  journalctl --no-pager -q -o cat --since "@$1" -u "$unit" 2>/dev/null | grep -qE 'stop-sig[a-z]+.* timed out' || return 0
  say killed "it had not ended after TimeoutStopSec=, and systemd killed it"
}
start_unit() {
  settled
  if [ "$active" = active ]; then steady || broke "is active and does not stay so"; return 0; fi
  read_anew
  systemctl reset-failed -- "$unit" 2>/dev/null
  ctl start -- "$unit" || broke "could not be started"
  expect_active
}
stop_unit() {
  case $(property ActiveState) in inactive|failed) ;; *)
    began=$(date +%s)
    ctl stop -- "$unit" || broke "could not be stopped"
    settled
    case $active in inactive|failed) ;; *) broke "did not stop" ;; esac
    if [ "$(property Result)" = timeout ]; then say killed "it had not ended after TimeoutStopSec=, and systemd killed it"; else killed_since "$began"; fi ;;
  esac
  for one in $(property TriggeredBy); do
    [ "$(systemctl is-active -- "$one" 2>/dev/null)" != active ] || say trigger "$one"
  done
}
# As before a start that failed: systemd keeps the mark of it, and calls the host degraded, until somebody takes it away.
unfail_unit() { [ "$(property ActiveState)" != failed ] || ctl reset-failed -- "$unit" || broke "could not be cleared of its failure"; }
restart_unit() {
  read_anew
  systemctl reset-failed -- "$unit" 2>/dev/null
  began=$(date +%s)
  ctl restart -- "$unit" || broke "could not be restarted"
  killed_since "$began"
  expect_active
}
reload_unit() {
  [ "$(property CanReload)" = yes ] || fail RELOAD_NOT_SUPPORTED "$unit cannot reload its configuration; use restarted"
  [ "$(property ActiveState)" = active ] || broke "is not active and so cannot be reloaded"
  read_anew
  ctl reload -- "$unit" || broke "could not be reloaded"
  expect_active
}
`;

export const setService = namedScript(
  'service/set',
  `unit=$1 state=$2 enabled=$3 stable=\${4:-}
${unitText}
report() { unit_now is; }
resolve
case $(property LoadState) in
  not-found) fail UNIT_NOT_FOUND "there is no unit $unit" ;;
  masked) case $state:$enabled in -:- | -:disabled | stopped:- | stopped:disabled | inactive:- | inactive:disabled) ;; *) fail UNIT_MASKED "$unit is masked: systemctl unmask it first" ;; esac ;;
esac
unit_now was
unlike() { report; fail NOT_ENABLED "$unit $1"; }
# is_as WANTED NOW: whether a unit that is NOW is what was asked for. What nothing can start at boot is disabled enough.
is_as() {
  case $1:$2 in
    "$2:$1") true ;;
    disabled:static | disabled:masked | disabled:masked-runtime | disabled:indirect | disabled:linked | disabled:linked-runtime | disabled:transient) true ;;
    *) false ;;
  esac
}
set_enablement() {
  now=$(enablement)
  is_as "$1" "$now" && return 0
  case $1:$now in
    enabled:static) unlike "cannot be enabled: it is static, its file has no [Install] section that says what would start it at boot" ;;
    enabled:indirect) unlike "cannot be enabled itself: it is indirect, its [Install] section names only other units ($(property FragmentPath))" ;;
    enabled:transient) unlike "cannot be enabled: it is transient, no file describes it" ;;
  esac
  case $1 in
    enabled) ctl enable -- "$unit" || unlike "could not be enabled; systemctl says: $(in_words "$words")" ;;
    disabled) ctl disable -- "$unit" || unlike "could not be disabled; systemctl says: $(in_words "$words")" ;;
    enabled-runtime)
      ctl disable -- "$unit"
      [ "$(enablement)" = enabled-runtime ] || ctl enable --runtime -- "$unit" ;;
    linked | linked-runtime)
      # To disable it is to remove the link itself.
      fragment=$(readlink -f -- "$(property FragmentPath)")
      ctl disable -- "$unit"
      case $1 in linked) ctl link -- "$fragment" ;; *) ctl link --runtime -- "$fragment" ;; esac ;;
  esac
  asked=$words now=$(enablement)
  is_as "$1" "$now" && return 0
  why=
  case $1:$now in
    disabled:enabled-runtime) why=': something in /run enables it anew at each boot, as a generator does' ;;
    *:) why=': systemd does not say what it is' ;;
  esac
  asked=$(in_words "$asked")
  unlike "was asked to be $1 and is \${now:-of unknown enablement} afterwards$why\${asked:+; systemctl says: $asked}"
}
[ "$enabled" = - ] || set_enablement "$enabled"
# Once more, after what it has read is back. What does not run has read nothing.
once_more() { [ "$(property ActiveState)" != active ] || { "$1"; say again "$unit"; }; }
case $state in
  started) start_unit ;;
  stopped) stop_unit ;;
  inactive)
    stop_unit
    unfail_unit ;;
  restarted) restart_unit ;;
  reloaded) reload_unit ;;
  restarted-again) once_more restart_unit ;;
  reloaded-again) once_more reload_unit ;;
esac
report
`,
);

/**
 * For scripts that write files, from the folder that was entered: systemd keeps what it has read of unit files and of
 * /etc/fstab, and would start the former state of a unit. Loading starts and stops nothing. `$1`: yes where the file
 * was changed just now.
 */
export const rereadText = `
reread_units() {
  command -v systemctl >/dev/null && [ -d /run/systemd/system ] || return 0
  case $here/$leaf in
    /etc/fstab | /etc/crypttab) stale=$1 one=$leaf ;;
    */systemd/system/*@.* | */systemd/system/*@.*.d/*.conf) stale=$1 one=$leaf ;;
    */systemd/system/*.d/*.conf) one=\${here##*/} one=\${one%.d} stale=$1 ;;
    */systemd/system/*) one=$leaf stale=ask ;;
    *) return 0 ;;
  esac
  if [ "$stale" = ask ]; then stale=$(systemctl show --no-pager -p NeedDaemonReload -- "$one" 2>/dev/null | sed -n 's/^NeedDaemonReload=//p'); fi
  [ "$stale" = yes ] || return 0
  words=$(systemctl daemon-reload 2>&1) || fail SERVICE_FAILED "$path was changed, and systemd could not read it (daemon-reload): $(in_words "$words")"
  say reread "$one"
}
`;
