/** What somebody could read in the journal although no secret parameter stands there: rights that AWS hands out, hashes that can be guessed. */
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { heldSentence } from '../../src/runtime/locks/holders.ts';
import { Desk, type Said } from '../support/command-line.ts';
import { identityReply } from './small-sts.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

const undo = { none: 'a test' };

/** Everything that Belay has written, and what it said. */
function kept(said: Said): string {
  const files = readdirSync(desk.state, { recursive: true, encoding: 'utf8' })
    .map((name) => join(desk.state, name))
    .filter((file) => statSync(file).isFile());
  return [said.stdout, said.stderr, ...files.map((file) => readFileSync(file, 'latin1'))].join('\n');
}

test('an activation code and a session token that AWS hands out are not in the journal, selected or not', async () => {
  const code = 'ACTIVATIONcode0123456';
  const token = 'TOKENvalue0123456789';
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const isSts = body.includes('Action=GetCallerIdentity');
      response.writeHead(200, {
        'x-amzn-requestid': 'r',
        'content-type': isSts ? 'text/xml' : 'application/x-amz-json-1.1',
      });
      if (isSts) response.end(identityReply('arn:aws:iam::111122223333:user/ops'));
      else if (String(request.headers['x-amz-target']).endsWith('CreateActivation'))
        response.end(JSON.stringify({ ActivationId: 'a-1', ActivationCode: code }));
      else response.end(JSON.stringify({ SessionId: 's-1', TokenValue: token, StreamUrl: 'wss://x/' }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const file = desk.write('api.yaml', {
    schemaVersion: '0.3',
    mainSteps: [
      {
        name: 'Activate',
        action: 'aws:executeAwsApi',
        inputs: { Service: 'ssm', Api: 'CreateActivation', IamRole: 'r' },
        outputs: [
          { Name: 'Id', Selector: '$.ActivationId', Type: 'String' },
          { Name: 'Code', Selector: '$.ActivationCode', Type: 'String' },
        ],
        undo,
      },
      {
        name: 'Open',
        action: 'aws:executeAwsApi',
        inputs: { Service: 'ssm', Api: 'StartSession', Target: 'i-0123456789abcdef0' },
        undo,
      },
    ],
    outputs: ['Activate.Id', 'Activate.Code'],
  });
  const said = await desk.belay(['run', file, '-y', '--json'], {
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'AKIA0000000000000000',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'eu-west-1',
    },
  });
  server.close();
  expect({ code: said.code, stderr: said.stderr }).toMatchObject({ code: 0 });
  expect(said.stdout).toContain('a-1');
  for (const value of [code, token]) expect(kept(said)).not.toContain(value);
});

test('of a file that is only a secret no hash is shown that could be guessed against', async () => {
  const secret = 'correct horse';
  const path = join(desk.folder, 'password');
  const file = desk.write('put.yaml', {
    schemaVersion: '0.3',
    parameters: { S: { type: 'String', secret: true } },
    mainSteps: [
      { name: 'Put', action: 'host:file', inputs: { Host: 'here', Path: path, Content: '{{ S }}' } },
    ],
  });
  const said = await desk.belay(['run', file, '-y', '--json', '--secret', 'S=env:S'], { env: { S: secret } });
  expect({ code: said.code, stderr: said.stderr }).toMatchObject({ code: 0 });
  expect(readFileSync(path, 'utf8')).toBe(secret);
  expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
  const hash = createHash('sha256').update(secret).digest('hex');
  const shown = [
    said,
    ...(await Promise.all(['show', 'logs', 'list'].map((word) => desk.belay([word, '--json'])))),
  ];
  for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toContain(hash.slice(0, 8));
  expect(said.stdout).toContain('with a secret');
});

test('the entry of a lock puts no second command into the line that is printed to be pasted', () => {
  const holder = {
    executionId: 'x; touch /tmp/a',
    runbook: 'r',
    who: '`id`',
    since: 0,
    condition: 'elsewhere',
  } as const;
  const said = heldSentence("host:db1'; id '", holder, 0);
  expect(said).toContain(`belay unlock 'host:db1'\\''; id '\\''' --holder 'x; touch /tmp/a'`);
});
