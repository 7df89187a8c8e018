/** Proves a key against a server that accepts connections and never speaks, until somebody ends it. CONFIG KEYFILE */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';

const [, , config = '', keyFile = ''] = process.argv;
const server = createServer(() => process.stdout.write('connected\n')).listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port was listened on');
  const host = new SshNetwork({ config }).host({
    name: 'silent',
    transport: 'ssh',
    address: '127.0.0.1',
    port: address.port,
    become: 'none',
    tags: {},
  });
  const key = { privateKey: readFileSync(keyFile, 'utf8') };
  void host.proveKey(key, { signal: new AbortController().signal, timeoutMs: 60_000 });
});
