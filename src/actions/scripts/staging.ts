/**
 * How Belay's scripts look at and replace files below folders that others may write, usually as root. The owner of such a
 * folder can exchange any name in it at any moment, so no name is used twice there: a folder is entered part by part and
 * worked in by its own inode, a file is read without following a link, and a new file is finished in a room: a folder
 * that only the acting user may enter, made inside the same folder, thus on the same file system and with the same inherited
 * rights. docs/decisions/0008 says what this holds against.
 */

/**
 *     enter FOLDER [TOP]   goes into FOLDER; 1 when it does not exist. Links that root alone could have made are followed,
 *                          below TOP as the system there would follow them. Sets `here` (its real path), `open` (empty
 *                          where nobody else may write in it or above it), `folder_id`
 *     arrive PATH          enters PATH's folder, sets `leaf` and looks; `gone` is yes where there is no folder
 *     look NAME            sets l_kind (absent | file | symlink | directory | other) and, of a file, l_sha l_uid l_gid
 *                          l_mode l_size l_owner l_group l_id; l_state is `KIND SHA256 OWNER GROUP MODE`
 *     bytes NAME           prints a file's bytes: never those of a link's target, and a FIFO does not stop it
 *     room KEY             makes the room of this step, or enters the one that a killed attempt left, and goes into it:
 *                          the folder is `..` then, whatever becomes of its name
 *     fresh                an empty ./belay-new in the room, ours alone; `like NAME` gives it what NAME had when looked at,
 *                          `own OWNER GROUP MODE` what is asked for (`-`: as it is)
 *     publish NAME         renames ./belay-new onto ../NAME, and looks whether it is there as it was made
 *     leave                back into the folder; the room goes, unless something that is kept lies in it
 */
export const stagingText = `
# Who we act as, read by builtins: a process costs more than the lines do.
me=
while read -r u_name u_real u_now u_rest; do
  [ "$u_name" != Uid: ] || { me=$u_now; break; }
done 2>/dev/null </proc/self/status
case $me in '' | *[!0-9]*) me=$(id -u) ;; esac
here= open= room= gone=
whose() { stat -c 'owner %U, mode %a' -- "$1" 2>/dev/null; }
# way: that we are in \`here\`, and what the folders from there up to the root do to \`open\`. Each is asked by its own inode, all at
# once: one that others than root and we may write in opens everything below it. In a sticky one nobody exchanges what belongs to
# others. A folder whose parents are closed was put there by nobody else.
way() {
  w_up=. w_left=$here
  set -- .
  while [ -n "$w_left" ]; do w_up=$w_up/.. w_left=\${w_left%/*}; set -- "$@" "$w_up"; done
  w_count=$#
  w_seen=$(env pwd -P; echo .; stat -c '%d:%i %u %a' -- "$@" 2>/dev/null)
  case $w_seen in "\${here:-/}
.
"*) ;; *) fail CHANGED_MEANWHILE "$here was exchanged while it was entered; nothing was changed" ;; esac
  set -- \${w_seen#"\${here:-/}
.
"}
  folder_id=\${1:-} folder_uid=\${2:-} open=
  [ $# = $((w_count * 3)) ] || open=yes
  while [ $# -ge 3 ]; do
    closed=yes
    case $2 in 0 | "$me") ;; *) closed= ;; esac
    case $3 in *[2367]? | *[2367])
      case $closed$3 in yes[1357]???) closed=sticky ;; *) closed= ;; esac ;;
    esac
    case $1:$closed in
      *:) open=yes ;;
      "$folder_id":sticky) [ -n "$open" ] || open=sticky ;;
    esac
    shift 3
  done
}
is_here() { [ "$(env pwd -P; echo .)" = "$1
." ]; }
# direct FOLDER: goes there at once where each part of it is a folder of root or ours in which nobody else may write, so that no name
# in it can be exchanged; 1 where that is not so, or not known.
direct() {
  case $1/ in [!/]* | *//* | */./* | */../*) return 1 ;; esac
  rest=\${1#/} whole=
  set -- /
  while [ -n "$rest" ]; do
    whole=$whole/\${rest%%/*}
    set -- "$@" "$whole"
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
  done
  parts=$#
  set -- $(stat -c '%f %u %a %d:%i' -- "$@" 2>/dev/null)
  [ $# = $((parts * 4)) ] || return 1
  while [ $# -gt 0 ]; do
    case $1:$2 in 4*:0 | 4*:"$me") ;; *) return 1 ;; esac
    case $3 in *[2367]? | *[2367]) return 1 ;; esac
    folder_uid=$2 folder_id=$4
    shift 4
  done
  cd -P -- "\${whole:-/}" 2>/dev/null || return 1
  here=$whole open=
}
enter() {
  if direct "$1"; then return 0; fi
  cd -P / && here= open= hops=0 rest=$1 top=\${2:-}
  while [ -n "$rest" ]; do
    part=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    case $part in
      '' | .) continue ;;
      ..)
        way
        [ -z "$open" ] || fail NOT_A_FILE "$1 goes up again with .. from $here, where others than root may write; name the folder itself"
        [ "$here" != "$top" ] || continue
        here=\${here%/*} ;;
      *)
        if [ -L "./$part" ]; then
          way
          [ -z "$open" ] || fail NOT_A_FILE "$here/$part is a symbolic link below a folder where others than root may write ($(whose .)), so it is not followed; name the folder that it leads to"
          hops=$((hops + 1)); [ $hops -le 40 ] || fail NOT_A_FILE "$1 leads through more than 40 symbolic links"
          to=$(readlink -- "./$part"; echo .); to=\${to%??}
          case $to in /*) cd -P / && here= && rest=$top$to/$rest ;; *) rest=$to/$rest ;; esac
          continue
        fi
        if [ ! -d "./$part" ]; then
          [ -e "./$part" ] || { way; return 1; }
          fail NOT_A_FILE "$here/$part is not a folder"
        fi
        here=$here/$part ;;
    esac
    cd -P "./$part" 2>/dev/null || { [ -e "./$part" ] || { here=\${here%/*}; way; return 1; }; fail WRITE_FAILED "$here cannot be entered by $(id -un)"; }
  done
  way
}
arrive() {
  path=$1 leaf=\${1##*/} gone= folder=\${1%/*}
  case $leaf in '' | . | ..) fail NOT_A_FILE "$1 names no file" ;; esac
  if enter "$folder" "\${2:-}"; then look "./$leaf"; else gone=yes; l_kind=absent l_sha=- l_state='absent - - - -'; fi
}
only_files() {
  case $l_kind in
    file | absent) ;;
    symlink) fail NOT_A_FILE "$path is a symbolic link to $(readlink -- "./$leaf"); name the file itself" ;;
    *) fail NOT_A_FILE "$path is not a plain file" ;;
  esac
}
bytes() {
  if [ -z "$open" ]; then cat -- "$1"; return; fi
  dd if=/dev/null of=/dev/null iflag=nofollow,nonblock 2>/dev/null || { echo "dd of this host cannot open a file without following a link, and $here is a folder where others may write"; return 1; }
  dd if="$1" iflag=nofollow,nonblock bs=65536 2>/dev/null
}
# sum_of NAME: sets sum to the sha256; fails where not all could be read.
sum_of() {
  if [ -z "$open" ]; then
    sum=$(sha256sum <"$1") && sum=\${sum%% *}
    return
  fi
  sum=$({ { bytes "$1"; echo $? >&4; } | sha256sum | cut -c 1-64; } 4>&1)
  case $sum in "0
"*) sum=\${sum#??} ;; *) return 1 ;; esac
}
face='%f %d:%i %u %g %a %h %s'
look() {
  tries=0 l_sha=- l_owner=- l_group=- l_mode=- l_uid= l_gid=
  while :; do
    seen=$(stat -c "$face %U %G" -- "$1" 2>/dev/null) || { l_kind=absent l_state='absent - - - -'; return 0; }
    case $seen in 8*) l_kind=file ;; a*) l_kind=symlink ;; 4*) l_kind=directory ;; *) l_kind=other ;; esac
    l_state="$l_kind - - - -"
    [ $l_kind = file ] || return 0
    sum_of "$1" && l_sha=$sum && [ "$(stat -c "$face %U %G" -- "$1" 2>/dev/null)" = "$seen" ] && break
    [ -r "$1" ] || [ -L "$1" ] || [ ! -f "$1" ] || fail WRITE_FAILED "$path cannot be read by $(id -un)"
    tries=$((tries + 1))
    [ $tries -lt 3 ] || fail CHANGED_MEANWHILE "$path cannot be looked at: it is exchanged again and again meanwhile, or cannot be read; nothing was changed"
  done
  facts "$seen"
  # A name that a folder's owner gave to a file of somebody else.
  [ -z "$open" ] || [ "$l_links" = 1 ] || case $l_uid in 0 | "$me") false ;; *) [ "$l_uid" = "$folder_uid" ] ;; esac || fail NOT_A_FILE "$path belongs to $l_owner and has $l_links names (hard links), in a folder where others may write: it may be another file of the system; nothing was changed"
}
facts() {
  set -- $1
  l_id=$2 l_uid=$3 l_gid=$4 l_mode=$5 l_links=$6 l_size=$7 l_owner=$3 l_group=$4
  # Names that hold spaces are told as numbers.
  if [ $# = 9 ]; then
    [ "$8" = UNKNOWN ] || l_owner=$8
    [ "$9" = UNKNOWN ] || l_group=$9
  fi
  while [ \${#l_mode} -lt 4 ]; do l_mode=0$l_mode; done
  l_state="file $l_sha $l_owner $l_group $l_mode"
}
room() {
  room=.belay-$1 up_id=$folder_id
  words=$( (umask 077 && mkdir "./$room") 2>&1) || [ -d "./$room" ] || { room=; fail WRITE_FAILED "cannot write into $here: $(in_words "$words")"; }
  folder_now=$here
  room_id=
  cd -P "./$room" 2>/dev/null && { [ -z "$open" ] || is_here "\${here%/}/$room"; } && room_facts $(stat -c '%u %a %d:%i' . ..) || {
    room_was=$room room=
    cd -P / && enter "$folder_now"
    fail NOT_A_FILE "$folder_now/$room_was is not a folder that Belay made ($(whose "./$room_was")); nothing was changed. Remove it"
  }
}
# room_facts, of the room and of what it lies in: whether it is ours alone, and lies where it was made.
room_facts() {
  case "\${1:-} \${2:-}" in "$me 700" | "$me 2700") ;; *) return 1 ;; esac
  [ "\${6:-}" = "$up_id" ] && room_id=$3
}
leave() {
  [ -n "$room" ] && [ "$(stat -c %d:%i .)" = "$room_id" ] || { room=; return 0; }
  exec 5<&-
  rm -f -- ./belay-new ./belay-was
  cd -P .. && { [ -z "$open" ] || [ "$(stat -c %d:%i .)" = "$up_id" ]; } && rmdir -- "./$room" 2>/dev/null
  room=
}
trap leave EXIT
trap 'exit 143' TERM INT HUP
fresh() {
  rm -f -- ./belay-new
  words=$( (umask 077 && : >./belay-new) 2>&1) || fail WRITE_FAILED "cannot write beside $path: $(in_words "$words")"
  exec 5<./belay-new
}
# fill: ./belay-new from standard input.
fill() {
  words=$( { cat >./belay-new; } 2>&1) || fail WRITE_FAILED "cannot write beside $path: $(in_words "$words")\${1:-}"
}
like() {
  [ "$l_kind" = file ] || return 0
  pattern=../$1
  if [ -n "$open" ]; then
    rm -f -- ./belay-was
    if ln -- "../$1" ./belay-was 2>/dev/null; then
      pattern=./belay-was
      [ "$(stat -c '%f %d:%i' ./belay-was)" = "$(printf %s "$seen" | cut -d ' ' -f 1,2)" ] || fail CHANGED_MEANWHILE "$path was exchanged since it was looked at; nothing was changed"
    else pattern=; fi
  fi
  if [ -n "$pattern" ] && cp --attributes-only --preserve=all -- "$pattern" ./belay-new 2>/dev/null; then :
  else
    words=$( { chown -- "$l_uid:$l_gid" ./belay-new && chmod -- "$l_mode" ./belay-new; } 2>&1) || fail WRITE_FAILED "cannot copy the ownership of $path: $(in_words "$words")"
  fi
  rm -f -- ./belay-was
}
own() {
  want_uid= want_gid= want_mode=
  if [ "$1" != - ]; then
    want_uid=$(id -u -- "$1" 2>/dev/null) || want_uid=$1
    words=$(chown -- "$1" ./belay-new 2>&1) || fail NO_SUCH_OWNER "cannot give $path to the user $1: $(in_words "$words")"
  fi
  if [ "$2" != - ]; then
    want_gid=$(getent group "$2" 2>/dev/null | cut -d : -f 3)
    words=$(chgrp -- "$2" ./belay-new 2>&1) || fail NO_SUCH_OWNER "cannot give $path to the group $2: $(in_words "$words")"
  fi
  if [ "$3" != - ]; then
    words=$(chmod -- "$3" ./belay-new 2>&1) || fail WRITE_FAILED "cannot set mode $3: $(in_words "$words")"
    want_mode=\${3#"\${3%%[!0]*}"}
    want_mode=\${want_mode:-0}
  fi
  set -- $(stat -c '%u %g %a' ./belay-new)
  [ "\${want_uid:-$1}" = "$1" ] && [ "\${want_gid:-$2}" = "$2" ] && [ "\${want_mode:-$3}" = "$3" ] ||
    fail WRITE_FAILED "the file system of $path keeps other owners or modes than asked for: it gives $1:$2 $3, asked \${want_uid:-$1}:\${want_gid:-$2} \${want_mode:-$3}; nothing was changed"
}
# label: a new file's security context, before anybody sees it.
label() {
  command -v selinuxenabled >/dev/null && selinuxenabled && context=$(matchpathcon -n -- "$1" 2>/dev/null) && chcon -- "$context" "$2" || true
}
# move FROM TO: by rename, never into a folder and never through a link.
move() {
  if [ -z "$open" ] && [ ! -d "$2" ]; then words=$(mv -f -- "$1" "$2" 2>&1)
  elif mv --help 2>&1 | grep -q -e '-[a-zA-Z]*T[], ]'; then words=$(mv -f -T -- "$1" "$2" 2>&1)
  else words='mv of this host cannot replace a name without following it (it has no -T)'; return 1; fi
}
publish() {
  look ./belay-new
  put_state=$l_state put_sha=$l_sha put=$(stat -c '%f %d:%i %u %g %a' ./belay-new)
  sync -- ./belay-new 2>/dev/null || sync
  move ./belay-new "../$1" || fail WRITE_FAILED "cannot rename onto $path: $(in_words "$words")"
  [ "$(stat -c '%f %d:%i %u %g %a' -- "../$1" 2>/dev/null)" = "$put" ] && case $(sha256sum <&5) in "$put_sha "*) true ;; *) false ;; esac ||
    fail CHANGED_MEANWHILE "$path was put in its place and is another file, or has another owner, mode or content, at once afterwards: somebody exchanges it (now: $(stat -c '%F, owner %U, mode %a' -- "../$1" 2>/dev/null || echo nothing there))"
  sync -- .. 2>/dev/null || true
}
# take_away NAME, from the folder itself.
take_away() {
  words=$(rm -f -- "./$1" 2>&1) || fail WRITE_FAILED "cannot remove $path: $(in_words "$words")"
  [ ! -e "./$1" ] && [ ! -L "./$1" ] || fail CHANGED_MEANWHILE "$path was removed and is there again: somebody else makes it"
}
`;
