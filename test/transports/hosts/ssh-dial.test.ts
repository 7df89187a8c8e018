/** What src/transports/hosts/ssh-dial.ts makes of the two pipes of an ssh client; dialling itself is in the host contract. */
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { startProcess } from '../../../src/transports/hosts/process.ts';
import { SessionStream } from '../../../src/transports/hosts/ssh-dial.ts';

function clientWhoseServerClosed() {
  const stdin = new Writable({
    write: (_chunk, _encoding, callback) =>
      callback(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  stdin.on('error', () => {});
  const stdout = new PassThrough();
  const session = { stdin, stdout, stderr: new PassThrough(), ended: Promise.resolve(0), kill: () => {} };
  return { session, stdout };
}

test('what a server said before it closed is read, although it read no more of what was written', async () => {
  const { session, stdout } = clientWhoseServerClosed();
  const connection = new SessionStream(session);
  const errors: Error[] = [];
  connection.on('error', (error) => errors.push(error));
  connection.write('a body that nobody reads');
  connection.write('more of it');
  stdout.end('no');
  const said: Buffer[] = [];
  for await (const chunk of connection) said.push(chunk as Buffer);
  expect(Buffer.concat(said).toString('utf8')).toBe('no');
  expect(errors).toEqual([]);
});

test('what a server says before anybody listens is read', async () => {
  const session = await startProcess('sh', ['-c', 'echo greeting; echo opened >&2; read line']);
  session.stderr.resume();
  const greeted = once(session.stderr, 'data');
  await greeted;
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  const connection = new SessionStream(session);
  const [said] = (await once(connection, 'data')) as [Buffer];
  expect(said.toString('utf8')).toBe('greeting\n');
  connection.destroy();
});

/** A client that is gone while the last of what it said is still on its way: Node has destroyed the pipe to it by then. */
const endedBeforeItsOutput = () => startProcess('sh', ['-c', '(sleep 0.3; echo last) & exit 0']);

test.each([
  ['closed by the server', () => {}],
  ['given back by HTTP, which does not keep it', (connection: SessionStream) => connection.destroySoon()],
])('a connection %s is over, also when its client ended first', async (_, giveBack) => {
  const session = await endedBeforeItsOutput();
  const connection = new SessionStream(session);
  const said: string[] = [];
  connection.on('data', (chunk: Buffer) => said.push(chunk.toString('utf8')));
  const closed = once(connection, 'close', { signal: AbortSignal.timeout(3_000) });
  await session.ended;
  await once(session.stdout, 'end');
  giveBack(connection);
  await closed;
  expect(said).toEqual(['last\n']);
});
