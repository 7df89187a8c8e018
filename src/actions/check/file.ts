/** check:file: a file is there with its content, mode and owner, or is not there. */
import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { badReply, broken, compared, fieldOf, kept } from './judging.ts';

/** What cannot be read is not absent: stat's own words tell the one from the other. */
const body = `
path=$1 wants=$2
needs stat readlink grep
shown=$(stat -c '%F|%a|%U|%G|%s|%u|%g' -- "$path" 2>&1) || case $shown in
  "stat: cannot stat"*": No such file or directory" | "stat: cannot stat"*": Not a directory") say kind absent; return 0 ;;
  *) no UNREADABLE "$(in_words "$shown")" ;;
esac
case $shown in "symbolic link"*)
  say link "$(readlink -- "$path")"
  shown=$(stat -L -c '%F|%a|%U|%G|%s|%u|%g' -- "$path" 2>&1) || case $shown in
    "stat: cannot stat"*": No such file or directory" | "stat: cannot stat"*": Not a directory") say kind dangling; return 0 ;;
    *) no UNREADABLE "$(in_words "$shown")" ;;
  esac ;;
esac
say is "$shown"
case $shown in "regular"*) say kind file ;; directory*) say kind directory; return 0 ;; *) say kind other; return 0 ;; esac
case $wants in
  *s*)
    needs sha256sum
    sum=$(sha256sum <"$path" 2>/dev/null) || no UNREADABLE "$path cannot be read"
    say sha256 "\${sum%% *}" ;;
esac
case $wants in
  *l*)
    shift 2
    for line in "$@"; do
      grep -qxF -e "$line" -- "$path" 2>/dev/null
      case $? in 0) say line yes ;; 1) say line no ;; *) no UNREADABLE "$path cannot be read" ;; esac
    done ;;
esac
`;

export const checkFile = defineHostCheck({
  name: 'check:file',
  summary: 'Looks whether a file has the content, lines, mode and owner that it must have, or is absent.',
  source: 'https://www.gnu.org/software/coreutils/manual/html_node/stat-invocation.html',
  example: `
    - name: RootMayNotLogIn
      action: check:file
      inputs: { Hosts: ['group:all'], Path: /etc/ssh/sshd_config, HasLines: [PermitRootLogin no], Mode: '0644', Owner: root }`,
  inputs: {
    Path: Type.String({ pattern: '^/' }),
    State: Type.Optional(
      Type.Union([Type.Literal('file'), Type.Literal('directory'), Type.Literal('absent')], {
        default: 'file',
        description: 'A link counts as what it leads to.',
      }),
    ),
    Content: Type.Optional(Type.String({ description: 'The whole content, byte for byte.' })),
    Sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    HasLines: Type.Optional(
      Type.Array(Type.String({ minLength: 1, pattern: '^[^\\r\\n]*$' }), {
        minItems: 1,
        maxItems: 50,
        description: 'Each is a whole line of it.',
      }),
    ),
    LacksLines: Type.Optional(
      Type.Array(Type.String({ minLength: 1, pattern: '^[^\\r\\n]*$' }), { minItems: 1, maxItems: 50 }),
    ),
    Mode: Type.Optional(Type.String({ pattern: '^[0-7]{3,4}$', description: 'Octal, in quotes: "0644".' })),
    Owner: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$', description: 'A name or a number.' }),
    ),
    Group: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$' })),
  },
  problems: ({ State, Content, Sha256, HasLines, LacksLines, Mode, Owner, Group }) => [
    ...(Content !== undefined && Sha256 !== undefined
      ? [{ path: ['Sha256'], message: 'it takes either Content or Sha256' }]
      : []),
    ...(State === 'absent' &&
    [Content, Sha256, HasLines, LacksLines, Mode, Owner, Group].some((each) => each !== undefined)
      ? [{ path: ['State'], message: 'what must be absent has no content, mode or owner' }]
      : []),
    ...(State === 'directory' && [Content, Sha256, HasLines, LacksLines].some((each) => each !== undefined)
      ? [{ path: ['State'], message: 'a directory has no content' }]
      : []),
  ],
  body,
  args: ({ Path, Content, Sha256, HasLines = [], LacksLines = [] }) => {
    const lines = [...HasLines, ...LacksLines];
    return [
      Path,
      `-${Content === undefined && Sha256 === undefined ? '' : 's'}${lines.length === 0 ? '' : 'l'}`,
      ...lines,
    ];
  },
  judge: (fields, inputs): readonly Judged[] => {
    const {
      Path,
      State = 'file',
      Content,
      Sha256,
      HasLines = [],
      LacksLines = [],
      Mode,
      Owner,
      Group,
    } = inputs;
    const kind = fieldOf(fields, 'kind', /^(absent|dangling|file|directory|other)$/);
    const is =
      kind === 'dangling' ? 'a link to nothing' : kind === 'other' ? 'neither file nor directory' : kind;
    if (kind !== State) return [broken(Path, State === 'absent' ? 'absent' : `a ${State}`, is)];
    if (State === 'absent') return [kept(Path, 'absent')];
    const [, mode, owner, group, , uid, gid] = fieldOf(
      fields,
      'is',
      /^[^|]+\|[0-7]+\|[^|]+\|[^|]+\|\d+\|\d+\|\d+$/,
    ).split('|');
    const judged: Judged[] = [];
    const wanted =
      Sha256 ?? (Content === undefined ? undefined : createHash('sha256').update(Content).digest('hex'));
    if (wanted !== undefined) {
      const found = fieldOf(fields, 'sha256', /^[0-9a-f]{64}$/);
      judged.push(
        compared(
          `content of ${Path}`,
          `sha256 ${wanted.slice(0, 16)}`,
          `sha256 ${found.slice(0, 16)}`,
          found === wanted,
        ),
      );
    }
    const lines = fields.all('line');
    if (lines.length !== HasLines.length + LacksLines.length)
      throw badReply(`it answered for ${lines.length} lines of ${HasLines.length + LacksLines.length}`);
    judged.push(
      ...HasLines.map((line, index) =>
        compared(`line "${line}" of ${Path}`, 'there', lines[index] === 'yes' ? 'there' : 'missing'),
      ),
      ...LacksLines.map((line, index) =>
        compared(
          `line "${line}" of ${Path}`,
          'missing',
          lines[HasLines.length + index] === 'no' ? 'missing' : 'there',
        ),
      ),
    );
    if (Mode !== undefined)
      judged.push(compared(`mode of ${Path}`, Mode.padStart(4, '0'), (mode ?? '').padStart(4, '0')));
    if (Owner !== undefined)
      judged.push(compared(`owner of ${Path}`, Owner, owner ?? '', Owner === owner || Owner === uid));
    if (Group !== undefined)
      judged.push(compared(`group of ${Path}`, Group, group ?? '', Group === group || Group === gid));
    return judged.length === 0 ? [kept(Path, `a ${State}`)] : judged;
  },
});
