/**
 * Looks at, changes and puts back a user's authorized_keys: the texts behind authorized-keys/* of names.ts.
 *
 * Lines are told apart by the body of their key. A file is replaced by renaming a finished one over it. What was there
 * before is kept on the host under a key, with the lines that were taken and added, until it is put back.
 */
import { namedScript } from './prelude.ts';
import { stagingText } from './staging.ts';

const keysText = `${stagingText}
set -f
# body LINE: the key of a line, quoted options left out; the same rule as src/actions/public-key.ts.
bodies='function body(line,  n, f, i) {
  if (line ~ /^[ \\t]*(#|\\r?$)/) return ""
  sub(/\\r$/, "", line); gsub(/"([^"\\\\]|\\\\.)*"/, "", line)
  n = split(line, f, /[ \\t]+/)
  for (i = 1; i < n; i++) if (f[i] ~ /^(sk-)?(ssh|ecdsa)-/ && f[i + 1] ~ /^AAAA/) return f[i + 1]
  return "" }'
# Both read standard input to its end.
count_keys() { awk "$bodies"' body($0) != "" { n++ } END { print n + 0 }'; }
holds() { awk -v wanted="$1" "$bodies"' body($0) == wanted { found = 1 } END { exit !found }'; }
sha_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
# state_now: what the last look has found.
state_now() { if [ "$l_kind" = file ]; then echo "file $l_sha $l_uid:$l_gid $l_mode"; else echo "$l_kind - - -"; fi; }
# expand PATTERN: AuthorizedKeysFile's tokens, sshd_config(5); what is not absolute lies in the home.
expand() {
  rest=$1 out=
  while case $rest in *%*) true ;; *) false ;; esac; do
    out=$out\${rest%%%*} rest=\${rest#*%}
    case $rest in h*) out=$out$home ;; u*) out=$out$user ;; U*) out=$out$uid ;; %*) out=$out% ;; esac
    rest=\${rest#?}
  done
  out=$out$rest
  case $out in /*) ;; *) out=$home/$out ;; esac
  printf '%s\\n' "$at$out"
}
# locate: uid, gid, home, path, and the other files that sshd reads for the user.
locate() {
  at= said= lookup=none
  if [ "$root" = - ]; then entry=$(getent passwd "$user")
  else
    at=\${root%/}
    [ -f "$at/etc/passwd" ] || fail NO_SUCH_ROOT "there is no $at/etc/passwd: is the volume mounted there?"
    entry=$(awk -F : -v user="$user" '$1 == user { print; exit }' "$at/etc/passwd")
  fi
  [ -n "$entry" ] || fail NO_SUCH_USER "there is no user $user"
  uid=$(printf '%s\\n' "$entry" | cut -d : -f 3) gid=$(printf '%s\\n' "$entry" | cut -d : -f 4)
  home=$(printf '%s\\n' "$entry" | cut -d : -f 6); home=\${home%/}
  patterns=
  if [ "$root" = - ]; then
    said=$(sshd -T -C "user=$user,host=localhost,addr=127.0.0.1" 2>/dev/null) || said=
    patterns=$(printf '%s\\n' "$said" | sed -n 's/^authorizedkeysfile //p')
    lookup=$(printf '%s\\n' "$said" | sed -n 's/^authorizedkeyscommand //p')
  elif [ -f "$at/etc/ssh/sshd_config" ]; then
    patterns=$(awk 'tolower($1) == "match" { exit } tolower($1) == "authorizedkeysfile" { $1 = ""; print; exit }' "$at/etc/ssh/sshd_config")
  fi
  [ -n "$patterns" ] || patterns='.ssh/authorized_keys .ssh/authorized_keys2'
  path= others=
  for pattern in $patterns; do
    [ "$pattern" != none ] || fail NO_KEYS_FILE "sshd reads no authorized_keys for $user (AuthorizedKeysFile none)"
    if [ -z "$path" ]; then path=$(expand "$pattern"); else others="$others $(expand "$pattern")"; fi
  done
  folder=\${path%/*}
}
# come_to PATH: into its folder, at the system's own root or at that of a mounted one, and looks. A folder that somebody
# else may write is left by no link.
come_to() {
  top=
  if [ "$root" != - ]; then enter "\${at:-/}" || fail NO_SUCH_ROOT "there is no folder $at"; top=$here; fi
  arrive "$top\${1#"$at"}" "$top"
}
come() {
  shown=$path
  come_to "$path"
  path=$shown
  only_files
}
# elsewhere BODY...: where else these keys, or keys of the user, come from.
elsewhere() {
  [ "$root" != - ] || [ -n "$said" ] || say elsewhere "sshd -T could not be asked, so $path is taken for granted"
  [ "\${lookup:-none}" = none ] || say elsewhere "sshd also asks AuthorizedKeysCommand $lookup for keys of $user"
  # Of other users, in folders of theirs: read as carefully as what is changed, and never waited for.
  for file in $others; do
    n=$(keys_in "$file" | count_keys)
    [ "$n" = 0 ] || say elsewhere "sshd also reads $file, with $n keys"
  done
  if [ "$root" = - ]; then getent passwd; else cat "$at/etc/passwd"; fi | cut -d : -f 1,6 | while IFS=: read -r who home_of; do
    for file in "$at$home_of/.ssh/authorized_keys" "$at$home_of/.ssh/authorized_keys2"; do
      [ "$file" != "$path" ] && [ -f "$file" ] || continue
      for body; do if keys_in "$file" | holds "$body"; then say elsewhere "$who has the key in $file as well"; fi; done
    done
  done
}
keys_in() { [ ! -f "$1" ] || (come_to "$1"; [ "$l_kind" != file ] || bytes "./$leaf") 3>/dev/null 2>&1; }
# stage: ./belay-new in a room, with the ownership, mode and context that the file has now, and without the right of others to write.
# sshd reads the file as the user: one that belongs to root keeps its mode.
stage() {
  if [ -n "$gone" ]; then make_folder; fi
  case $folder in "$top$home"/*) [ "$folder_uid" != "$uid" ] || chmod go-w . ;; esac
  room "$key"
  fresh
  if [ "$l_kind" = file ]; then
    like "$leaf"
    chmod go-w ./belay-new
  else
    words=$( { chown "$uid:$gid" ./belay-new && chmod 0600 ./belay-new; } 2>&1) || fail WRITE_FAILED "cannot give $path to $user: $(in_words "$words")"
    [ "$root" != - ] || label "$path" ./belay-new
  fi
}
# make_folder: finished in a room of the folder above, where its owner cannot exchange it before it is his.
make_folder() {
  enter "\${folder%/*}" "$top" || fail WRITE_FAILED "there is no folder \${folder%/*}"
  room "$key"
  words=$( (umask 077 && rm -rf ./made && mkdir ./made && chown "$uid:$gid" ./made && chmod 0700 ./made) 2>&1) || fail WRITE_FAILED "cannot make $folder: $(in_words "$words")"
  [ "$root" != - ] || label "$folder" ./made
  move ./made "../\${folder##*/}" || { rm -rf ./made; fail WRITE_FAILED "cannot make $folder: $(in_words "$words")"; }
  leave
  come
  [ -z "$gone" ] || fail CHANGED_MEANWHILE "$folder was made and is gone again: somebody else removes it"
}
report() {
  say is "$(state_now)"
  if [ "$l_kind" = file ]; then say keys "$(bytes "./$leaf" | count_keys)"; else say keys 0; fi
}
`;

export const observeAuthorizedKeys = namedScript(
  'authorized-keys/observe',
  `user=$1 root=$2; shift 2
${keysText}
locate
say path "$path"
come
say is "$(state_now)"
if [ "$l_kind" = file ]; then
  for body; do if bytes "./$leaf" | holds "$body"; then say has "$body"; fi; done
fi
`,
);

export const setAuthorizedKeys = namedScript(
  'authorized-keys/set',
  `key=$1 user=$2 root=$3 state=$4 proven=$5; shift 5
${keysText}
locate
come
keep_folder authorized-keys
record=$keep/$key
present=$(umask 077 && mktemp "$keep/.now.XXXXXX") || fail WRITE_FAILED "cannot write into $keep"
lines=$(umask 077 && mktemp "$keep/.new.XXXXXX") || fail WRITE_FAILED "cannot write into $keep"
trap 'leave; rm -f -- "$present" "$lines"' EXIT
cat >"$lines"
if [ "$l_kind" = file ]; then bytes "./$leaf" >"$present" || fail WRITE_FAILED "$path cannot be read"; fi
[ "$l_kind" != file ] || [ "$(sha_of "$present")" = "$l_sha" ] || fail CHANGED_MEANWHILE "$path was changed while it was looked at; nothing was changed"
# The first attempt alone knows what was there before.
if [ ! -f "$record.was" ]; then
  cat -- "$present" >"$record.bytes" && : >"$record.did" && : >"$record.lines" || fail WRITE_FAILED "cannot keep the previous $path in $keep"
  if [ -z "$gone" ]; then had=folder; else had=nothing; fi
  printf '%s\\n%s\\n' "$(state_now)" "$had" >"$record.new" && sync && mv -f -- "$record.new" "$record.was" || fail WRITE_FAILED "cannot keep the previous $path in $keep"
fi
say was "$(head -n 1 "$record.was")"
wanted=$(umask 077 && mktemp "$keep/.next.XXXXXX") || fail WRITE_FAILED "cannot write into $keep"
trap 'leave; rm -f -- "$present" "$lines" "$wanted"' EXIT
cat -- "$present" >"$wanted" || fail WRITE_FAILED "cannot write into $keep"
did=
for body; do
  if [ "$state" = present ]; then
    if ! holds "$body" <"$wanted"; then
      if [ -s "$wanted" ] && [ -n "$(tail -c 1 "$wanted")" ]; then echo >>"$wanted"; fi
      awk -v wanted="$body" "$bodies"' body($0) == wanted { print; exit }' <"$lines" >>"$wanted" || fail WRITE_FAILED "cannot write into $keep"
      did="$did added:$body"
    fi
  elif holds "$body" <"$wanted"; then
    awk -v wanted="$body" "$bodies"' body($0) == wanted' <"$wanted" >>"$record.lines" &&
      awk -v wanted="$body" "$bodies"' body($0) != wanted' <"$wanted" >"$lines" && cat -- "$lines" >"$wanted" || fail WRITE_FAILED "cannot write into $keep"
    did="$did removed:$body"
  fi
done
if [ -n "$did" ]; then
  if [ "$state" = absent ]; then
    [ "$(count_keys <"$wanted")" != 0 ] || fail LAST_KEY "no key of $user would be left in $path; nothing was changed"
    [ "$proven" = - ] || holds "$proven" <"$wanted" || fail PROVEN_KEY_MISSING "the key that was proven is not in $path; nothing was changed"
  fi
  for one in $did; do printf '%s\\n' "$one"; done >>"$record.did"
  stage
  fill <"$wanted"
  sha_of ./belay-new >"$record.after"
  publish "$leaf"
  leave
  look "./$leaf"
fi
for one in $(sort -u "$record.did"); do say "\${one%%:*}" "\${one#*:}"; done
report
elsewhere "$@"
`,
);

export const restoreAuthorizedKeys = namedScript(
  'authorized-keys/restore',
  `key=$1 user=$2 root=$3 before=$4 changed=$5
${keysText}
locate
come
keep_folder authorized-keys
record=$keep/$key
say was "$(state_now)"
forget() { rm -f -- "$record.was" "$record.bytes" "$record.did" "$record.lines" "$record.after"; }
if [ ! -f "$record.was" ]; then
  [ "$changed" = no ] || [ "$(state_now)" = "$before" ] ||
    fail BACKUP_MISSING "what was done to $path is no longer kept at $record"
  report
  exit 0
fi
then=$(head -n 1 "$record.was")
if [ "$(state_now)" = "$then" ] || [ ! -s "$record.did" ]; then report; forget; exit 0; fi
for one in $(sort -u "$record.did"); do
  case $one in added:*) say removed "\${one#*:}" ;; *) say added "\${one#*:}" ;; esac
done
if [ "$l_kind" = file ] && [ "$l_sha" = "$(cat "$record.after")" ]; then
  # Nobody has touched it since: exactly as it was.
  case $then in
    absent*)
      take_away "$leaf"
      if [ "$(tail -n 1 "$record.was")" = nothing ]; then (enter "\${folder%/*}" "$top" && rmdir -- "./\${folder##*/}") 2>/dev/null || true; fi ;;
    *)
      stage
      fill <"$record.bytes"
      set -- $then
      [ "$(sha_of ./belay-new)" = "$2" ] || fail BACKUP_DAMAGED "what is kept at $record.bytes is not the previous $path: its sha256 differs"
      own "\${3%:*}" "\${3#*:}" "$4"
      publish "$leaf"
      leave ;;
  esac
else
  # Somebody has changed it since: only our own lines go, or come back.
  say touched yes
  had_file=$l_kind
  stage
  if [ "$had_file" = file ]; then bytes "../$leaf" >./belay-new || fail CHANGED_MEANWHILE "$path cannot be read any more"; fi
  had_keys=$(count_keys <./belay-new)
  for one in $(sort -u "$record.did"); do
    body=\${one#*:}
    case $one in
      added:*)
        awk -v wanted="$body" "$bodies"' body($0) != wanted' <./belay-new >"$record.new" && cat -- "$record.new" >./belay-new || fail WRITE_FAILED "cannot write beside $path" ;;
      *)
        holds "$body" <./belay-new && continue
        if [ -s ./belay-new ] && [ -n "$(tail -c 1 ./belay-new)" ]; then echo >>./belay-new; fi
        awk -v wanted="$body" "$bodies"' body($0) == wanted && !seen[$0]++' <"$record.lines" >>./belay-new || fail WRITE_FAILED "cannot write beside $path" ;;
    esac
  done
  rm -f -- "$record.new"
  [ "$had_file" != file ] || [ "$had_keys" = 0 ] || [ "$(count_keys <./belay-new)" != 0 ] ||
    fail LAST_KEY "$path was changed since, and without the key of this step it would hold none; nothing was changed"
  publish "$leaf"
  leave
fi
look "./$leaf"
report
forget
`,
);

/** By which key the connection that asks has logged in, as this host's sshd has written it down. */
export const observeConnection = namedScript(
  'authorized-keys/connection',
  `pid=\${BELAY_SESSION:-$$} sessions=
while [ "\${pid:-0}" -gt 1 ]; do
  case $(cat "/proc/$pid/comm" 2>/dev/null) in sshd|sshd-session) sessions="$sessions $pid" ;; esac
  pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
done
if [ -z "$sessions" ]; then say over other; exit 0; fi
say over ssh
for session in $sessions; do
  line=$(journalctl -q -b -o cat "_PID=$session" 2>/dev/null | grep '^Accepted ' | tail -n 1)
  [ -n "$line" ] || line=$(cat /var/log/auth.log /var/log/secure 2>/dev/null | grep "sshd[^ ]*\\[$session\\]: Accepted " | tail -n 1 | sed 's/^.*\\(Accepted \\)/\\1/')
  [ -z "$line" ] || say accepted "$line"
done
`,
);
