/**
 * What a script sees of this machine under bubblewrap: programs and libraries of the system, its interpreter, what name
 * resolution and TLS need, all of it read-only; a /tmp of its own; no home, no state of Belay, no sockets below /run, no
 * other processes. The network is the machine's, or none at all. Source: bwrap(1).
 */
import type { Interpreter } from '../scripts.ts';

/** Bound where they exist. Of /etc nothing that is a secret: no shadow, no host keys, no private keys of TLS. */
const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt/microsoft'];
const systemFiles = [
  'alternatives',
  'ca-certificates',
  'crypto-policies',
  'group',
  'host.conf',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'passwd',
  'pki/ca-trust',
  'pki/tls/certs',
  'pki/tls/cert.pem',
  'protocols',
  'resolv.conf',
  'services',
  'ssl/cert.pem',
  'ssl/certs',
  'ssl/openssl.cnf',
  'timezone',
].map((name) => `/etc/${name}`);

const namespaces = [
  '--unshare-user-try',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--die-with-parent',
  '--cap-drop',
  'ALL',
];

/** Whether this machine lets bwrap do what is asked of it. */
export const shieldProbe: readonly string[] = [
  ...namespaces,
  '--ro-bind',
  '/',
  '/',
  '--proc',
  '/proc',
  '--dev',
  '/dev',
  'true',
];

/** Everything of the command line that does not depend on where the script's own folder lies. */
export function shieldArguments(
  { folders, modulePaths }: Interpreter,
  options: { readonly mayReachNetwork: boolean; readonly hidden: readonly string[] },
): readonly string[] {
  const own = [...new Set([...folders, ...modulePaths])].filter((path) => !covers(path, options.hidden));
  return [
    ...namespaces,
    ...(options.mayReachNetwork ? [] : ['--unshare-net']),
    ...[...systemFolders, ...systemFiles, ...own].flatMap((path) => ['--ro-bind-try', path, path]),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--remount-ro',
    '/',
    '--chdir',
    '/tmp',
  ];
}

/** Whether showing the path would show a hidden folder whole: a module path that is somebody's home, or the root itself. */
function covers(path: string, hidden: readonly string[]): boolean {
  return ['/', ...hidden].some((folder) => folder === path || folder.startsWith(`${path}/`));
}
