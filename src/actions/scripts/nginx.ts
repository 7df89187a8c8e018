/**
 * Marks one server of an nginx upstream as down or up, and proves that nginx acts on it: the texts behind nginx/* of
 * names.ts.
 *
 * What proves that no new request reaches a server is the end of every worker that was started before the reload: each
 * worker knows one configuration for all its life, and its connections end with it. `systemctl reload` says nothing:
 * it returns before, and also where nginx keeps the old workers because it cannot use the new configuration.
 */
import { keptText } from './file.ts';
import { upstreamText } from './nginx-upstream.ts';
import { namedScript } from './prelude.ts';
import { stagingText } from './staging.ts';

export const observeUpstream = namedScript(
  'nginx/observe',
  `upstream=$2 server=$3
${stagingText}${keptText}${upstreamText}
arrive "$1"
only_files
[ "$l_kind" = file ] || fail NGINX_NO_SERVER "there is no file $path"
find_line
say sha256 "$l_sha"
say upstream "$upstream"
say flag "$flag"
`,
);

const nginxText = `${stagingText}${keptText}${upstreamText}
command -v nginx >/dev/null || fail NO_NGINX "nginx is not installed"
# In one line, without what nginx puts before and after its reason.
spoken() { printf '%s\\n' "$1" | sed 's/^nginx: //; /configuration file .* test failed/d; /syntax is ok/d' | tr '\\n' '|' | sed 's/|$//' | cut -c 1-600; }
accepted() { nginx_said=$(nginx -t 2>&1); }
master_pid() {
  p=$(systemctl show -p MainPID -- nginx 2>/dev/null | sed -n 's/^MainPID=//p')
  [ "\${p:-0}" != 0 ] || p=$(cat /run/nginx.pid 2>/dev/null)
  case $(tr '\\0' ' ' <"/proc/\${p:-0}/cmdline" 2>/dev/null) in 'nginx: master'*) echo "$p" ;; *) return 1 ;; esac
}
# "PID old|new" of every worker; old: it has been told to end.
workers() {
  for stat in /proc/[0-9]*/stat; do
    line=$(cat "$stat" 2>/dev/null) || continue
    set -- \${line##*) }
    [ "\${2:-}" = "$master" ] || continue
    pid=\${stat#/proc/} pid=\${pid%/stat}
    case $(tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
      'nginx: worker process is shutting down'*) echo "$pid old" ;;
      'nginx: worker process'*) echo "$pid new" ;;
    esac
  done
}
is_included() {
  nginx -T 2>/dev/null | sed -n 's/^# configuration file \\(.*\\):$/\\1/p' | while read -r one; do
    [ "$(readlink -f -- "$one")" = "$here/$leaf" ] && echo yes
  done | grep -q yes
}
replace() { # with what stands in $1
  room "$key"
  look "../$leaf"
  [ "$l_kind" = file ] || fail CHANGED_MEANWHILE "$path has gone since it was looked at"
  fresh
  like "$leaf"
  fill <"$1"
  publish "$leaf"
  leave
}
# change FLAG: what was there is kept at $keep/$key.last, and is back again when nginx refuses the change.
change() {
  (umask 077 && bytes "./$leaf" >"$keep/$key.last" && edit "$1" >"$keep/$key.next") || fail WRITE_FAILED "cannot write in $keep: is the file system full?"
  : >"$keep/$key.reload"
  replace "$keep/$key.next"
  printf '%s\\n' "$put_sha" >"$keep/$key.left"
  refused_put_back
}
refused_put_back() {
  accepted && return 0
  replace "$keep/$key.last"
  rm -f -- "$keep/$key.reload" "$keep/$key.left"
  fail NGINX_REFUSED "nginx refuses the changed $path, so it is as it was and nothing was reloaded: $(spoken "$nginx_said")"
}
reload() {
  before=$(workers | cut -d ' ' -f 1 | tr '\\n' ' ')
  if systemctl is-active -q nginx 2>/dev/null; then systemctl reload nginx; else nginx -s reload; fi || fail NGINX_RELOAD_FAILED "nginx could not be told to reload"
  tries=0
  until workers | awk -v before=" $before" '$2 == "new" && index(before, " " $1 " ") == 0 { found = 1 } END { exit !found }'; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || fail NGINX_RELOAD_FAILED "nginx was told to reload and started no new worker in 10 s; it said: $(spoken "$(journalctl -q --no-pager -o cat -n 3 -u nginx 2>/dev/null; tail -n 3 /var/log/nginx/error.log 2>/dev/null)")"
    sleep 0.2
  done
}
# Of those that ran before the reload: nginx starts the new ones first, so for a while both answer.
old_workers_end() {
  deadline=$(($(date +%s) + within))
  while :; do
    left=
    for pid in $before; do workers | grep -q "^$pid " && left="$left $pid"; done
    [ -n "$left" ] || break
    [ "$(date +%s)" -lt $deadline ] || fail NGINX_OLD_WORKERS "$server is marked down, and $(echo $left | wc -w) worker(s) of nginx ($(echo $left)) that still know it as serving have not ended $within s after the reload: they have long-lived connections. worker_shutdown_timeout in nginx.conf bounds that"
    sleep 0.2
  done
}
`;

export const setUpstream = namedScript(
  'nginx/set',
  `key=$1 upstream=$3 server=$4 wanted=$5 previous=$6 within=$7 quiet=$8 log=$9
${nginxText}
arrive "$2"
only_files
[ "$l_kind" = file ] || fail NGINX_NO_SERVER "there is no file $path"
find_line
was=$flag
say was "$flag"
master=$(master_pid) || fail NGINX_NOT_RUNNING "nginx does not run; nothing was changed"
accepted || fail NGINX_REFUSED "nginx refuses its configuration even as it is, so nothing was changed: $(spoken "$nginx_said")"
is_included || fail NGINX_NOT_INCLUDED "nginx does not read $path (nginx -T names what it reads); nothing was changed"
if [ "$wanted" = down ] && [ "$flag" != down ]; then
  servers | awk -v u="$upstream" -v s="$server" '$1 == u && $2 != s && $3 != "down" { found = 1 } END { exit !found }' ||
    fail LAST_SERVER "$server is the last server of the upstream $upstream that serves: without it every request would fail; nothing was changed"
fi
keep_folder nginx
keep_bytes "./$leaf" "$keep/$key" "$previous"
case $wanted:$flag in down:down | up:up | up:backup) ;; *) change "$wanted" ;; esac
find_line
say is "$flag"
# Also when the line was so already: nobody knows whether the workers have read it.
reload
rm -f -- "$keep/$key.reload"
[ "$wanted" = down ] || exit 0

old_workers_end
say ended "$(echo $before | wc -w)"

# Every address that the name stands for, as nginx logs it: 10.0.0.1:9000 or [::1]:9000.
case $server in
  \\[*\\] | [![]*[!:]) name=$server port=80 ;;
esac
case $server in \\[*\\]:* | [![]*:*) name=\${server%:*} port=\${server##*:} ;; esac
name=\${name#[} name=\${name%]}
case $server in
  unix:*) addresses=$server ;;
  *) addresses=$(getent ahosts "$name" | awk -v p="$port" '{ a = $1 ~ /:/ ? "[" $1 "]" : $1; print a ":" p }' | sort -u) ;;
esac
mark=0
if [ "$log" != - ]; then
  [ -r "$log" ] || fail NO_SUCH_LOG "the AccessLog $log cannot be read; $server is marked down, and no worker is left that would send it a request"
  mark=$(stat -L -c %s -- "$log")
fi
sleep "$quiet"
if [ "$log" != - ]; then
  [ "$(stat -L -c %s -- "$log")" -ge "$mark" ] || mark=0
  tail -c +$((mark + 1)) -- "$log" >"$keep/$key.log"
  hits=0
  for a in $addresses; do hits=$((hits + $(grep -cwF -- "$a" "$keep/$key.log"))); done
  say requests "$(wc -l <"$keep/$key.log") $hits"
  rm -f -- "$keep/$key.log"
  [ "$hits" = 0 ] || fail NGINX_STILL_SERVED "$server is marked down in $upstream, and $hits request(s) went to it afterwards, says $log: something else in the configuration names it too"
fi
# An open connection of the new workers is one that something else than this upstream made.
if command -v ss >/dev/null; then
  for a in $addresses; do
    case $a in unix:*) continue ;; esac
    n=$(ss -Htnp state established "dst $a" 2>/dev/null | grep -c '"nginx"')
    [ "$n" = 0 ] || fail NGINX_STILL_SERVED "$server is marked down in $upstream, and nginx has $n open connection(s) to $a all the same: something else in the configuration names it too"
  done
fi
`,
);

export const restoreUpstream = namedScript(
  'nginx/restore',
  `key=$1 upstream=$3 server=$4 wanted=$5 previous=$6 within=$7
${nginxText}
arrive "$2"
only_files
[ "$l_kind" = file ] || fail NGINX_NO_SERVER "there is no file $path any more"
keep_folder nginx
now=$l_sha
if [ "$now" = "$previous" ]; then
  flag=$wanted
  say was "$wanted"
else
  find_line
  say was "$flag"
  if [ -f "$keep/$key.left" ] && [ "$now" = "$(cat "$keep/$key.left")" ]; then
    [ -f "$keep/$key" ] && [ "$(sha_of "$keep/$key")" = "$previous" ] || fail BACKUP_MISSING "the previous $path is no longer kept at $keep/$key"
    (umask 077 && bytes "./$leaf" >"$keep/$key.last") || fail WRITE_FAILED "cannot write in $keep: is the file system full?"
    : >"$keep/$key.reload"
    replace "$keep/$key"
    refused_put_back
  else
    # Somebody else has edited the file since: only the server's own line is put back.
    case $wanted:$flag in down:down | up:up | up:backup) ;; *) change "$wanted"; say edited yes ;; esac
  fi
fi
find_line
say is "$flag"
if [ -f "$keep/$key.reload" ] && master=$(master_pid); then
  reload
  # The mark of the reload stays until then: an undo that dies here begins with it.
  if [ "$flag" = down ]; then old_workers_end; fi
fi
rm -f -- "$keep/$key" "$keep/$key".*
`,
);
