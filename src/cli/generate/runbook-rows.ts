/**
 * What the systems that Belay is built for ask of it, row by row, and the runbook that answers. How each was verified is read from the
 * tests: a file under test/evidence or test/lab whose opening comment names a runbook verifies it.
 */
export interface RunbookRow {
  /** As its owners ask for it. */
  readonly asked: string;
  /** Below runbooks/, without its ending. */
  readonly runbook: string;
  /** Files that verify it and whose opening does not say so. */
  readonly verifiedBy?: readonly string[];
}

export interface RunbookSystem {
  readonly system: string;
  readonly rows: readonly RunbookRow[];
}

const patchTests = ['test/evidence/patch/over-ssh.test.ts', 'test/evidence/patch/over-ssm.test.ts'];

export const runbookSystems: readonly RunbookSystem[] = [
  {
    system: 'S0: a MinIO file store of four nodes behind nginx',
    rows: [
      {
        asked: 'Patch and reboot node by node, drained at nginx, behind quorum gates',
        runbook: 'minio/rolling-patch',
      },
      { asked: 'Upgrade the binary, not rolling', runbook: 'minio/upgrade' },
      { asked: 'Rotate the TLS certificate on nodes and nginx', runbook: 'minio/rotate-tls' },
      { asked: 'Back the buckets up every night to S3, verified', runbook: 'minio/backup' },
      {
        asked: 'Bring objects back from a backup, or prove in a drill that it can be done',
        runbook: 'minio/restore',
      },
      { asked: 'Check that what must be deleted is deleted, with alarm', runbook: 'minio/check-retention' },
      { asked: 'Rotate the access key', runbook: 'minio/rotate-access-key' },
      { asked: 'Replace a drive after disk loss', runbook: 'minio/replace-drive' },
    ],
  },
  {
    system: 'S3: a growing AWS architecture',
    rows: [
      {
        asked: 'Patch PostgreSQL, with undo',
        runbook: 'patch-postgresql',
        verifiedBy: [
          ...patchTests,
          'test/evidence/patch/runbook-cases.ts',
          'test/evidence/crash/postgresql.test.ts',
          'test/evidence/postgresql/restore.test.ts',
        ],
      },
      {
        asked: 'Patch PostgreSQL, as plain SSM Automation',
        runbook: 'ssm/patch-postgresql',
        verifiedBy: [...patchTests, 'test/evidence/patch/document-cases.ts'],
      },
      {
        asked: 'Patch PostgreSQL with its standbys, one server at a time',
        runbook: 'postgresql/patch-replicas',
      },
      { asked: 'Make a standby anew that cannot follow', runbook: 'postgresql/rebuild-standby' },
      { asked: 'Check Config rules, with an alarm over SNS', runbook: 'compliance/check-config-rules' },
    ],
  },
  {
    system: 'S4: a fleet behind a bastion, reached with key pairs',
    rows: [
      { asked: 'Rotate the key pair across the fleet', runbook: 'keys/rotate-key-pair' },
      { asked: 'Recover a host whose key is lost', runbook: 'keys/recover-lost-key' },
    ],
  },
  {
    system: 'Any hosts',
    rows: [{ asked: 'Roll a file out to many hosts at once', runbook: 'hosts/roll-out-file' }],
  },
];
