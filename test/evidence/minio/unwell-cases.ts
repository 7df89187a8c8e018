/** A cluster that serves and is not well: a node's clock is wrong, its drives are full. What a runbook asks before the first node says so. */
import { expect } from 'vitest';
import { info } from '../../../src/actions/minio/info.ts';
import { settle } from '../../../src/actions/minio/settle.ts';
import { MinioActions } from '../../lab/minio/actions.ts';
import { paths } from '../../lab/minio/configuration.ts';
import { DrawnCases } from '../drawn-cases.ts';
import type { Stand } from './stand.ts';

const caseMs = 180_000;
const port = 9100;
const aheadSeconds = 90;

/** All hosts of the lab have one kernel, and so one clock: what passes here tells another time in `Date`, of the same length. One thread: two may not use one TLS socket at a time. */
const wrongClock = `
import asyncio, re, ssl, sys
from datetime import datetime, timedelta
ahead = timedelta(seconds=int(sys.argv[1]))
form = "%a, %d %b %Y %H:%M:%S GMT"
later = lambda found: b"Date: " + (datetime.strptime(found[1].decode(), form) + ahead).strftime(form).encode()
async def pump(source, sink, change):
    try:
        while data := await source.read(65536):
            sink.write(re.sub(rb"Date: ([^\\r]{29})", later, data) if change else data)
            await sink.drain()
    except OSError: pass
    finally: sink.close()
async def serve(reader, writer):
    try: there = await asyncio.open_connection("127.0.0.1", 9000, ssl=ssl._create_unverified_context())
    except OSError: return writer.close()
    await asyncio.gather(pump(reader, there[1], False), pump(there[0], writer, True))
async def main():
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain("${paths.certificate}", "${paths.privateKey}")
    await (await asyncio.start_server(serve, "127.0.0.1", ${port}, ssl=server)).serve_forever()
asyncio.run(main())
`;

export function unwellCases(stand: () => Stand): void {
  const cases = new DrawnCases();

  cases.test('unwell: a node whose clock is wrong is named with how far it is off', async () => {
    const { minio } = stand();
    const actions = new MinioActions(minio);
    try {
      for (const node of minio.nodes) {
        await minio.putFile(node, '/root/wrong-clock.py', wrongClock);
        const ahead = node === 'minio03' ? aheadSeconds : 0;
        await minio.run(
          node,
          `systemd-run -q --collect --unit wrong-clock python3 /root/wrong-clock.py ${ahead} && for i in $(seq 100); do ss -Htln | grep -q :${port} && break; sleep 0.1; done`,
        );
      }
      const ending = await actions.ending(info, {
        Port: port,
        Expect: { Versions: 'one', ClockSkewSeconds: 30 },
      });
      expect(ending).toMatchObject({
        kind: 'failed',
        code: 'CLOCKS_DIFFER',
        message: expect.stringMatching(/the clocks of the nodes are [89]\d s apart, .*minio03 \+[89]\d s/),
      });
      // Through the same ways, and with room for it: nothing else is wrong.
      const allowed = { Port: port, Expect: { Versions: 'one', ClockSkewSeconds: 120 } };
      expect(await actions.ending(info, allowed)).toMatchObject({ kind: 'done' });
    } finally {
      for (const node of minio.nodes) await minio.run(node, 'systemctl stop wrong-clock || true');
      await actions.close();
    }
  });

  cases.test(
    'unwell: drives of a node that are full are named before the first stop, and by the canary that is refused',
    async () => {
      const { minio } = stand();
      const actions = new MinioActions(minio);
      const each = 'for n in 1 2 3 4; do d=/stg/data/data$n;';
      try {
        await minio.run(
          'minio02',
          `${each} fallocate -l $(($(df --output=avail -B1 $d | tail -1) - 200000)) $d/full; done`,
        );
        // A server goes by what it knows of a drive for some seconds.
        const room = () => actions.ending(info, { Expect: { FreePercent: 5 }, WaitSeconds: 0 });
        await expect.poll(room, { timeout: 30_000, interval: 500 }).toMatchObject({
          kind: 'failed',
          code: 'DRIVES_FULL',
          message: expect.stringMatching(/minio02.*data1 has \d % of its space free/),
        });
        const canary = await actions.ending(settle, { QuietSeconds: 0, WaitSeconds: 60 });
        expect(canary).toMatchObject({
          kind: 'failed',
          code: 'DRIVES_FULL',
          message: expect.stringMatching(/takes no writes \(XMinioStorageFull\): .*minio02/),
        });
      } finally {
        await minio.run('minio02', `${each} rm -f $d/full; done`);
        await actions.close();
        await minio.untilHealthy({ quietSeconds: 0 });
      }
    },
  );

  cases.draw('unwell', caseMs);
}
