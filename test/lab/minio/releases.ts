/** The two MinIO "releases": one source under two names, built by hosts/minio-images.sh. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unavailable as labUnavailable } from '../hosts/unavailable.ts';

export type ReleaseName = 'old' | 'new';

export interface Release {
  /** What `minio --version` prints. */
  readonly tag: string;
  /** What the admin API calls it. */
  readonly version: string;
  /** On every node. */
  readonly pathOnNode: string;
  /** On the controller: for uploads. */
  readonly file: string;
}

const script = fileURLToPath(new URL('../hosts/minio-images.sh', import.meta.url));
// As hosts/settings.sh has it.
const folder = join(process.env['BELAY_LAB_IMAGES'] ?? '/var/lib/belay-lab', 'minio-1');

function release(name: ReleaseName, day: string, time: string): Release {
  const tag = `RELEASE.${day}T${time}Z`;
  return {
    tag,
    version: `${day}T${time.replaceAll('-', ':')}Z`,
    pathOnNode: `/opt/minio/minio.${tag}`,
    file: join(folder, 'bin', `minio-${name}`),
  };
}

export const releases: Readonly<Record<ReleaseName, Release>> = {
  old: release('old', '2026-01-01', '00-00-00'),
  new: release('new', '2026-02-12', '20-18-48'),
};

let answer: { readonly reason: string | undefined } | undefined;

function look(): string | undefined {
  const reason = labUnavailable();
  if (reason !== undefined) return reason;
  const missing = spawnSync('bash', [script, 'missing'], { encoding: 'utf8' }).stdout.trim().split('\n');
  if (missing.join('') === '') return undefined;
  return `MinIO's part of the lab is missing (${missing.join(', ')}): run test/lab/hosts/install.sh as root; it needs Go >= 1.25 or the Python package index`;
}

/** Why no MinIO cluster can be raised here, in one sentence with the remedy; undefined when one can. */
export function minioUnavailable(): string | undefined {
  answer ??= { reason: look() };
  return answer.reason;
}
