/** Actions that belong to the language, of which this Belay has none yet. They are refused by name, with what to do instead. */

const aws: Readonly<Record<string, string>> = {
  'aws:copyImage':
    'use aws:executeAwsApi with ec2 CopyImage, then aws:waitForAwsResourceProperty on $.Images[0].State',
  'aws:createImage':
    'use aws:executeAwsApi with ec2 CreateImage, then aws:waitForAwsResourceProperty on $.Images[0].State',
  'aws:createStack':
    'use aws:executeAwsApi with cloudformation CreateStack where its service model is shipped, or the AWS CLI by host:command',
  'aws:deleteImage': 'use aws:executeAwsApi with ec2 DeregisterImage and DeleteSnapshot',
  'aws:deleteStack':
    'use aws:executeAwsApi with cloudformation DeleteStack where its service model is shipped, or the AWS CLI by host:command',
  'aws:executeAutomation':
    'put the steps of the other runbook into this one, or run the two one after the other',
  'aws:executeScript': 'use host:command with a Script that opens with #!/usr/bin/env python3',
  'aws:executeStateMachine': 'use aws:executeAwsApi where the service model of stepfunctions is shipped',
  'aws:invokeLambdaFunction': 'use aws:executeAwsApi where the service model of lambda is shipped',
  'aws:invokeWebhook': 'use host:command with curl',
  'aws:loop': 'write the steps once for each element',
  'aws:runInstances':
    'use aws:executeAwsApi with ec2 RunInstances, then aws:changeInstanceState with CheckStateOnly: true',
  'aws:updateVariable': 'variables are not built yet either; use outputs of steps',
};

/** `NAME:*` stands for every action of that name space. */
const additions: Readonly<Record<string, string>> = {
  'belay:rolling':
    'write the steps once for each target, with aws:waitForAwsResourceProperty or http:check between them',
  'ec2:rotateKeyPair': 'use host:file for authorized_keys and aws:executeAwsApi with ec2 ImportKeyPair',
  'cloudwatch:*':
    'use aws:executeAwsApi with cloudwatch, or aws:waitForAwsResourceProperty on DescribeAlarms',
  'config:*': 'use aws:executeAwsApi with config, then aws:waitForAwsResourceProperty',
  'nginx:*': 'use host:file for the configuration and host:command with nginx -t and systemctl reload nginx',
  'tls:*': 'use host:file for the certificate and host:service to have it read',
};

/** Looks up `minio:health` under `minio:*` as well. */
class NamesAndNameSpaces extends Map<string, string> {
  override get(name: string): string | undefined {
    return super.get(name) ?? super.get(`${name.split(':')[0]}:*`);
  }

  override has(name: string): boolean {
    return this.get(name) !== undefined;
  }
}

export const notBuiltYet: ReadonlyMap<string, string> = new NamesAndNameSpaces(
  Object.entries({ ...aws, ...additions }),
);
