/**
 * The command line that opens the protocol on a host, and the block format in which programs reach it.
 *
 * Nothing of a request stands in an argument list: the command line is constant, and the shell that it starts reads
 * the program from standard input, checks that all of it has come, and only then evaluates it.
 */
/** What the protocol needs of a host. Only tests have reason to change it. */
export interface HostShell {
  /** The POSIX shell, as an absolute path. */
  readonly sh: string;
  /** PATH of the protocol and of every script. */
  readonly path: string;
  /** Where the folder of commands lies; left out, the host's own places (folder.ts). It must survive a reboot. */
  readonly stateBase?: string;
}

export const defaultShell: HostShell = {
  sh: '/bin/sh',
  path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

/**
 * Reads one block (its length in bytes on a line, then the bytes) and evaluates it. A block that a dying connection
 * cut short is not evaluated at all. `dd` because it reads exactly so many bytes from a pipe, and no more.
 */
export const readBlock =
  'IFS= read -r n && p=$(dd bs="$n" count=1 iflag=fullblock 2>/dev/null) && [ "${#p}" = "$n" ] && eval "$p"';

/** Starts the reader in an environment that does not depend on login files, sudo or the service that runs it. */
function cleanEnvironment(shell: HostShell): string {
  return `exec env -i PATH=${shell.path} LC_ALL=C HOME="$HOME" USER="$USER" LOGNAME="$LOGNAME" ${shell.sh} -c "$1"`;
}

/** Root needs no sudo, and a host where everybody is root may not have it. */
function asRoot(shell: HostShell): string {
  return `if [ "$(id -u)" = 0 ]; then exec ${shell.sh} -c "$1" sh "$2"; else exec sudo -n -H -- ${shell.sh} -c "$1" sh "$2"; fi`;
}

/**
 * The words of the command: a shell, `-c`, a text, its name, and what the text takes. They hold no quote, backslash, exclamation mark or line break, so that they survive
 * any login shell (csh and fish included) between single quotes.
 */
export function openingWords(shell: HostShell, become: 'none' | 'sudo'): string[] {
  const [text, reader] = [cleanEnvironment(shell), readBlock];
  return [shell.sh, '-c', ...(become === 'none' ? [text, 'sh'] : [asRoot(shell), 'sh', text]), reader];
}

/** A program as the bytes that `readBlock` expects. The closing colon keeps trailing line breaks from being lost. */
export function block(program: string): Buffer {
  const bytes = Buffer.from(`${program}\n:`);
  return Buffer.concat([Buffer.from(`${bytes.byteLength}\n`), bytes]);
}
