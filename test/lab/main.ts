/**
 * The lab at the command line: `npm run lab -- up b1 db1 h1`. The lab stays up between commands, and tests leave it
 * alone; BELAY_LAB_ID (0 to 9, default 0) says which one.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { LabFailure, stateFolder, type LabId } from './hosts/command.ts';
import { Lab } from './hosts/lab.ts';
import { leftovers } from './hosts/leftovers.ts';
import { holdSlot, keep } from './hosts/slot.ts';
import { MinioLab } from './minio/cluster.ts';

const usage = `npm run lab -- <command>

  up [HOST...]          boot hosts (default: b1 db1 h1 r1) and write their belay.yaml
  up minio [HOST...]    raise the MinIO cluster: minio01..04, lb1 (nginx), bk1 (S3 for backups), and these hosts
  down                  everything off and removed
  ps                    name, address, state, boots, memory in MB
  ssh HOST [COMMAND]    through OpenSSH, private hosts through the bastion
  exec HOST COMMAND...  as root by the host's namespaces, without ssh
  publish HOST old|new|broken, stop|start|kill|freeze|thaw|reboot HOST, net HOST FAULT, forward PORT, volume VERB
                        as test/lab/hosts/lab.sh says, which does the work

  BELAY_LAB_ID=0..9 chooses the lab; test/lab/README.md says what the host names mean.
`;

function labId(): LabId {
  const ids: readonly LabId[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const wanted = process.env['BELAY_LAB_ID'] ?? '0';
  const id = ids.find((candidate) => String(candidate) === wanted);
  if (id === undefined)
    throw new LabFailure('Usage', `BELAY_LAB_ID is "${wanted}"; it must be one digit, 0 to 9`);
  return id;
}

async function up(id: LabId, hosts: readonly string[]): Promise<void> {
  const reason = hosts.includes('minio') ? MinioLab.unavailable() : Lab.unavailable();
  if (reason !== undefined) throw new LabFailure('Unavailable', reason);
  const slot = await holdSlot(id);
  if (slot === undefined) {
    throw new LabFailure(
      'LabInUse',
      `lab ${id} belongs to a test that is running; choose another with BELAY_LAB_ID`,
    );
  }
  try {
    const lab = Lab.attach(id);
    const wantsMinio = hosts.includes('minio');
    const wanted = hosts.filter((host) => host !== 'minio');
    if (wantsMinio) wanted.unshift(...MinioLab.hosts);
    await lab.add(...(wanted.length > 0 ? wanted : ['b1', 'db1', 'h1', 'r1']));
    keep(id);
    const minio = wantsMinio ? await MinioLab.raise(lab) : undefined;
    const inventory = join(lab.stateFolder, 'belay.yaml');
    writeFileSync(inventory, stringify((minio ?? lab).inventory()));
    process.stdout.write(
      `${lab.hosts.map((host) => `${host.padEnd(7)} ${lab.address(host)}`).join('\n')}\n\n` +
        `inventory    ${inventory}\nssh          ssh -F ${lab.sshConfig} HOST\nknown hosts  ${lab.knownHosts}\n`,
    );
    if (minio !== undefined) process.stdout.write(describeMinio(minio));
  } finally {
    await slot.release();
  }
}

function describeMinio(minio: MinioLab): string {
  return `S3           ${minio.url}  (minio.lab, by nginx)\nnodes        ${minio.nodes.map((node) => minio.nodeUrl(node)).join(' ')}
backup S3    ${minio.backupUrl}\nauthority    ${minio.caFile}\ncredentials  ${minio.credentialsFile}\n`;
}

/** Runs a command on this terminal; its exit code becomes ours. */
function here(id: LabId, file: string, args: readonly string[]): void {
  const env = { ...process.env, BELAY_LAB_ID: String(id), BELAY_LAB_STATE: stateFolder(id) };
  process.exitCode = spawnSync(file, args, { stdio: 'inherit', env }).status ?? 1;
}

async function main([verb, ...args]: readonly string[]): Promise<void> {
  if (verb === undefined || verb === 'help' || verb === '--help') {
    process.stdout.write(usage);
    return;
  }
  const id = labId();
  const script = fileURLToPath(new URL('hosts/lab.sh', import.meta.url));
  if (verb === 'up') return up(id, args);
  if (verb === 'ssh') return here(id, 'ssh', ['-F', Lab.attach(id).sshConfig, ...args]);
  here(id, 'bash', [script, verb, ...args]);
  if (verb === 'down') for (const line of leftovers(id)) process.stderr.write(`left over: ${line}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabFailure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
