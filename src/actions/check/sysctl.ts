/** check:sysctl: kernel parameters have their values now. */
import { Type } from 'typebox';
import { defineHostCheck } from './define-check.ts';
import { badReply, compared } from './judging.ts';

const body = `
needs cat tr
[ -d /proc/sys ] || no NO_PROC "there is no /proc/sys here"
for name in "$@"; do
  file=/proc/sys/$name
  if [ ! -e "$file" ]; then say value absent
  elif value=$(cat "$file" 2>/dev/null); then say value "is $(printf %s "$value" | tr -s '[:space:]' ' ')"
  else say value unreadable; fi
done
`;

/** net.ipv4.conf.eth0/100.rp_filter: a slash stands for a dot within a name, as in sysctl.d(5). */
const asPath = (name: string): string =>
  name.includes('/') && !name.includes('.')
    ? name
    : name.replaceAll(/[./]/g, (sign) => (sign === '.' ? '/' : '.'));
const oneLine = (text: string): string => text.trim().split(/\s+/).join(' ');

export const checkSysctl = defineHostCheck({
  name: 'check:sysctl',
  summary: 'Looks whether kernel parameters have the values that they must have.',
  source: 'https://www.kernel.org/doc/html/latest/admin-guide/sysctl/index.html',
  example: `
    - name: KernelIsHardened
      action: check:sysctl
      inputs: { Hosts: ['group:all'], Settings: { kernel.kptr_restrict: 1, net.ipv4.ip_forward: 0 } }`,
  inputs: {
    Settings: Type.Record(
      Type.String({ pattern: '^[A-Za-z0-9_-]+([./][A-Za-z0-9_:*-]+)*$' }),
      Type.Union([Type.String(), Type.Number()]),
      {
        minProperties: 1,
        maxProperties: 50,
      },
    ),
  },
  body,
  args: ({ Settings }) => Object.keys(Settings).map(asPath),
  judge: (fields, { Settings }) => {
    const values = fields.all('value');
    const names = Object.keys(Settings);
    if (values.length !== names.length)
      throw badReply(`it answered for ${values.length} parameters of ${names.length}`);
    return names.map((name, index) => {
      const value = values[index] ?? '';
      const wanted = oneLine(String(Settings[name]));
      if (value === 'unreadable')
        return {
          kind: 'unknown',
          subject: name,
          code: 'UNREADABLE',
          reason: 'it cannot be read as this user',
        };
      return compared(name, wanted, value === 'absent' ? 'absent' : oneLine(value.replace(/^is /, '')));
    });
  },
});
