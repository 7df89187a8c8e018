/** check:package: packages are there, are not there, or are at least a version, in the host's own order of versions. */
import { Type } from 'typebox';
import { defineHostCheck } from './define-check.ts';
import { badReply, broken, kept, unknown } from './judging.ts';

/** versions: dpkg's own comparison; rpm's through its Lua, or its Python where rpm was built without. */
const body = `
state=$1 least=$2
shift 2
needs grep sed tail
[ ! -e /var/lib/dpkg/status ] || needs dpkg-query dpkg
if command -v dpkg-query >/dev/null; then manager=apt
elif command -v rpm >/dev/null; then manager=rpm
else no NO_PACKAGE_MANAGER "neither dpkg nor rpm is here"; fi
say manager $manager
at_least() {
  case $manager in
    apt) dpkg --compare-versions "$1" ge "$2" && echo yes || echo no ;;
    rpm)
      order=$(rpm --eval "%{lua:print(rpm.vercmp('$1','$2'))}" 2>/dev/null)
      case $order in
        0 | 1) echo yes ;; -1) echo no ;;
        *)
          order=$(python3 - "$1" "$2" 2>/dev/null <<'P'
import rpm, sys
def cut(text):
    epoch, _, rest = text.rpartition(':')
    version, _, release = rest.partition('-')
    return (epoch or '0', version, release or None)
have, want = map(cut, sys.argv[1:3])
if want[2] is None: have = have[:2] + (None,)
print(rpm.labelCompare(have, want))
P
)
          case $order in 0 | 1) echo yes ;; -1) echo no ;; *) echo unknown ;; esac ;;
      esac ;;
  esac
}
for name in "$@"; do
  version= status=absent
  case $manager in
    apt)
      found=$(dpkg-query -W -f '\${db:Status-Status} \${Version}\\n' -- "$name" 2>/dev/null)
      words=$(printf '%s\\n' "$found" | grep '^installed ' || printf '%s\\n' "$found" | grep -v -e '^not-installed' -e '^config-files' -e '^unknown')
      for one in $words; do status=$one; break; done
      version=$(printf '%s\\n' "$words" | sed -n '1s/^[^ ]* //p') ;;
    rpm)
      found=$(rpm -q --qf '%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n' -- "$name" 2>&1)
      case $? in
        0) status=installed version=$(printf '%s\\n' "$found" | tail -n 1) ;;
        *) case $found in *"is not installed"*) ;; *) no PACKAGE_DATABASE "rpm -q $name: $(in_words "$found")" ;; esac ;;
      esac ;;
  esac
  order=-
  if [ "$status" = installed ] && [ "$least" != - ]; then order=$(at_least "$version" "$least"); fi
  say package "$name \${status:-absent} \${version:--} $order"
done
if [ $manager = apt ] && ! dpkg-query -W dpkg >/dev/null 2>&1; then no PACKAGE_DATABASE "dpkg cannot read its own database"; fi
`;

export const checkPackage = defineHostCheck({
  name: 'check:package',
  summary:
    'Looks whether packages are installed, absent, or at least of a version, in the host’s own order of versions.',
  source: 'https://manpages.debian.org/stable/dpkg/dpkg.1.en.html',
  example: `
    - name: OpensslIsPatched
      action: check:package
      inputs: { Hosts: ['group:web'], Names: [openssl, libssl3], AtLeast: 3.0.11 }`,
  inputs: {
    Names: Type.Array(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9+._:-]*$' }), {
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
    }),
    State: Type.Optional(
      Type.Union([Type.Literal('present'), Type.Literal('absent')], { default: 'present' }),
    ),
    AtLeast: Type.Optional(
      Type.String({
        pattern: '^[0-9][A-Za-z0-9.+:~^_-]*$',
        description:
          'The least version, as dpkg or rpm writes it, with its epoch where the package has one (1:9.2). Quote it in YAML: 1.10 is a number.',
      }),
    ),
  },
  problems: ({ State, AtLeast }) =>
    State === 'absent' && AtLeast !== undefined
      ? [{ path: ['AtLeast'], message: 'a package that must be absent has no least version' }]
      : [],
  body,
  args: ({ Names, State, AtLeast }) => [State ?? 'present', AtLeast ?? '-', ...Names],
  judge: (fields, { Names, State, AtLeast }) => {
    const rows = new Map(fields.rows('package').map(([name = '', ...rest]) => [name, rest]));
    return Names.map((name) => {
      const [status, version, order] = rows.get(name) ?? [];
      if (status === undefined || version === undefined || order === undefined)
        throw badReply(`it said nothing of ${name}`);
      const isThere = status === 'installed';
      const found = isThere ? version : status;
      if (State === 'absent')
        return status === 'absent'
          ? kept(name, 'absent')
          : broken(name, 'absent', isThere ? `installed, ${version}` : status);
      if (!isThere) return broken(name, AtLeast === undefined ? 'installed' : `at least ${AtLeast}`, found);
      if (AtLeast === undefined) return kept(name, version);
      // Every version with an epoch is greater than every one without: what was meant is not known.
      const [, epoch] = /^(\d+):/.exec(version) ?? [];
      if (epoch !== undefined && epoch !== '0' && !AtLeast.includes(':'))
        return unknown(
          name,
          'EPOCH_MISSING',
          `it is ${version}, and AtLeast ${AtLeast} has no epoch; write ${epoch}:${AtLeast}`,
        );
      if (order === 'yes') return kept(name, version);
      if (order === 'no') return broken(name, `at least ${AtLeast}`, version);
      return unknown(
        name,
        'NO_VERSION_ORDER',
        `it is ${version}, and the host has nothing that compares it with ${AtLeast}`,
      );
    });
  },
});
