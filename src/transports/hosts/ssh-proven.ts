/**
 * Before anything is done over a master it is proven by its own record to end at the host that was asked for: it is
 * itself what listens on its control socket, and it accepted a key that is known under the name that the host must have.
 */
import { readFileSync } from 'node:fs';
import type { HostAddress } from '../host.ts';
import { startProcess } from './process.ts';
import { connectionArguments, destinationOf } from './ssh-config.ts';
import type { MasterFiles } from './ssh-master.ts';
import { knownName, knownNameOf, readKeyRecord } from './ssh-record.ts';

const resolvedBytesMax = 256 * 1024;

/** Undefined where it is proven, otherwise why it is not. */
export async function unproven(address: HostAddress, files: MasterFiles): Promise<string | undefined> {
  const record = readKeyRecord(readFileSync(files.log, 'utf8'));
  if (typeof record === 'string') return record;
  const { knownAs } = record;
  if (knownAs === null || sameName(knownAs, knownName(destinationOf(address), address.port ?? 22)))
    return undefined;
  const wanted = knownNameOf(await resolve(address, files));
  if (sameName(knownAs, wanted)) return undefined;
  return `its key was accepted for ${knownAs}, and the host is known as ${wanted}`;
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** What OpenSSH makes of the inventory and the user's own configuration for this connection. */
async function resolve(address: HostAddress, files: MasterFiles): Promise<string> {
  const options = connectionArguments(address, files, undefined);
  const asked = await startProcess('ssh', ['-G', ...options, '--', destinationOf(address)]);
  let said = '';
  asked.stdout.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-resolvedBytesMax);
  });
  asked.stdout.resume();
  asked.stderr.resume();
  const closed = new Promise((done) => asked.stdout.once('close', done));
  await asked.ended;
  await closed;
  return said;
}
