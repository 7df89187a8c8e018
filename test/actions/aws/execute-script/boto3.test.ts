/** boto3 in scripts against moto: whose credentials it has, and where it calls. */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createCatalog } from '../../../../src/actions/index.ts';
import { checkDocument } from '../../../../src/document/index.ts';
import { offlineModels } from '../../../../src/runtime/offline-models.ts';
import { createAws } from '../../../../src/transports/aws/client.ts';
import { findScriptTools } from '../../../../src/transports/scripts/tools.ts';
import { scriptPlace } from '../../../../src/transports/scripts/place.ts';
import { failureOf, ScriptDesk, scriptRunbook } from '../../../support/script-desk.ts';
import { findMoto, motoMissing, startMoto, type MotoServer } from '../../../transports/aws/moto-server.ts';

describe.skipIf(motoMissing)(`boto3${motoMissing === undefined ? '' : ` (${motoMissing})`}`, () => {
  let moto: MotoServer;
  let desk: ScriptDesk;

  beforeAll(async () => {
    moto = await startMoto();
    // moto's own environment has boto3.
    const tools = findScriptTools({
      ...process.env,
      PATH: `${dirname(findMoto() ?? '')}:${process.env['PATH'] ?? ''}`,
    });
    desk = new ScriptDesk((place, { stateDir }) => ({
      ...place,
      scripts: scriptPlace({ host: place.scripts.host, tools, mayReachNetwork: true, hidden: [stateDir] }),
    }));
    vi.stubEnv('AWS_ENDPOINT_URL', moto.endpoint);
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
    vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    vi.stubEnv('AWS_PROFILE', undefined);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    desk?.[Symbol.dispose]();
    await moto?.close();
  });

  const whoAmI = `import boto3, os
def main(events, context):
    session = boto3.session.Session()
    found = session.get_credentials().get_frozen_credentials()
    print('key', found.secret_key, 'token', found.token)
    return {
        'arn': boto3.client('sts').get_caller_identity()['Arn'],
        'region': session.region_name,
        'key': found.access_key,
        'zones': len(boto3.client('ec2').describe_availability_zones()['AvailabilityZones']) > 0,
    }`;

  test("has Belay's own credentials, region and endpoint, and its log hides the secret ones", async () => {
    const ran = await desk.run(scriptRunbook(whoAmI));
    expect(ran.view.steps[0]?.outputs['Payload']).toMatchObject({
      region: 'eu-west-1',
      key: 'AKIAIOSFODNN7EXAMPLE',
      zones: true,
    });
    expect(ran.log).toContain('; AWS as AKIAIOSFODNN7EXAMPLE');
    expect(ran.log).toContain('key *** token None');
  });

  test("has the role's credentials where the document assumes one", async () => {
    const document = { assumeRole: 'arn:aws:iam::123456789012:role/automation' };
    const ran = await desk.run(scriptRunbook(whoAmI, {}, { document }));
    const payload = ran.view.steps[0]?.outputs['Payload'];
    expect(payload).toMatchObject({
      arn: expect.stringContaining('assumed-role/automation/') as string,
      key: expect.not.stringContaining('AKIAIOSFODNN7EXAMPLE') as string,
    });
    expect(ran.log).toContain('key *** token ***');
  });

  test('an attachment is read from S3, and is refused where it is another one', async () => {
    const aws = createAws();
    const text = 'def main(e, c):\n  return "from S3"';
    const put = (Key: string) => ({ Bucket: 'belay-files', Key, Body: Buffer.from(text).toString('base64') });
    const created = { Bucket: 'belay-files', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } };
    await aws.call({ service: 's3', operation: 'CreateBucket', params: created });
    await aws.call({ service: 's3', operation: 'PutObject', params: put('a/lib.py') });
    const asked = (sha256: string) =>
      scriptRunbook(
        '',
        { Attachment: 'lib.py' },
        {
          document: { files: { 'lib.py': { checksums: { sha256 }, source: 's3://belay-files/a/lib.py' } } },
        },
      );
    const good = await desk.run(asked(createHash('sha256').update(text).digest('hex')));
    expect(good.view.steps[0]?.outputs['Payload']).toBe('from S3');
    const { code } = failureOf(await desk.run(asked('0'.repeat(64))));
    expect(code).toBe('BAD_ATTACHMENT');
  });

  test('an error of AWS is the reason of the step, placed in the runbook', async () => {
    const script = `import boto3
def main(e, c):
    boto3.client('ec2').describe_instances(InstanceIds=['i-00000000000000000'])`;
    const { message } = failureOf(await desk.run(scriptRunbook(script)));
    expect(message).toMatch(
      /^ClientError: .*InvalidInstanceID.*\(line 3 of the text at doc\.yaml:1, in main, within botocore\//,
    );
  });

  test('that is not installed is a warning of validation with what to install', () => {
    const found = findScriptTools({ ...process.env, PATH: '/usr/bin:/bin' }).python('3.11');
    if (found === undefined || found.hasBoto3) return;
    const catalog = createCatalog(
      offlineModels(),
      findScriptTools({ ...process.env, PATH: '/usr/bin:/bin' }),
    );
    const { diagnostics } = checkDocument({ file: 'x.yaml', text: scriptRunbook(whoAmI) }, catalog);
    expect(diagnostics).toContainEqual(
      expect.objectContaining({
        code: 'NO_BOTO3',
        severity: 'warning',
        hint: `Install it: ${found.file} -m pip install boto3`,
      }),
    );
  });
});
