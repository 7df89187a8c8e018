/** Reads from this machine and ends without closing the host: for local.test.ts. */
import { localHost } from '../../../src/transports/hosts/local.ts';

const host = localHost({ name: 'here', transport: 'local', become: 'none', tags: {} });
const { stdout } = await host.read(
  { text: 'echo read' },
  { signal: new AbortController().signal, timeoutMs: 20_000 },
);
process.stdout.write(stdout);
