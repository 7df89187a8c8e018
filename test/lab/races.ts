/**
 * Races that are forced, not won by luck: the tools of a lab host are wrapped, and before each call of one the attacker, a
 * real user without rights, acts on the folder that he owns. Nothing of Belay knows of it.
 */
import type { Lab } from './hosts/lab.ts';

/** He owns the folder that root is asked to write into. */
export const attacker = 'limited';
const tools =
  'mktemp mkdir cp chown chgrp chmod mv rm rmdir ln stat sha256sum dd cat sync readlink head tail awk cut env getent';

/** What only root may read or write, and may look like that afterwards only. */
const victims = `
# Other names that an attack before this one gave to the file of root: alone they would look like a copy.
find /home/${attacker} /srv/app -samefile /etc/victim -delete 2>/dev/null
rm -rf /etc/victim /etc/victim.d
mkdir -m 0755 /etc/victim.d
printf 'root only\\n' >/etc/victim; chmod 0600 /etc/victim
for f in authorized_keys app.conf tool tool.new tool.old public.crt private.key; do cp -p /etc/victim /etc/victim.d/$f; done
`;
const look = `
find /etc/victim /etc/victim.d -printf '%p %y %u:%g %m %l\\n' | sort; cat /etc/victim /etc/victim.d/* | sha256sum
`;

const hardlink = 'the file becomes another name of a file of root';

/** Shell text that the attacker runs in his folder (the working directory), `$file` being the name that is acted on. */
export const attacks = {
  'what is staged becomes a link to a file of root': `
    for one in .belay* */.belay*; do [ -e "$one" ] || continue; [ -L "$one" ] && continue; mv -T "$one" ".taken$$" && ln -s /etc/victim "$one"; done`,
  'what is staged becomes a link to a folder of root': `
    for one in .belay* */.belay*; do [ -e "$one" ] || continue; [ -L "$one" ] && continue; mv -T "$one" ".taken$$" && ln -s /etc/victim.d "$one"; done`,
  'the file becomes a link': `rm -rf "$file"; ln -s /etc/victim "$file"`,
  'the file becomes a link, and a file again': `
    if [ -L "$file" ]; then rm -f "$file"; printf 'mine\\n' >"$file"; else rm -rf "$file"; ln -s /etc/victim "$file"; fi`,
  'the file becomes a FIFO': `rm -rf "$file"; mkfifo "$file"`,
  'the file becomes a FIFO, and a file again': `
    if [ -p "$file" ]; then rm -f "$file"; printf 'mine\\n' >"$file"; else rm -rf "$file"; mkfifo "$file"; fi`,
  'the file becomes a link to a folder': `rm -rf "$file"; ln -s /etc/victim.d "$file"`,
  // By root, for a kernel on which everybody may do that (fs.protected_hardlinks=0).
  [hardlink]: `rm -rf "$file"; ln /etc/victim "$file"`,
  'the folder becomes a link': `
    cd ..; name=\${folder##*/}; [ -L "$name" ] || { mv -T "$name" "$name.taken"; ln -s /etc/victim.d "$name"; }`,
  'the folder becomes a link, and itself again': `
    cd ..; name=\${folder##*/}; if [ -L "$name" ]; then rm -f "$name"; mv -T "$name.taken" "$name"; else mv -T "$name" "$name.taken"; ln -s /etc/victim.d "$name"; fi`,
  'the folder becomes another one': `
    cd ..; name=\${folder##*/}; mv -T "$name" "$name.$$"; mkdir -m 777 "$name"; printf 'mine\\n' >"$name/$file"`,
} as const;
export type Attack = keyof typeof attacks;

export interface Target {
  /** `/home/limited/.ssh/authorized_keys`. */
  readonly path: string;
  /** Makes the folder and what lies in it, as root, before each attack. */
  readonly prepare: string;
}

export async function wrapTools(lab: Lab, host: string): Promise<void> {
  await lab.exec(
    host,
    `mkdir -p /run/race
cat >/run/race/wrapper <<'WRAPPER'
#!/bin/sh
tool=\${0##*/} path=$PATH
if [ -f /run/race/attack ]; then
  n=$(( $(/usr/bin/cat /run/race/n) + 1 )); echo $n >/run/race/n
  at=$(/usr/bin/cat /run/race/at)
  if [ "$at" = every ] || [ "$at" = $n ]; then
    PATH=/usr/bin:/bin; user="setpriv --reuid ${attacker} --regid ${attacker} --clear-groups"
    if [ -f /run/race/hardlinks ]; then user=; fi
    timeout 2 $user sh /run/race/attack </dev/null >/dev/null 2>&1 3>&1
  fi
fi
PATH=$path exec /usr/bin/$tool "$@"
WRAPPER
chmod 755 /run/race/wrapper
for tool in ${tools}; do ln -sf /run/race/wrapper /usr/local/bin/$tool; done`,
  );
}

/** From here on the attacker acts before each call of a tool, or only before the one with this number. */
export async function arm(lab: Lab, host: string, attack: Attack, target: Target, at: number | 'every') {
  const folder = target.path.slice(0, target.path.lastIndexOf('/'));
  const file = target.path.slice(folder.length + 1);
  const text = `folder=${folder} file=${file}\ncd ${folder} || exit 0\n${attacks[attack]}\n`;
  await lab.exec(
    host,
    `rm -f /run/race/attack /run/race/hardlinks; ${attack === hardlink ? 'touch /run/race/hardlinks;' : ''} ${victims} ${target.prepare}
echo 0 >/run/race/n; echo ${at} >/run/race/at
printf %s ${shellQuote(text)} >/run/race/new; mv /run/race/new /run/race/attack`,
  );
  return (await lab.exec(host, look)).stdout;
}

/** What the attacker has won: nothing, when the list is empty. `calls`: how many tools were called meanwhile. */
export async function disarm(lab: Lab, host: string, before: string) {
  const { stdout: n } = await lab.exec(host, 'rm -f /run/race/attack; cat /run/race/n');
  const after = (await lab.exec(host, look)).stdout;
  const leaked = await lab.exec(
    host,
    `find /home/${attacker} /srv/app -type f -links 1 -exec grep -ls 'root only' {} +`,
  );
  const kept = await lab.exec(host, `find /var/lib/belay -type f ! -user root`);
  return {
    calls: Number(n),
    won: [
      ...(after === before ? [] : [`files of root are others: ${difference(before, after)}`]),
      ...(leaked.stdout.trim() === '' ? [] : [`what only root may read lies in ${leaked.stdout.trim()}`]),
      ...(kept.stdout.trim() === '' ? [] : [`what is kept belongs to others: ${kept.stdout.trim()}`]),
    ],
  };
}

function difference(before: string, after: string): string {
  const known = new Set(before.split('\n'));
  return after
    .split('\n')
    .filter((line) => !known.has(line))
    .join(' | ');
}

const shellQuote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
