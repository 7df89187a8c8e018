/**
 * Each action that the sandbox models × each way in which a step can end × each kind of undo: what Belay says of the world
 * is compared with the world's own state. No row may claim more than the world holds.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { actions } from '../../../src/actions/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import { openTransports } from '../../../src/runtime/transports.ts';
import { sandboxIds } from '../../../src/world/index.ts';
import { seed } from '../sample.ts';
import { footprint, worldOf } from './footprint.ts';
import { expectRowHolds, sampledRows } from './rows.ts';

const rowsInCi = 24;
const root = join(import.meta.dirname, '..', '..', '..');

/** Inputs with which each of them changes something of the world that a newcomer meets. */
const acting: Readonly<Record<string, JsonObject>> = {
  'aws:changeInstanceState': { InstanceIds: [sandboxIds.web1], DesiredState: 'stopped' },
  'aws:createImage': { InstanceId: sandboxIds.web1, ImageName: 'web1-before', NoReboot: true },
  'aws:createSnapshot': { VolumeId: sandboxIds.db1Data },
  'aws:createStack': { StackName: 'helpers', TemplateBody: 'Resources: {}' },
  'aws:createTags': { ResourceIds: [sandboxIds.web1], Tags: [{ Key: 'K', Value: 'v' }] },
  'aws:executeAwsApi': {
    Service: 'ssm',
    Api: 'PutParameter',
    Name: '/x',
    Value: 'v',
    Type: 'String',
    Overwrite: true,
  },
  'aws:runCommand': {
    DocumentName: 'AWS-RunShellScript',
    InstanceIds: ['web1'],
    Parameters: { commands: ['true'] },
  },
  'aws:runInstances': { ImageId: sandboxIds.image },
  'ebs:snapshot': { Host: 'db1', Mounts: ['/var/lib/postgresql'] },
  'ec2:deleteTags': { ResourceIds: [sandboxIds.web1], Keys: ['Name'] },
  'host:command': { Host: 'web1', Script: 'true' },
  'host:file': { Host: 'web1', Path: '/etc/motd', Content: 'after' },
  'host:package': {
    Host: 'db1',
    Names: ['postgresql-15', 'postgresql-client-15', 'libpq5'],
    Version: '15.20*',
  },
  'host:service': { Host: 'web1', Name: 'nginx', State: 'stopped' },
};

/** What the sandbox refuses by name, or what needs a world of its own: the tests that look at that world themselves, after the undo too. */
const elsewhere: readonly (readonly [actions: RegExp, shownBy: string])[] = [
  // The sound volume in the place of the hurt one, and back, also under a runner that is killed.
  [/^ebs:restore$/, 'test/evidence/crash/volumes.test.ts'],
  [/^ebs:(putBack|deleteSnapshots)$/, 'test/evidence/postgresql/restore.test.ts'],
  [/^ebs:moveVolume$/, 'test/evidence/keys/recover-lost-key.test.ts'],
  [/^ec2:(rotateKeyPair|deleteKeyPair)$/, 'test/evidence/keys/rotate-key-pair.test.ts'],
  // Each object, its headers and its tags, with a client of their own.
  [/^minio:(restore|backup\w*)$/, 'test/evidence/minio/restore-cases.ts'],
  // What a settle writes is its own probe, which its undo takes away; `minio:lifecycle` and the others are beside it.
  [/^minio:/, 'test/lab/minio-actions.test.ts'],
  [/^nginx:/, 'test/lab/actions-nginx.test.ts'],
  [/^tls:/, 'test/lab/actions-tls.test.ts'],
  [/^postgresql:(rebuildStandby|follow|promote)$/, 'test/evidence/postgresql/patch-replicas.test.ts'],
  [/^host:(authorizedKeys|binary)$/, 'test/evidence/account/lab-table.test.ts'],
  [/^host:reboot$/, 'test/lab/actions-reboot.test.ts'],
  [/^aws:executeScript$/, 'test/actions/aws/execute-script/python.test.ts'],
  [/^aws:(copyImage|deleteImage)$/, 'test/actions/aws/images-and-instances.test.ts'],
  [
    /^aws:(deleteStack|invokeLambdaFunction|invokeWebhook|executeStateMachine)$/,
    'test/actions/aws/stacks-and-functions.test.ts',
  ],
  // They only speak, or ask others to act.
  [/^(config|cloudwatch|sns|ssm):/, 'test/actions/cases.test.ts'],
];

const folder = mkdtempSync(join(tmpdir(), 'belay-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each action that changes anything is in the table, or is said to be shown elsewhere', () => {
  const changing = [...actions.values()].filter(
    ({ flow, effect }) => flow === undefined && (typeof effect === 'function' || effect.kind !== 'read'),
  );
  const missing = changing
    .map(({ name }) => name)
    .filter((name) => !(name in acting) && !elsewhere.some(([names]) => names.test(name)));
  expect(missing).toEqual([]);
  const gone = elsewhere.map(([, file]) => file).filter((file) => !existsSync(join(root, file)));
  expect(gone).toEqual([]);
});

test.each(sampledRows(Object.keys(acting), rowsInCi))(
  `$name that ends $ends, undo $undo (seed ${seed})`,
  async (row) => {
    await expectRowHolds(row, {
      dir: mkdtempSync(join(folder, 'row-')),
      action: row.name,
      inputs: acting[row.name] ?? {},
      isSandbox: true,
      open: openTransports,
      look: async ({ stateDir, id }) => {
        const world = worldOf(stateDir, id);
        return { lines: footprint(world), places: world };
      },
    });
  },
  60_000,
);
