/** check:clock: the host's clock agrees with this machine's. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { broken, compared, fieldOf, kept, unknown } from './judging.ts';

const body = `
needs date
say now "$(date +%s.%N)"
if [ -d /run/systemd/system ] && command -v timedatectl >/dev/null; then
  kept=$(timedatectl show -p NTPSynchronized 2>/dev/null | sed -n 's/^NTPSynchronized=//p')
  # Before systemd 239 there is only a page for people.
  [ -n "$kept" ] || kept=$(LC_ALL=C timedatectl 2>/dev/null | sed -n 's/^ *NTP synchronized: *//p')
  say synchronized "$kept"
fi
`;

export const checkClock = defineHostCheck({
  name: 'check:clock',
  summary:
    'Looks how far the host’s clock is from the clock of the machine that Belay runs on, and whether it is kept.',
  source: 'https://www.freedesktop.org/software/systemd/man/latest/timedatectl.html',
  example: `
    - name: ClocksAgree
      action: check:clock
      inputs: { Hosts: ['group:all'], MaxSkewSeconds: 2, Synchronized: true }`,
  inputs: {
    MaxSkewSeconds: Type.Number({ exclusiveMinimum: 0, maximum: 86_400 }),
    Synchronized: Type.Optional(
      Type.Boolean({ description: 'Whether something must keep it by the network (NTP).' }),
    ),
  },
  body,
  args: () => [],
  judge: (fields, { MaxSkewSeconds, Synchronized }, { from, until }): readonly Judged[] => {
    const at = Number(fieldOf(fields, 'now', /^\d{1,12}(\.\d+)?$/)) * 1000;
    // Somewhere between question and answer the host looked at its clock: the skew lies between these two.
    const least = Math.max(0, from - at, at - until) / 1000;
    const most = Math.max(at - from, until - at) / 1000;
    const judged: Judged[] =
      least > MaxSkewSeconds
        ? [
            broken(
              'clock',
              `within ${MaxSkewSeconds} s`,
              `${least.toFixed(1)} s ${at < from ? 'behind' : 'ahead'}`,
            ),
          ]
        : most <= MaxSkewSeconds
          ? [kept('clock', `within ${most.toFixed(1)} s`)]
          : [
              unknown(
                'clock',
                'IMPRECISE',
                `the answer took ${((until - from) / 1000).toFixed(1)} s, too long to tell a skew of ${MaxSkewSeconds} s`,
              ),
            ];
    if (Synchronized !== undefined) {
      const is = fields.one('synchronized');
      if (is !== 'yes' && is !== 'no')
        judged.push(
          unknown(
            'time synchronization',
            'TOOL_MISSING',
            'timedatectl does not say whether the clock is synchronized',
          ),
        );
      else judged.push(compared('time synchronization', Synchronized ? 'yes' : 'no', is));
    }
    return judged;
  },
});
