/** TargetLocations of a runbook that is a file: one child for each account and region, with the role there, against moto. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import type { Belay, StartRequest } from '../../src/runtime/belay.ts';
import { createAws } from '../../src/transports/aws/client.ts';
import { localBelay } from '../support/local-belay.ts';
import { motoMissing, startMoto, type MotoServer } from '../transports/aws/moto-server.ts';

const accounts = ['111122223333', '444455556666'];
const regions = ['eu-west-1', 'us-east-1'];
const role = 'Belay-Everywhere';
const everywhere = { Accounts: accounts, Regions: regions, ExecutionRoleName: role };

const where = '{{ global:ACCOUNT_ID }} {{ global:REGION }}';
const put = {
  name: 'Put',
  action: 'aws:executeAwsApi',
  inputs: { Service: 'ssm', Api: 'PutParameter', Name: '{{ Name }}', Value: where, Type: 'String' },
  undo: [
    {
      name: 'Delete',
      action: 'aws:executeAwsApi',
      inputs: { Service: 'ssm', Api: 'DeleteParameter', Name: '{{ Name }}' },
    },
  ],
};
const named = { Name: { type: 'String', default: '/where' } };

describe.skipIf(motoMissing !== undefined)('a runbook over accounts and regions', () => {
  let moto: MotoServer;
  let dir: string;
  let belay: Belay;

  beforeAll(async () => {
    moto = await startMoto();
    for (const [name, value] of Object.entries({
      AWS_ENDPOINT_URL: moto.endpoint,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    }))
      vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto.close();
  });
  beforeEach(async () => {
    await fetch(`${moto.endpoint}/moto-api/reset`, { method: 'POST' });
    dir = mkdtempSync(join(tmpdir(), 'belay-locations-'));
    writeFileSync(join(dir, 'belay.yaml'), 'hosts: { here: { transport: local, tags: { Role: db } } }\n');
    belay = localBelay(dir);
  });
  afterEach(() => {
    belay.close();
    rmSync(dir, { recursive: true });
  });

  const write = (name: string, document: object): string => {
    const file = join(dir, name);
    writeFileSync(file, JSON.stringify({ schemaVersion: '0.3', ...document }));
    return file;
  };
  const step = (inputs: object, name = 'Everywhere') => ({
    name,
    action: 'aws:executeAutomation',
    inputs: { DocumentName: 'there.yaml', ...inputs },
  });
  async function run(steps: object[], more: Partial<StartRequest> = {}) {
    const file = write('parent.yaml', { mainSteps: steps });
    const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false, ...more });
    await belay.run(id, { onWait: 'leave' });
    const view = await belay.view(id);
    return { id, view, everywhere: view.steps.find(({ name }) => name === 'Everywhere') };
  }
  const call = (account: string, region: string, operation: string, params: JsonObject, service = 'ssm') =>
    createAws()
      .assume(`arn:aws:iam::${account}:role/${role}`, region)
      .call({ service, operation, params }, { reveal: true });
  async function stored(account: string, region: string, name = '/where'): Promise<string> {
    const reply = await call(account, region, 'GetParameters', { Names: [name] });
    const [found] = reply['Parameters'] as { Value?: string }[];
    return found?.Value ?? 'nothing';
  }
  const storedEverywhere = (): Promise<string[]> =>
    Promise.all(accounts.flatMap((account) => regions.map((region) => stored(account, region))));

  test('acts in each of them with the role there, as globals and outputs say', async () => {
    write('there.yaml', { parameters: named, mainSteps: [put] });
    const { view, everywhere: ran } = await run([step({ TargetLocations: [everywhere] })]);
    expect(view.status).toBe('Success');
    const places = accounts.flatMap((account) => regions.map((region) => `${account}_${region}`));
    expect(ran?.outputs).toMatchObject({ Status: 'Success', Targets: places, Succeeded: places, Failed: [] });
    expect(await storedEverywhere()).toEqual(places.map((place) => place.replace('_', ' ')));
  });

  test('its own assumeRole is not taken there, and that of runbooks below it neither', async () => {
    const assumeRole = 'arn:aws:iam::777788889999:role/Central';
    write('below.yaml', { assumeRole, parameters: named, mainSteps: [put] });
    write('there.yaml', { assumeRole, mainSteps: [step({ DocumentName: 'below.yaml' }, 'Below')] });
    const { view } = await run([
      step({
        TargetLocations: [{ Accounts: ['111122223333'], Regions: ['us-east-1'], ExecutionRoleName: role }],
      }),
    ]);
    expect(view.status).toBe('Success');
    expect(await stored('111122223333', 'us-east-1')).toBe('111122223333 us-east-1');
  });

  test('where nothing is said, the account and the region are those of the caller', async () => {
    write('there.yaml', { parameters: named, mainSteps: [put] });
    const { everywhere: ran } = await run([step({ TargetLocations: [{ ExecutionRoleName: role }] })]);
    expect(ran?.outputs).toMatchObject({ Targets: ['123456789012_eu-central-1'] });
  });

  test('an account that is excluded is left out', async () => {
    write('there.yaml', { parameters: named, mainSteps: [put] });
    const { everywhere: ran } = await run([
      step({ TargetLocations: [{ ...everywhere, ExcludeAccounts: ['111122223333'] }] }),
    ]);
    expect(ran?.outputs).toMatchObject({ Targets: ['444455556666_eu-west-1', '444455556666_us-east-1'] });
  });

  test('one error is one too many where nothing is said: no further location is begun, nor a further entry', async () => {
    write('there.yaml', { parameters: named, mainSteps: [put] });
    await call('111122223333', 'eu-west-1', 'PutParameter', { Name: '/where', Value: 'x', Type: 'String' });
    const { view, everywhere: ran } = await run([
      step({ TargetLocations: [everywhere, { ...everywhere, Accounts: ['777788889999'] }] }),
    ]);
    expect(view.status).toBe('Failed');
    expect(ran?.outputs).toMatchObject({ Failed: ['111122223333_eu-west-1'], Succeeded: [] });
    expect(ran?.outputs?.['NotStarted']).toHaveLength(5);
    expect(ran?.failure?.code).toBe('ParameterAlreadyExists');
  });

  test('as many errors as an entry allows leave it a success', async () => {
    write('there.yaml', { parameters: named, mainSteps: [put] });
    await call('111122223333', 'eu-west-1', 'PutParameter', { Name: '/where', Value: 'x', Type: 'String' });
    const entry = { ...everywhere, TargetLocationMaxErrors: '1', TargetLocationMaxConcurrency: '50%' };
    const { view, everywhere: ran } = await run([step({ TargetLocations: [entry] })]);
    expect(view.status).toBe('Success');
    expect(ran?.outputs).toMatchObject({ Failed: ['111122223333_eu-west-1'] });
    expect(ran?.outputs?.['Succeeded']).toHaveLength(3);
  });

  test('each location has targets of its own, found there and not in the inventory', async () => {
    const [account, region] = ['444455556666', 'us-east-1'];
    const ids: string[] = [];
    for (const value of ['db', 'web']) {
      const reply = await call(
        account,
        region,
        'RunInstances',
        {
          ImageId: 'ami-12c6146b',
          MinCount: 1,
          MaxCount: 1,
          TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Role', Value: value }] }],
        },
        'ec2',
      );
      ids.push((reply['Instances'] as { InstanceId: string }[])[0]?.InstanceId ?? '');
    }
    write('there.yaml', {
      parameters: { Id: { type: 'String' }, Value: { type: 'String' } },
      mainSteps: [
        {
          name: 'Put',
          action: 'aws:executeAwsApi',
          inputs: {
            Service: 'ssm',
            Api: 'PutParameter',
            Name: '/of/{{ Id }}',
            Value: '{{ Value }}',
            Type: 'String',
          },
        },
      ],
    });
    const entry = {
      Accounts: [account],
      Regions: [region],
      ExecutionRoleName: role,
      Targets: [{ Key: 'tag:Role', Values: ['db'] }],
    };
    const { view } = await run([
      step({
        TargetLocations: [entry],
        TargetParameterName: 'Id',
        RuntimeParameters: { Value: '{{ no: expression' },
      }),
    ]);
    expect(view.status).toBe('Success');
    expect(await stored(account, region, `/of/${ids[0]}`)).toBe('{{ no: expression');
    expect(await stored(account, region, `/of/${ids[1]}`)).toBe('nothing');
  });

  test('what was done there is undone there', async () => {
    write('there.yaml', { parameters: named, mainSteps: [put] });
    const gone = { name: 'Gone', action: 'aws:deleteImage', inputs: { ImageId: 'ami-0000000000000dead' } };
    const { view } = await run([step({ TargetLocations: [everywhere] }), gone], { rollback: 'onFailure' });
    expect(view).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
    expect(await storedEverywhere()).toEqual(['nothing', 'nothing', 'nothing', 'nothing']);
  });

  test('no host of the inventory is acted on: it is in none of them', async () => {
    write('there.yaml', {
      mainSteps: [{ name: 'Act', action: 'host:command', inputs: { Host: 'here', Script: 'true' } }],
    });
    const { view, everywhere: ran } = await run([step({ TargetLocations: [everywhere] })]);
    expect(view.status).toBe('Failed');
    expect(ran?.failure).toMatchObject({
      code: 'NOT_THERE',
      message: expect.stringContaining('the step acts in 111122223333 eu-west-1'),
    });
  });

  test('what only Systems Manager does with locations is refused before anything is started', async () => {
    write('there.yaml', { parameters: named, mainSteps: [put] });
    for (const entry of [
      { Accounts: ['ou-abcd-12345678'] },
      { ...everywhere, TargetLocationAlarmConfiguration: { Alarms: [{ Name: 'a' }] } },
    ])
      await expect(run([step({ TargetLocations: [entry] })])).rejects.toMatchObject({
        diagnostics: [{ message: expect.stringContaining('Systems Manager alone') }],
      });
  });
});
