/** AWS that cannot be asked, and AWS that says no, through the real command line: said in a sentence, nothing left changed. */
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { DescribeTagsCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { raiseTestBed, type TestBed } from '../../lab/endpoint/test-bed.ts';
import { awsEnvironment } from '../../lab/world.ts';
import { freePort } from '../../transports/hosts/sshd.ts';
import { Desk, idOf } from '../../support/command-line.ts';
import { executionsIn, expectTrouble } from './expect-trouble.ts';

const tagging = (name: string, instance: string, value: string): object => ({
  name,
  action: 'aws:createTags',
  inputs: { ResourceIds: [instance], Tags: [{ Key: `Evidence${name}`, Value: value }] },
});

describe('AWS that cannot be asked', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk(awsEnvironment('http://127.0.0.1:1'));
    desk.write('tag.yaml', { schemaVersion: '0.3', mainSteps: [tagging('One', 'i-0123456789abcdef0', 'x')] });
  });
  afterEach(() => desk[Symbol.dispose]());

  test('for want of credentials is told before anything begins', async () => {
    const said = await desk.belay(['run', 'tag.yaml'], {
      env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    });
    expectTrouble(
      said,
      2,
      'NO_CREDENTIALS',
      'needs AWS credentials and found none',
      'AWS_PROFILE',
      'aws sso login',
    );
    expect(executionsIn(desk.state)).toBe(0);
  });

  test('for want of a profile is told with the profile', async () => {
    const said = await desk.belay(['run', 'tag.yaml'], {
      env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_PROFILE: 'operations' },
    });
    expectTrouble(said, 2, 'NO_CREDENTIALS', 'profile operations');
  });

  test('for want of a region is told before anything begins', async () => {
    const said = await desk.belay(['run', 'tag.yaml'], {
      env: { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined },
    });
    expectTrouble(said, 2, 'NO_REGION', 'AWS_REGION');
    expect(executionsIn(desk.state)).toBe(0);
  });

  test('because its endpoint is down is told with the address', async () => {
    const port = await freePort();
    const said = await desk.belay(['run', 'tag.yaml'], {
      env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
    });
    expectTrouble(said, 2, 'UNREACHABLE', `127.0.0.1:${port}`, 'ECONNREFUSED', 'Check the network');
    expect(executionsIn(desk.state)).toBe(0);
  });

  test('because something else answers there is told', async () => {
    using page = await listener((socket) => {
      socket.end(
        'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\n\r\n<html>Welcome</html>',
      );
    });
    const said = await desk.belay(['run', 'tag.yaml'], { env: { AWS_ENDPOINT_URL: page.url } });
    expectTrouble(said, 2, 'NO_REPLY', page.url, 'is not a reply of the service', 'AWS_ENDPOINT_URL');
  });
});

const reason = motoMissing();

describe.skipIf(reason)(`AWS that says no${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: TestBed;
  let desk: Desk;
  beforeAll(async () => {
    bed = await raiseTestBed();
  }, 60_000);
  afterAll(() => bed?.close());
  beforeEach(() => {
    desk = new Desk(awsEnvironment(bed.endpoint.url));
  });
  afterEach(() => {
    bed.endpoint.faults.clear();
    desk[Symbol.dispose]();
  });

  async function evidenceTags(): Promise<Record<string, string>> {
    const { Tags = [] } = await bed.ec2.send(
      new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [bed.web] }] }),
    );
    const own = Tags.filter(({ Key = '' }) => Key.startsWith('Evidence'));
    return Object.fromEntries(own.map(({ Key = '', Value = '' }) => [Key, Value]));
  }

  test('to the first step ends 1: nothing was changed, and the call is named', async () => {
    bed.endpoint.faults.add({ match: { op: 'CreateTags' }, do: { deny: true } });
    desk.write('tag.yaml', {
      schemaVersion: '0.3',
      rollback: { when: 'onFailure' },
      mainSteps: [tagging('One', bed.web, 'x')],
    });
    const said = await desk.belay(['run', 'tag.yaml']);
    expectTrouble(said, 1, 'UnauthorizedOperation', 'ec2 CreateTags in eu-west-1', 'Nothing is left changed');
    expect(await evidenceTags()).toEqual({});
  }, 60_000);

  test('to the second step takes back the first, and ends 3', async () => {
    bed.endpoint.faults.add({ match: { op: 'CreateTags', contains: 'EvidenceTwo' }, do: { deny: true } });
    desk.write('tags.yaml', {
      schemaVersion: '0.3',
      rollback: { when: 'onFailure' },
      mainSteps: [tagging('One', bed.web, 'x'), tagging('Two', bed.web, 'y')],
    });
    const said = await desk.belay(['run', 'tags.yaml']);
    expectTrouble(said, 3, 'UnauthorizedOperation', '✖ Two', '↶ One', 'rolled back clean');
    expect(await evidenceTags()).toEqual({});
  }, 60_000);

  test('to the undo as well ends 4, and names what is left and what to type', async () => {
    bed.endpoint.faults.add({ match: { op: 'CreateTags', contains: 'EvidenceTwo' }, do: { deny: true } });
    bed.endpoint.faults.add({ match: { op: 'DeleteTags' }, do: { deny: true } });
    desk.write('tags.yaml', {
      schemaVersion: '0.3',
      rollback: { when: 'onFailure' },
      mainSteps: [tagging('One', bed.web, 'x'), tagging('Two', bed.web, 'y')],
    });
    const said = await desk.belay(['run', 'tags.yaml']);
    expectTrouble(
      said,
      4,
      'UnauthorizedOperation',
      'ec2 DeleteTags',
      'Still changed',
      'EvidenceOne',
      /belay rollback \S+/,
    );
    expect(await evidenceTags()).toEqual({ EvidenceOne: 'x' });
    bed.endpoint.faults.clear();
    const again = await desk.belay(['rollback', idOf(said)]);
    expect(again.code).toBe(0);
    expect(await evidenceTags()).toEqual({});
  }, 60_000);

  test('to SendCommand is told with the rights that are needed, and nothing ran', async () => {
    bed.endpoint.faults.add({ match: { op: 'SendCommand' }, do: { deny: true } });
    desk.write('look.yaml', {
      schemaVersion: '0.3',
      mainSteps: [
        {
          name: 'Look',
          action: 'host:command',
          inputs: { Host: bed.web, Script: 'true' },
          undo: { none: 'it reads' },
        },
      ],
    });
    const before = bed.endpoint.journal.effects('commandStarted').length;
    const said = await desk.belay(['run', 'look.yaml']);
    expectTrouble(said, 1, 'AUTH_REFUSED', bed.web, 'AccessDenied', 'ssm:SendCommand');
    expect(bed.endpoint.journal.effects('commandStarted').length).toBe(before);
  }, 60_000);

  test('to who is asking is told before anything begins', async () => {
    bed.endpoint.faults.add({ match: { op: 'GetCallerIdentity' }, do: { deny: true } });
    desk.write('tag.yaml', { schemaVersion: '0.3', mainSteps: [tagging('One', bed.web, 'x')] });
    const said = await desk.belay(['run', 'tag.yaml']);
    expectTrouble(said, 2, 'AccessDenied', 'sts GetCallerIdentity');
    expect(executionsIn(desk.state)).toBe(0);
  });

  test('by throttling is waited out', async () => {
    bed.endpoint.faults.add({ match: { op: 'CreateTags', nth: 1 }, do: 'throttle' });
    desk.write('tag.yaml', { schemaVersion: '0.3', mainSteps: [tagging('One', bed.web, 'x')] });
    const said = await desk.belay(['run', 'tag.yaml']);
    expect({ code: said.code, tags: await evidenceTags() }).toEqual({ code: 0, tags: { EvidenceOne: 'x' } });
    expect((await desk.belay(['rollback', idOf(said)])).code).toBe(0);
  }, 60_000);
});

async function listener(greet: (socket: Socket) => void): Promise<{ readonly url: string } & Disposable> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => greet(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
