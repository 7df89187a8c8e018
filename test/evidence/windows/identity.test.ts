/** As whom a task acts: its AWS profile reaches the runbooks below it and the topic that its runbook names, and nothing else. */
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textParam } from '../../lab/endpoint/api-call.ts';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { credentials, raiseTestBed, region, type TestBed } from '../../lab/endpoint/test-bed.ts';
import { Project, until } from './project.ts';

const caseMs = 150_000;
const second = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
const reason = motoMissing();

describe.skipIf(reason)(
  `the AWS profile of a task${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bed: TestBed;
    beforeAll(async () => {
      bed = await raiseTestBed();
    }, 90_000);
    afterAll(() => bed?.close());

    test(
      'is the one of the runbooks below it and of their topic; the window’s own topic is told as the daemon',
      async () => {
        const sns = new SNSClient({ region, credentials, endpoint: bed.endpoint.url });
        const topic = async (Name: string): Promise<string> =>
          (await sns.send(new CreateTopicCommand({ Name }))).TopicArn ?? '';
        const [ofRunbook, ofWindow] = [await topic('of-runbook'), await topic('of-window')];
        sns.destroy();
        using project = new Project(undefined, {
          AWS_ENDPOINT_URL: bed.endpoint.url,
          AWS_REGION: region,
          AWS_EC2_METADATA_DISABLED: 'true',
          AWS_PROFILE: 'base',
        });
        const profile = (name: string, key: string): string =>
          `[${name}]\naws_access_key_id = ${key}\naws_secret_access_key = lab\n`;
        project.files.write('credentials', profile('base', 'BASEKEY') + profile('night', 'NIGHTKEY'));
        project.env({
          AWS_SHARED_CREDENTIALS_FILE: `${project.files.dir}/credentials`,
          AWS_CONFIG_FILE: '/dev/null',
        });
        const since = bed.endpoint.journal.entries().length;
        project.files.write(
          'child.yaml',
          `schemaVersion: '0.3'
mainSteps:
  - name: Put
    action: aws:executeAwsApi
    inputs: { Service: ssm, Api: PutParameter, Name: /night/ran, Value: 'yes', Type: String, Overwrite: true }
    undo: { none: it only counts }
`,
        );
        project.files.write(
          'outer.yaml',
          `schemaVersion: '0.3'
timeoutSeconds: 300
rollback: { when: onFailure, timeoutSeconds: 60 }
notify: { sns: '${ofRunbook}' }
mainSteps:
  - { name: Call, action: 'aws:executeAutomation', inputs: { DocumentName: child.yaml } }
  - { name: Fail, action: 'host:command', inputs: { Host: here, Command: ['false'] }, undo: { none: it looks } }
`,
        );
        project.window(
          'night',
          second(Date.now()) - 5_000,
          `Notify: { Sns: '${ofWindow}' }\nTasks: [{ Name: outer, Runbook: ../outer.yaml, AwsProfile: night }]`,
        );
        const daemon = project.daemon({ once: false });
        const calls = (operation: string) =>
          bed.endpoint.journal
            .calls(operation)
            .filter(({ seq }) => seq > since)
            .map(
              ({ accessKey, params }) =>
                `${accessKey} ${textParam(params, 'TopicArn') ?? textParam(params, 'Name')}`,
            );
        const wanted = [`NIGHTKEY ${ofRunbook}`, `BASEKEY ${ofWindow}`];
        await until('both messages', () => wanted.every((each) => calls('Publish').includes(each)));
        daemon.child.kill('SIGTERM');
        const { stderr } = await daemon.ended;
        expect(project.history('night')[0]?.status, stderr).toBe('FAILED');
        expect(calls('PutParameter')).toEqual(['NIGHTKEY /night/ran']);
        expect(new Set(calls('Publish'))).toEqual(new Set(wanted));
      },
      caseMs,
    );
  },
);
