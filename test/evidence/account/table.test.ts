/**
 * Each action that the sandbox models × each way in which a step can end × each kind of undo: what Belay says of the world
 * is compared with the world's own state. No row may claim more than the world holds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
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

/** What the sandbox refuses by name, or what needs a world of its own: their truth is shown on lab hosts and servers. */
const elsewhere =
  /^(minio|nginx|tls|config|cloudwatch|sns|ssm):|^postgresql:(rebuildStandby|follow|promote)$|^aws:(copyImage|deleteImage|executeScript|deleteStack|executeStateMachine|invokeLambdaFunction|invokeWebhook)$|^(ebs:(restore|deleteSnapshots|moveVolume|putBack)|ec2:(rotateKeyPair|deleteKeyPair)|host:(authorizedKeys|binary|reboot))$/;

const folder = mkdtempSync(join(tmpdir(), 'belay-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each action that changes anything is in the table, or is said to be shown elsewhere', () => {
  const changing = [...actions.values()].filter(
    ({ flow, effect }) => flow === undefined && (typeof effect === 'function' || effect.kind !== 'read'),
  );
  const missing = changing
    .map(({ name }) => name)
    .filter((name) => !(name in acting) && !elsewhere.test(name));
  expect(missing).toEqual([]);
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
