/** check:authorizedKeys: no other keys than these let somebody in as a user. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { parsePublicKey } from '../public-key.ts';
import { defineHostCheck } from './define-check.ts';
import { badReply, broken, kept, unknown } from './judging.ts';

/** Every file that sshd reads for the user, in its own words. Without sshd nobody comes in by keys but by the two files that it reads by default. */
const body = `
user=$1
needs getent cut sed grep base64
entry=$(getent passwd "$user")
case $? in 0) ;; 2) say user absent; return 0 ;; *) no NO_ANSWER "getent does not say whether there is a user $user" ;; esac
say user there
home=$(printf '%s' "$entry" | cut -d : -f 6)
uid=$(printf '%s' "$entry" | cut -d : -f 3)
settings=
if command -v sshd >/dev/null; then
  settings=$(sshd -T -C "user=$user" -C host=localhost -C addr=127.0.0.1 2>&1) || { say unasked "$(in_words "$settings")"; settings=; }
fi
files=$(printf '%s\\n' "$settings" | sed -n 's/^authorizedkeysfile //p')
command=$(printf '%s\\n' "$settings" | sed -n 's/^authorizedkeyscommand //p')
case $command in '' | none) ;; *) say command "$command" ;; esac
[ "$files" != none ] || files=
[ -n "$settings" ] || files='.ssh/authorized_keys .ssh/authorized_keys2'
for file in $files; do
  case $file in *%*) file=$(printf '%s' "$file" | sed "s|%h|$home|g; s|%u|$user|g; s|%U|$uid|g; s|%%|%|g") ;; esac
  case $file in /*) ;; *) file=$home/$file ;; esac
  shown=$(ls -Ld -- "$file" 2>&1) || case $shown in "ls: cannot access"*": No such file or directory" | "ls: cannot access"*": Not a directory") continue ;; *) no UNREADABLE "$(in_words "$shown")" ;; esac
  [ -r "$file" ] || no UNREADABLE "$file cannot be read"
  [ -f "$file" ] || continue
  say file "$file"
  grep -a -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' -- "$file" >/dev/null
  [ $? -le 1 ] || no UNREADABLE "$file cannot be read"
  grep -a -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' -- "$file" | base64 -w 390 | lines text
  say next yes
done
say looked yes
`;

export const checkAuthorizedKeys = defineHostCheck({
  name: 'check:authorizedKeys',
  summary:
    'Looks whether the authorized_keys of a user hold only the keys that they may, and those that they must.',
  source: 'https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT',
  example: `
    - name: OnlyOurKeys
      action: check:authorizedKeys
      inputs:
        Hosts: ['group:all']
        User: root
        Only: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops]`,
  inputs: {
    User: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$' }),
    Only: Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 100,
      description: 'Public keys as lines; none: no key may be there. Options and comments do not count.',
    }),
    AllThere: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether each of them must be there, too.' }),
    ),
  },
  problems: ({ Only }) =>
    (Array.isArray(Only) ? Only : []).flatMap((line, index) =>
      typeof line === 'string' && !line.includes('{{') && parsePublicKey(line) === undefined
        ? [
            {
              path: ['Only', index],
              message: 'that is not a public key',
              hint: 'a line as ssh-keygen writes into NAME.pub',
            },
          ]
        : [],
    ),
  body,
  args: ({ User }) => [User],
  judge: (fields, { User, Only, AllThere }): readonly Judged[] => {
    const allowed = new Map(
      Only.flatMap((line) => {
        const key = parsePublicKey(line);
        return key === undefined ? [] : [[key.body, key] as const];
      }),
    );
    if (allowed.size < new Set(Only).size && Only.some((line) => parsePublicKey(line) === undefined))
      return [unknown('', 'BAD_KEY', 'one of the keys in Only is not a public key')];
    const there = fields.one('user');
    if (there === 'absent')
      return AllThere === true && Only.length > 0
        ? [broken(User, 'a user', 'absent')]
        : [kept(User, 'absent')];
    if (there !== 'there' || fields.one('looked') !== 'yes') throw badReply('it did not look at every file');
    if (fields.one('text-more') !== undefined)
      return [unknown(User, 'OUTPUT_TOO_LARGE', 'the files hold more keys than are read')];
    const judged: Judged[] = [];
    // Lines of several files follow one another; each file's base64 ends with its own padding.
    const text = decodeAll(fields.all('text'));
    const seen = new Set<string>();
    for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
      const key = parsePublicKey(line);
      if (key === undefined)
        judged.push(
          unknown(
            `line ${JSON.stringify(line.slice(0, 40))}`,
            'NO_KEY',
            'that line of the file is not a key that Belay can read',
          ),
        );
      else if (!seen.has(key.body)) {
        seen.add(key.body);
        const subject = `${User} ${key.fingerprint}`;
        if (allowed.has(key.body)) judged.push(kept(subject, 'allowed'));
        else
          judged.push(
            broken(
              subject,
              'no key',
              `a ${key.type} key that may not be there (${commentOf(key.line, key.body)})`,
            ),
          );
      }
    }
    for (const [body, key] of allowed)
      if (AllThere === true && !seen.has(body))
        judged.push(broken(`${User} ${key.fingerprint}`, 'there', 'missing'));
    const command = fields.one('command');
    if (command !== undefined)
      judged.push(
        unknown(User, 'KEYS_FROM_COMMAND', `sshd asks ${command} for further keys, which nobody can list`),
      );
    const unasked = fields.one('unasked');
    if (unasked !== undefined)
      judged.push(
        unknown(
          `files of ${User}`,
          'SSHD_NOT_ASKED',
          `sshd does not say which files it reads, and only the usual ones were looked at: ${unasked}`,
        ),
      );
    return judged.length === 0 ? [kept(User, 'without keys')] : judged;
  },
});

/** Each piece is whole base64 of 390 characters, which is a multiple of three bytes only at 388: pieces of one file are joined first. */
function decodeAll(pieces: readonly string[]): string {
  const texts: string[] = [];
  let open = '';
  for (const piece of pieces) {
    open += piece;
    if (piece.length === 390 && !piece.endsWith('=')) continue;
    texts.push(Buffer.from(open, 'base64').toString('utf8'));
    open = '';
  }
  if (open !== '') texts.push(Buffer.from(open, 'base64').toString('utf8'));
  return texts.join('\n');
}

function commentOf(line: string, body: string): string {
  const comment = line
    .slice(line.indexOf(body) + body.length)
    .trim()
    .slice(0, 60);
  return comment === '' ? 'no comment' : comment;
}
