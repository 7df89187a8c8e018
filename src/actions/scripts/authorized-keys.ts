/**
 * Looks at, changes and puts back a user's authorized_keys: the texts behind authorized-keys/* of names.ts.
 *
 * Lines are told apart by the body of their key. A file is replaced by renaming a finished one over it. What was there
 * before is kept on the host under a key, with the lines that were taken and added, until it is put back.
 */
import { namedScript } from './prelude.ts';

const keysText = `
set -f
# body LINE: the key of a line, quoted options left out; the same rule as src/actions/public-key.ts.
bodies='function body(line,  n, f, i) {
  if (line ~ /^[ \\t]*(#|\\r?$)/) return ""
  sub(/\\r$/, "", line); gsub(/"([^"\\\\]|\\\\.)*"/, "", line)
  n = split(line, f, /[ \\t]+/)
  for (i = 1; i < n; i++) if (f[i] ~ /^(sk-)?(ssh|ecdsa)-/ && f[i + 1] ~ /^AAAA/) return f[i + 1]
  return "" }'
count_keys() { awk "$bodies"' body($0) != "" { n++ } END { print n + 0 }' <"$1"; }
holds() { awk -v wanted="$2" "$bodies"' body($0) == wanted { found = 1 } END { exit !found }' <"$1"; }
sha_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
mode_of() { m=$(stat -c %a -- "$1"); while [ \${#m} -lt 4 ]; do m=0$m; done; echo "$m"; }
state_of() {
  if [ -L "$path" ]; then echo "symlink - - -"
  elif [ -f "$path" ]; then echo "file $(sha_of "$path") $(stat -c %u:%g -- "$path") $(mode_of "$path")"
  elif [ -e "$path" ]; then echo "other - - -"
  else echo "absent - - -"; fi
}
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
only_files() {
  if [ -L "$folder" ]; then fail NOT_A_FILE "$folder is a symbolic link; keys are not written through links"; fi
  case $(state_of) in
    file*|absent*) ;;
    symlink*) fail NOT_A_FILE "$path is a symbolic link to $(readlink "$path"); keys are not written through links" ;;
    *) fail NOT_A_FILE "$path is no plain file" ;;
  esac
}
# elsewhere BODY...: where else these keys, or keys of the user, come from.
elsewhere() {
  [ "$root" != - ] || [ -n "$said" ] || say elsewhere "sshd -T could not be asked, so $path is taken for granted"
  [ "\${lookup:-none}" = none ] || say elsewhere "sshd also asks AuthorizedKeysCommand $lookup for keys of $user"
  for file in $others; do
    [ -f "$file" ] && [ "$(count_keys "$file")" != 0 ] && say elsewhere "sshd also reads $file, with $(count_keys "$file") keys"
  done
  if [ "$root" = - ]; then getent passwd; else cat "$at/etc/passwd"; fi | cut -d : -f 1,6 | while IFS=: read -r who where; do
    for file in "$at$where/.ssh/authorized_keys" "$at$where/.ssh/authorized_keys2"; do
      [ "$file" != "$path" ] && [ -f "$file" ] || continue
      for body; do if holds "$file" "$body"; then say elsewhere "$who has the key in $file as well"; fi; done
    done
  done
}
tmp=
trap 'if [ -n "$tmp" ]; then rm -f -- "$tmp"; fi' EXIT
trap 'exit 143' TERM INT HUP
# stage: a file beside the path that nobody else can write, with the ownership, mode and context that the path has now.
# sshd reads the file as the user: one that belongs to root keeps its mode, only the right to write of others goes.
stage() {
  if [ ! -d "$folder" ]; then
    (umask 077 && mkdir "$folder") || fail WRITE_FAILED "cannot make $folder"
    chown "$uid:$gid" "$folder" && chmod 0700 "$folder" || fail WRITE_FAILED "cannot give $folder to $user"
    if [ "$root" = - ] && command -v restorecon >/dev/null; then restorecon -- "$folder" || true; fi
  fi
  case $folder in "$at$home"/*) [ "$(stat -c %u -- "$folder")" != "$uid" ] || chmod go-w -- "$folder" ;; esac
  tmp=$(umask 077 && mktemp "$folder/.belay.XXXXXX") || fail WRITE_FAILED "cannot write into $folder"
  if [ -f "$path" ]; then
    cp --attributes-only --preserve=all -- "$path" "$tmp" 2>/dev/null ||
      { chown "$(stat -c %u:%g -- "$path")" "$tmp" && chmod "$(mode_of "$path")" "$tmp"; } ||
      fail WRITE_FAILED "cannot copy the ownership of $path"
    chmod go-w -- "$tmp"
  else
    chown "$uid:$gid" "$tmp" && chmod 0600 "$tmp" || fail WRITE_FAILED "cannot give $path to $user"
  fi
}
publish() {
  was_there=$(state_of)
  sync -- "$tmp" 2>/dev/null || sync
  mv -f -- "$tmp" "$path" || fail WRITE_FAILED "cannot rename onto $path"
  tmp=
  sync -- "$folder" 2>/dev/null || sync
  case $was_there in
    absent*) if [ "$root" = - ] && command -v restorecon >/dev/null; then restorecon -- "$path" || true; fi ;;
  esac
}
report() {
  say is "$(state_of)"
  if [ -f "$path" ]; then say keys "$(count_keys "$path")"; else say keys 0; fi
}
`;

export const observeAuthorizedKeys = namedScript(
  'authorized-keys/observe',
  `user=$1 root=$2; shift 2
${keysText}
locate
say path "$path"
only_files
say is "$(state_of)"
if [ -f "$path" ]; then
  [ -r "$path" ] || fail WRITE_FAILED "$path cannot be read by $(id -un)"
  for body; do if holds "$path" "$body"; then say has "$body"; fi; done
fi
`,
);

export const setAuthorizedKeys = namedScript(
  'authorized-keys/set',
  `key=$1 user=$2 root=$3 state=$4 proven=$5; shift 5
${keysText}
locate
only_files
keep_folder authorized-keys
record=$keep/$key
present=$(umask 077 && mktemp "$keep/.now.XXXXXX") || fail WRITE_FAILED "cannot write into $keep"
lines=$(umask 077 && mktemp "$keep/.new.XXXXXX") || fail WRITE_FAILED "cannot write into $keep"
trap 'rm -f -- "$present" "$lines" \${tmp:+"$tmp"}' EXIT
cat >"$lines"
if [ -f "$path" ]; then cat -- "$path" >"$present" || fail WRITE_FAILED "$path cannot be read"; fi
# The first attempt alone knows what was there before.
if [ ! -f "$record.was" ]; then
  cat -- "$present" >"$record.bytes" && : >"$record.did" && : >"$record.lines" || fail WRITE_FAILED "cannot keep the previous $path in $keep"
  if [ -d "$folder" ]; then had=folder; else had=nothing; fi
  printf '%s\\n%s\\n' "$(state_of)" "$had" >"$record.new" && sync && mv -f -- "$record.new" "$record.was" || fail WRITE_FAILED "cannot keep the previous $path in $keep"
fi
say was "$(head -n 1 "$record.was")"
wanted=$(umask 077 && mktemp "$keep/.next.XXXXXX") || fail WRITE_FAILED "cannot write into $keep"
trap 'rm -f -- "$present" "$lines" "$wanted" \${tmp:+"$tmp"}' EXIT
cat -- "$present" >"$wanted" || fail WRITE_FAILED "cannot write into $keep"
did=
for body; do
  if [ "$state" = present ]; then
    if ! holds "$wanted" "$body"; then
      if [ -s "$wanted" ] && [ -n "$(tail -c 1 "$wanted")" ]; then echo >>"$wanted"; fi
      awk -v wanted="$body" "$bodies"' body($0) == wanted { print; exit }' <"$lines" >>"$wanted" || fail WRITE_FAILED "cannot write into $keep"
      did="$did added:$body"
    fi
  elif holds "$wanted" "$body"; then
    awk -v wanted="$body" "$bodies"' body($0) == wanted' <"$wanted" >>"$record.lines" &&
      awk -v wanted="$body" "$bodies"' body($0) != wanted' <"$wanted" >"$lines" && cat -- "$lines" >"$wanted" || fail WRITE_FAILED "cannot write into $keep"
    did="$did removed:$body"
  fi
done
if [ -n "$did" ]; then
  if [ "$state" = absent ]; then
    [ "$(count_keys "$wanted")" != 0 ] || fail LAST_KEY "no key of $user would be left in $path; nothing was changed"
    [ "$proven" = - ] || holds "$wanted" "$proven" || fail PROVEN_KEY_MISSING "the key that was proven is not in $path; nothing was changed"
  fi
  for one in $did; do printf '%s\\n' "$one"; done >>"$record.did"
  stage
  cat -- "$wanted" >"$tmp" || fail WRITE_FAILED "cannot write beside $path: is the file system full?"
  sha_of "$tmp" >"$record.after"
  publish
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
only_files
keep_folder authorized-keys
record=$keep/$key
say was "$(state_of)"
forget() { rm -f -- "$record.was" "$record.bytes" "$record.did" "$record.lines" "$record.after"; }
if [ ! -f "$record.was" ]; then
  [ "$changed" = no ] || [ "$(state_of)" = "$before" ] ||
    fail BACKUP_MISSING "what was done to $path is no longer kept at $record"
  report
  exit 0
fi
then=$(head -n 1 "$record.was")
if [ "$(state_of)" = "$then" ] || [ ! -s "$record.did" ]; then report; forget; exit 0; fi
for one in $(sort -u "$record.did"); do
  case $one in added:*) say removed "\${one#*:}" ;; *) say added "\${one#*:}" ;; esac
done
if [ -f "$path" ] && [ "$(sha_of "$path")" = "$(cat "$record.after")" ]; then
  # Nobody has touched it since: exactly as it was.
  case $then in
    absent*)
      rm -f -- "$path" || fail WRITE_FAILED "cannot remove $path"
      if [ "$(tail -n 1 "$record.was")" = nothing ]; then rmdir -- "$folder" 2>/dev/null || true; fi ;;
    *)
      stage
      cat -- "$record.bytes" >"$tmp" || fail WRITE_FAILED "cannot write beside $path"
      set -- $then
      [ "$(sha_of "$tmp")" = "$2" ] || fail BACKUP_DAMAGED "what is kept at $record.bytes is not the previous $path: its sha256 differs"
      chown -- "$3" "$tmp" && chmod -- "$4" "$tmp" || fail WRITE_FAILED "cannot give $path back to $3"
      publish ;;
  esac
else
  # Somebody has changed it since: only our own lines go, or come back.
  say touched yes
  stage
  if [ -f "$path" ]; then cat -- "$path" >"$tmp" || fail WRITE_FAILED "cannot write beside $path"; fi
  for one in $(sort -u "$record.did"); do
    body=\${one#*:}
    case $one in
      added:*)
        awk -v wanted="$body" "$bodies"' body($0) != wanted' <"$tmp" >"$record.new" && cat -- "$record.new" >"$tmp" || fail WRITE_FAILED "cannot write beside $path" ;;
      *)
        holds "$tmp" "$body" && continue
        if [ -s "$tmp" ] && [ -n "$(tail -c 1 "$tmp")" ]; then echo >>"$tmp"; fi
        awk -v wanted="$body" "$bodies"' body($0) == wanted && !seen[$0]++' <"$record.lines" >>"$tmp" || fail WRITE_FAILED "cannot write beside $path" ;;
    esac
  done
  rm -f -- "$record.new"
  [ ! -f "$path" ] || [ "$(count_keys "$path")" = 0 ] || [ "$(count_keys "$tmp")" != 0 ] ||
    fail LAST_KEY "$path was changed since, and without the key of this step it would hold none; nothing was changed"
  publish
fi
report
forget
`,
);

/** By which key the connection that asks has logged in, as this host's sshd has written it down. */
export const observeConnection = namedScript(
  'authorized-keys/connection',
  `pid=$$ sessions=
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
