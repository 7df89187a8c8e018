/** check:mount: a file system is mounted, as it must be, and has room. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { broken, bytesText, compared, fieldOf, kept, unknown } from './judging.ts';

/** The last entry of a mount point counts: it lies on top. df of the path itself: a full disk below an absent mount is not the mount's. */
const body = `
path=$1
needs awk df
[ -r /proc/self/mounts ] || no NO_PROC "there is no /proc/self/mounts here"
found=$(BELAY_AT=$path awk '{ at = $2; while (match(at, /\\\\[0-7][0-7][0-7]/)) { o = substr(at, RSTART + 1, 3); at = substr(at, 1, RSTART - 1) sprintf("%c", substr(o,1,1) * 64 + substr(o,2,1) * 8 + substr(o,3,1)) substr(at, RSTART + 4) } if (at == ENVIRON["BELAY_AT"]) last = $1 "|" $3 "|" $4 } END { print last }' /proc/self/mounts)
[ -n "$found" ] || { say mounted no; return 0; }
say mounted yes
say is "$found"
say space "$(df -Pk -- "$path" 2>/dev/null | awk 'NR == 2 { print $2, $3, $4 }')"
say inodes "$(df -Pi -- "$path" 2>/dev/null | awk 'NR == 2 { print $2, $3, $4 }')"
`;

export const checkMount = defineHostCheck({
  name: 'check:mount',
  summary:
    'Looks whether a file system is mounted at a path, with which type and options, and how much room it has.',
  source: 'https://man7.org/linux/man-pages/man5/proc_pid_mounts.5.html',
  example: `
    - name: DataHasRoom
      action: check:mount
      inputs: { Hosts: [db1], Path: /var/lib/postgresql, MinFreePercent: 15, MinFreeInodesPercent: 5 }`,
  inputs: {
    Path: Type.String({ pattern: '^/' }),
    FileSystem: Type.Optional(Type.String({ pattern: '^[a-z0-9._-]+$' })),
    Options: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^,\\s]+$' }), {
        minItems: 1,
        description: 'Mount options that it must have: nodev, noexec, ro.',
      }),
    ),
    MinFreePercent: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100, description: 'Of what users other than root may fill.' }),
    ),
    MinFreeGib: Type.Optional(Type.Number({ minimum: 0 })),
    MinFreeInodesPercent: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  },
  body,
  args: ({ Path }) => [Path.length > 1 ? Path.replace(/\/+$/, '') : Path],
  judge: (
    fields,
    { Path, FileSystem, Options = [], MinFreePercent, MinFreeGib, MinFreeInodesPercent },
  ): readonly Judged[] => {
    if (fieldOf(fields, 'mounted', /^(yes|no)$/) === 'no') return [broken(Path, 'mounted', 'not mounted')];
    const [source = '', type = '', options = ''] = fieldOf(fields, 'is', /^[^|]*\|[^|]+\|[^|]+$/).split('|');
    const judged: Judged[] = [kept(Path, `${source} (${type})`)];
    if (FileSystem !== undefined) judged.push(compared(`type of ${Path}`, FileSystem, type));
    for (const option of Options)
      judged.push(
        compared(`option ${option} of ${Path}`, option, options, options.split(',').includes(option)),
      );
    const room = (
      about: string,
      min: number,
      free: number,
      unit: string,
      text = `${Math.floor(free * 10) / 10}${unit} free`,
    ): Judged => compared(`${about} of ${Path}`, `at least ${min}${unit} free`, text, free >= min);
    if (MinFreePercent !== undefined || MinFreeGib !== undefined) {
      const space = numbersOf(fields.one('space'));
      if (space === undefined)
        judged.push(unknown(`space of ${Path}`, 'NO_ANSWER', 'df does not say how full it is'));
      else {
        if (MinFreePercent !== undefined)
          judged.push(
            room(
              'space',
              MinFreePercent,
              space.freePercent,
              ' %',
              `${Math.floor(space.freePercent * 10) / 10} % free (${bytesText(space.free * 1024)})`,
            ),
          );
        if (MinFreeGib !== undefined)
          judged.push(room('bytes', MinFreeGib, space.free / 1024 / 1024, ' GiB'));
      }
    }
    if (MinFreeInodesPercent !== undefined) {
      const inodes = numbersOf(fields.one('inodes'));
      if (inodes === undefined)
        judged.push(
          unknown(`inodes of ${Path}`, 'NO_ANSWER', `${type} does not say how many inodes are left`),
        );
      else judged.push(room('inodes', MinFreeInodesPercent, inodes.freePercent, ' %'));
    }
    return judged;
  },
});

/** `TOTAL USED FREE` of df; undefined for a file system that does not count. */
function numbersOf(
  text: string | undefined,
): { readonly free: number; readonly freePercent: number } | undefined {
  const [, used, free] = /^\d+ (\d+) (\d+)$/.exec(text ?? '') ?? [];
  if (used === undefined || free === undefined || Number(used) + Number(free) === 0) return undefined;
  return { free: Number(free), freePercent: (100 * Number(free)) / (Number(used) + Number(free)) };
}
