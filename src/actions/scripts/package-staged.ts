/**
 * What a step with State: staged leaves for the step that installs: every package of the plan as a file in $held, and the plan
 * itself as $held/staged, `NAME OLD NEW` lines. Installing from it asks no repository: a service is down meanwhile, and the
 * repository may have dropped the version, or not answer.
 */
export const stagedPackages = `
# stage_all: keeps what $work/plan would install. A plan that is not there whole is none.
stage_all() {
  while read -r name old new; do
    pm_keep "$name" "$new" >/dev/null 2>>"$work/talk" || { echo "$name $new cannot be kept here"; return 1; }
  done <"$work/plan"
  cp -- "$work/plan" "$held/staged.new" && mv -f -- "$held/staged.new" "$held/staged"
}
# staged_for VERSION NAME...: writes the plan of an earlier step to $work/plan, when what is installed is still what it was made for.
staged_for() {
  exact=$1
  shift
  for folder in $(holders); do
    [ -f "$folder/staged" ] || continue
    fits=yes
    for name; do
      awk -v name="$name" -v version="$exact" '$1 == name { found = 1; if ($3 != version) other = 1 } END { exit found ? other : 2 }' "$folder/staged"
      case $? in
        0) ;;
        2) case $(pm_describe "$name") in "$exact installed "*) ;; *) fits= ;; esac ;;
        *) fits= ;;
      esac
    done
    while [ -n "$fits" ] && read -r name old new; do
      d=$(pm_describe "$name")
      case $d in "$new installed "* | "$old installed "* | "$old absent "*) ;; *) fits= ;; esac
      kept_file "$name" "$new" "$folder" >/dev/null || fits=
    done <"$folder/staged"
    [ -n "$fits" ] || continue
    while read -r name old new; do
      d=$(pm_describe "$name")
      [ "\${d%% *}" = "$new" ] || echo "$name \${d%% *} $new"
    done <"$folder/staged" >"$work/plan"
    [ -s "$work/plan" ] || return 1
    stage=$folder
    return 0
  done
  return 1
}
# spec NAME VERSION: as the manager is told of it.
spec() { { [ -n "$stage" ] && kept_file "$1" "$2" "$stage"; } || pm_spec "$1" "$2"; }
specs() { while [ $# -gt 1 ]; do spec "$1" "$2"; shift 2; done; }
`;
