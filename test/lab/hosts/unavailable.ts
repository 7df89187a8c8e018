/** Says why the lab of hosts cannot run on this machine, so that tests skip with a reason. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const images = fileURLToPath(new URL('images.sh', import.meta.url));
const tools = [
  'systemd-nspawn',
  'ip',
  'nft',
  'nsenter',
  'unshare',
  'losetup',
  'blockdev',
  'flock',
  'setsid',
  'mkfs.xfs',
  'ssh-keygen',
  'python3',
];
const remedy = 'run test/lab/hosts/install.sh as root';

function look(): string | undefined {
  if (process.platform !== 'linux') return `the lab needs Linux; this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'the lab needs root: it makes namespaces, mounts and loop devices';
  const found = spawnSync(
    'sh',
    ['-c', 'for tool; do command -v "$tool" >/dev/null || echo "$tool"; done', 'sh', ...tools],
    {
      encoding: 'utf8',
    },
  );
  const absent = found.stdout.trim().split('\n').filter(Boolean);
  if (absent.length > 0) return `the lab needs ${absent.join(', ')}: ${remedy}`;
  const namespaces = spawnSync('unshare', ['--mount', '--net', '--pid', '--fork', 'true'], {
    encoding: 'utf8',
  });
  if (namespaces.status !== 0) return `no namespaces can be made here: ${namespaces.stderr.trim()}`;
  const missing = spawnSync('bash', [images, 'missing'], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .filter(Boolean);
  if (missing.length > 0) return `the lab's images are missing (${missing.join(', ')}): ${remedy}`;
  return undefined;
}

let answer: { readonly reason: string | undefined } | undefined;

/** The reason in one sentence with the remedy, or undefined when the lab can run. Asked once per process, in some 50 ms. */
export function unavailable(): string | undefined {
  answer ??= { reason: look() };
  return answer.reason;
}
