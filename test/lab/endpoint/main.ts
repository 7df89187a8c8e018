/**
 * The endpoint as a process, over a lab that is up: adopts its hosts, prints what a shell needs, and runs until it is
 * interrupted. With --moto and the same --state it goes on where it was, else it begins anew.
 *
 *     node test/lab/endpoint/main.ts [--lab 0] [--port 5800] [--state FILE] [--moto URL]
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LabId } from '../hosts/command.ts';
import { Lab } from '../hosts/lab.ts';
import { awsEnvironment } from '../world.ts';
import { startEndpoint } from './endpoint.ts';
import { createLabHands } from './lab-hands.ts';

const { values } = parseArgs({
  options: {
    lab: { type: 'string' },
    port: { type: 'string' },
    state: { type: 'string' },
    moto: { type: 'string' },
  },
});
const id = Number(values.lab ?? process.env['BELAY_LAB_ID'] ?? 0);
if (!Number.isInteger(id) || id < 0 || id > 9) throw new Error(`--lab is 0 to 9, not ${values.lab}`);
const lab = Lab.attach(id as LabId);
const endpoint = await startEndpoint({
  hands: createLabHands(lab),
  port: Number(values.port ?? 5800),
  stateFile: values.state ?? join(tmpdir(), `belay-endpoint-${id}.json`),
  ...(values.moto === undefined ? {} : { moto: values.moto }),
});
for (const host of lab.hosts) console.error(`${host} is ${await endpoint.adopt(host)}`);
for (const [name, value] of Object.entries(awsEnvironment(endpoint.url)))
  console.log(`export ${name}=${value}`);
console.error(`journal: ${endpoint.journal.file}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void endpoint.close());
