/** Which runbook a name means, and who runs it: files, folders of belay.yaml, runbooks that AWS owns, `--children`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/actions/index.ts';
import { checkDocument } from '../../src/document/index.ts';
import { awsRunbook, awsRunbookNames } from '../../src/runtime/aws-runbooks.ts';
import type { Belay, StartRequest } from '../../src/runtime/belay.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';
import { localBelay } from '../support/local-belay.ts';

let dir: string;
let belay: Belay;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-children-'));
  belay = localBelay(dir);
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

const wait = { name: 'Wait', action: 'aws:sleep', inputs: { Duration: 'PT0S' } };
const call = (DocumentName: string, more: object = {}) => ({
  name: 'Call',
  action: 'aws:executeAutomation',
  inputs: { DocumentName, ...more },
});

function write(name: string, ...mainSteps: object[]): string {
  const file = join(dir, name);
  writeFileSync(file, JSON.stringify({ schemaVersion: '0.3', mainSteps }));
  return file;
}

async function run(file: string, more: Partial<StartRequest> = {}) {
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: true, ...more });
  await belay.run(id, { onWait: 'leave' });
  const view = await belay.view(id);
  return {
    id,
    view,
    call: view.steps.find(({ name }) => name === 'Call'),
    children: await belay.children(id),
  };
}

describe('folders that belay.yaml names', () => {
  beforeEach(() => {
    mkdirSync(join(dir, 'team'));
    mkdirSync(join(dir, 'jobs'));
    writeFileSync(join(dir, 'belay.yaml'), 'runbooks: [team]\nhosts: { here: { transport: local } }\n');
    write('team/shared.yaml', wait);
  });

  test('are looked in for runbooks that a step names', async () => {
    const { view, children } = await run(write('jobs/parent.yaml', call('shared')), { sandbox: false });
    expect(view.status).toBe('Success');
    expect(children).toHaveLength(1);
  });

  test('come behind the folder of the caller', async () => {
    write('jobs/shared.yaml', wait, { ...wait, name: 'Own' });
    const { children } = await run(write('jobs/parent.yaml', call('shared')), { sandbox: false });
    expect(children[0]?.steps.map(({ name }) => name)).toEqual(['Wait', 'Own']);
  });

  test('are named where a file is in none of them', async () => {
    await expect(run(write('jobs/parent.yaml', call('gone.yaml')), { sandbox: false })).rejects.toMatchObject(
      {
        diagnostics: expect.arrayContaining([
          expect.objectContaining({ message: expect.stringContaining(`or in ${join(dir, 'team')}`) }),
        ]),
      },
    );
  });
});

describe('--children', () => {
  test.each([
    ['ssm', 'child.yaml', 'NOT_OF_SERVICE', 'child.yaml is a file'],
    ['local', 'AWSSupport-TroubleshootSSH', 'NOT_LOCAL', 'only Systems Manager has'],
  ] as const)(
    '%s: a step that names %s fails before anything is started',
    async (children, name, code, says) => {
      write('child.yaml', wait);
      const ran = await run(write('parent.yaml', call(name)), { children });
      expect(ran.call?.failure).toMatchObject({ code });
      expect(ran.call?.failure?.message).toContain(says);
      expect(ran.children).toEqual([]);
    },
  );

  test('local: TargetLocations, which only Systems Manager goes over, is refused before the start', async () => {
    const file = write(
      'parent.yaml',
      call('Team-Doc', { TargetLocations: [{ Accounts: ['111122223333'] }] }),
    );
    await expect(run(file, { children: 'local' })).rejects.toMatchObject({ code: 'NOT_LOCAL' });
  });

  test('local: TargetLocations in a runbook below fails the step that names it', async () => {
    write('child.yaml', call('Team-Doc', { TargetLocations: [{ Accounts: ['111122223333'] }] }));
    const ran = await run(write('parent.yaml', call('child')), { children: 'local' });
    expect(ran.call?.failure).toMatchObject({ code: 'NOT_LOCAL' });
  });

  test.each(['local', 'auto'] as const)('%s: files are run here', async (children) => {
    write('child.yaml', wait);
    const { view } = await run(write('parent.yaml', call('child')), { children });
    expect(view.status).toBe('Success');
  });
});

describe('a runbook that AWS owns and Belay knows', () => {
  test.each(awsRunbookNames)('%s is sound, and is plain SSM', (name) => {
    const source = { file: name, text: awsRunbook(name) ?? '' };
    const { document, diagnostics } = checkDocument(source, createCatalog(offlineModels()));
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(document?.parameters['AutomationAssumeRole']).toMatchObject({ type: 'String', default: '' });
  });

  test('is run here, and climbs down with its caller', async () => {
    const restart = call('AWS-StopEC2Instance', { RuntimeParameters: { InstanceId: 'i-0a7c3e5d9b1f48260' } });
    const gone = { name: 'Gone', action: 'aws:deleteImage', inputs: { ImageId: 'ami-0000000000000dead' } };
    const {
      view,
      call: step,
      children,
    } = await run(write('parent.yaml', restart, gone), {
      rollback: 'onFailure',
    });
    expect(step).toMatchObject({ status: 'Success', outputs: { Status: 'Success' } });
    expect(children[0]?.steps.map(({ name }) => name)).toEqual(['stopInstances', 'forceStopInstances']);
    expect(view).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
    expect(children[0]?.rollback.map(({ name, result }) => `${name} ${result}`)).toContain(
      'stopInstances undone',
    );
  });

  test('gives its outputs under the names that AWS has for them', async () => {
    const { view, call: step } = await run(
      write(
        'parent.yaml',
        call('AWS-CreateSnapshot', { RuntimeParameters: { VolumeId: 'vol-0b2c4e6f81a3d5790' } }),
      ),
    );
    expect(view.steps[0]?.failure).toBeNull();
    expect(step?.outputs['Output']).toEqual([expect.stringMatching(/^snap-/)]);
  });

  test('is left to Systems Manager where a version of it is asked for', async () => {
    const asked = call('AWS-StopEC2Instance', {
      DocumentVersion: '3',
      RuntimeParameters: { InstanceId: 'i-1' },
    });
    const ran = await run(write('parent.yaml', asked));
    expect(ran.children).toEqual([]);
    expect(ran.call?.status).toBe('Failed');
  });
});
