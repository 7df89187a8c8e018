/** check:kernel: the kernel that runs is the newest that is installed. */
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { compared, fieldOf, unknown } from './judging.ts';

/** The newest by the package manager's own order. Debian's packages are named after what uname says; rpm's version is it. */
const body = `
needs uname grep sort tail cut
say running "$(uname -r)"
newest=
[ ! -e /var/lib/dpkg/status ] || needs dpkg-query dpkg
if command -v dpkg-query >/dev/null; then
  best=
  for line in $(dpkg-query -W -f '\${db:Status-Status}|\${Package}|\${Version}\\n' 'linux-image-[0-9]*' 2>/dev/null | grep '^installed|'); do
    name=\${line#installed|linux-image-} version=\${line##*|}
    name=\${name%%|*}
    case $name in *-dbg | unsigned-*) continue ;; esac
    # Two packages of one flavour differ in their names; equal versions are told apart by them.
    if [ -z "$best" ] || dpkg --compare-versions "$version" gt "$best"; then best=$version newest=\${name%-unsigned}; fi
  done
elif command -v rpm >/dev/null; then
  newest=$(rpm -q --qf '%{INSTALLTIME} %{VERSION}-%{RELEASE}.%{ARCH}\\n' kernel-core kernel 2>/dev/null | grep -v 'not installed' | sort -n | tail -n 1 | cut -d ' ' -f 2)
else no NO_PACKAGE_MANAGER "neither dpkg nor rpm is here"; fi
say newest "\${newest:--}"
`;

export const checkKernel = defineHostCheck({
  name: 'check:kernel',
  summary: 'Looks whether the kernel that runs is the newest that is installed.',
  source: 'https://kernel-team.pages.debian.net/kernel-handbook/ch-versions.html',
  example: `
    - name: TheNewKernelRuns
      action: check:kernel
      inputs: { Hosts: ['group:all'] }`,
  inputs: {},
  body,
  args: () => [],
  judge: (fields): readonly Judged[] => {
    const running = fieldOf(fields, 'running', /^\d\S*$/);
    const newest = fieldOf(fields, 'newest', /^(-|\d\S*)$/);
    if (newest === '-')
      return [
        unknown('kernel', 'NO_KERNEL_PACKAGE', `${running} runs, and no kernel is installed as a package`),
      ];
    return [compared('kernel', newest, running)];
  },
});
