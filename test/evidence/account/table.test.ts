/**
 * Each action that the sandbox models × each way in which a step can end × each kind of undo: what Belay says of the world
 * is compared with the world's own state. No row may claim more than the world holds.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { actions } from '../../../src/actions/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import { Belay } from '../../../src/runtime/belay.ts';
import { openTransports, type Transports } from '../../../src/runtime/transports.ts';
import type { Host } from '../../../src/transports/host.ts';
import { sandboxIds } from '../../../src/world/index.ts';
import { withFault, type FaultKind } from '../../../src/world/faults.ts';
import { isThorough, seed } from '../sample.ts';
import { expectClaimsHold } from './claims.ts';
import { difference, footprint, worldOf } from './footprint.ts';

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

const endings = ['done', 'refused', 'lostReply', 'timedOut', 'cancelled', 'mismatch', 'killed'] as const;
const undos = ['auto', 'list', 'none'] as const;
type EndsAs = (typeof endings)[number];

interface Row {
  readonly action: string;
  readonly ends: EndsAs;
  readonly undo: (typeof undos)[number];
}

const rows: readonly Row[] = Object.keys(acting).flatMap((action) =>
  endings.flatMap((ends) => undos.map((undo) => ({ action, ends, undo }))),
);

/** A part of them by the seed; each is run by BELAY_FAULTS=all. */
function sampled(): readonly Row[] {
  if (isThorough) return rows;
  const rank = ({ action, ends, undo }: Row): number => {
    let hash = seed | 0;
    for (const letter of `${action} ${ends} ${undo}`)
      hash = Math.imul(hash ^ letter.charCodeAt(0), 0x5bd1e995) >>> 1;
    return hash;
  };
  return rows.toSorted((left, right) => rank(left) - rank(right)).slice(0, rowsInCi);
}

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

class Killed extends Error {}

/** The world with one thing going wrong at its first effect. */
function going(transports: Transports, ends: EndsAs, meanwhile: { cancel(): void }): Transports {
  const kind: FaultKind | null = ends === 'refused' || ends === 'lostReply' ? ends : null;
  const ports = { aws: transports.aws, host: (name: string): Host | undefined => transports.host(name) };
  const faulty = kind === null ? ports : withFault(ports, { effect: 1, kind });
  let isFirst = true;
  const wrapped = (host: Host): Host => ({
    ...host,
    start: async (token, script, options) => {
      await host.start(token, script, options);
      if (!isFirst) return;
      isFirst = false;
      if (ends === 'cancelled') meanwhile.cancel();
      if (ends === 'killed') throw new Killed();
    },
    poll: async (token, options) => {
      const state = await host.poll(token, options);
      if (ends !== 'timedOut' || isOver) return state;
      await delay(200);
      return { kind: 'running', next: options.from };
    },
    stop: async (token, options) => {
      isOver = true;
      await host.stop(token, options);
    },
  });
  let isOver = false;
  return {
    ...transports,
    aws: faulty.aws,
    host: (name) => {
      const host = faulty.host(name);
      if (host === undefined) throw new Error(`there is no ${name}`);
      return wrapped(host);
    },
  };
}

test.each(sampled())(
  `$action that ends $ends, undo $undo (seed ${seed})`,
  async ({ action, ends, undo }) => {
    const dir = mkdtempSync(join(folder, 'row-'));
    let fault: EndsAs = ends;
    let id = '';
    const belay = new Belay({
      state: join(dir, 'state'),
      cwd: dir,
      env: {},
      stdin: () => Promise.resolve(''),
      openTransports: async (options) =>
        going(await openTransports(options), fault, { cancel: () => void belay.cancel(id) }),
    });
    try {
      const step = {
        name: 'Act',
        action,
        inputs: acting[action] ?? {},
        ...(ends === 'timedOut' ? { timeoutSeconds: 1 } : {}),
        ...(ends === 'mismatch' ? { outputs: [{ Name: 'V', Selector: '$.Nothing', Type: 'Integer' }] } : {}),
        ...(undo === 'none' ? { undo: { none: 'nothing needs it' } } : {}),
        ...(undo === 'list'
          ? { undo: [{ name: 'Back', action: 'aws:sleep', inputs: { Duration: 'PT0S' } }] }
          : {}),
      };
      const file = join(dir, 'row.json');
      writeFileSync(
        file,
        JSON.stringify({ schemaVersion: '0.3', rollback: { when: 'never' }, mainSteps: [step] }),
      );
      ({ id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: true }));
      const before = footprint(worldOf(belay.stateDir, id));
      const expectHolds = async (of: string): Promise<void> => {
        const world = worldOf(belay.stateDir, id);
        expectClaimsHold(await belay.view(id), { changed: difference(before, footprint(world)), world }, of);
      };
      const ran = await belay.run(id, { onWait: 'leave' }).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
        return null;
      });
      if (ran === null) {
        fault = 'done';
        await belay.run(id, { onWait: 'leave' });
      }
      const about = `${action} ${ends} ${undo}`;
      if ((await belay.view(id)).endedAt === null) {
        // It asks a person whether it happened, and claims nothing until then.
        expect((await belay.view(id)).waiting, about).toMatchObject({ kind: 'unknownOutcome' });
        return;
      }
      await expectHolds(about);
      fault = 'done';
      await belay.requestRollback(id, { force: false });
      await belay.run(id, { onWait: 'leave' });
      // An undo list of this table takes nothing back: that is its author's word.
      if (undo === 'auto') await expectHolds(`${about}, rolled back`);
    } finally {
      belay.close();
    }
  },
  60_000,
);
