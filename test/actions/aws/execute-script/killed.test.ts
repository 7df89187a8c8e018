/** kill -9 of a real runner around the writes and effects of a script: it runs once, and the next runner reads its first result. */
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killPoints, nameOf, sample } from '../../../evidence/crash/kill-points.ts';
import type { Cut, Passed } from '../../../evidence/crash/scissors.ts';
import { builtCrashRunner } from '../../../support/built.ts';
import { ScriptDesk, scriptRunbook } from '../../../support/script-desk.ts';

/** More with BELAY_ALL_KILLS=1 (npm run lab:faults). */
const killsInCi = 6;
const runnerMsMax = 60_000;

const desk = new ScriptDesk();
let runs = 0;
let server: Server;
let document: string;

/** Tells this process that it runs; goes on for a moment, so that there is an amid. */
const script = `import socket, time
def main(events, context):
    with socket.create_connection(('127.0.0.1', events['port']), 5) as line:
        number = int(line.recv(20))
    time.sleep(0.6)
    print('the run', number)
    return {'run': number}`;

beforeAll(async () => {
  server = createServer((socket) => {
    runs += 1;
    socket.end(String(runs));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  document = scriptRunbook(script, { InputPayload: { port } });
});
afterAll(() => {
  server.close();
  desk[Symbol.dispose]();
});

async function runner(id: string, cut?: Cut): Promise<readonly Passed[]> {
  const words = [
    builtCrashRunner(),
    join(desk.folder, 'state'),
    id,
    ...(cut === undefined ? [] : [JSON.stringify(cut)]),
  ];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      words,
      { cwd: desk.folder, timeout: runnerMsMax, maxBuffer: 2 ** 24 },
      (_, stdout) => {
        const lines = stdout.split('\n').filter((line) => line.includes('"point"'));
        resolve(lines.map((line) => JSON.parse(line) as Passed));
      },
    );
  });
}

test('a script whose runner is killed anywhere is run once, and what it returned and printed is there', async () => {
  const whole = await desk.start(document);
  const { cuts, chosen } = sample(killPoints(await runner(whole.id)), killsInCi);
  const wanted = await desk.ran(whole.id);
  expect(wanted.view).toMatchObject({ status: 'Success', steps: [{ outputs: { Payload: { run: 1 } } }] });
  console.info(`script: ${chosen}`);
  for (const cut of cuts) {
    const { id } = await desk.start(document);
    const before = runs;
    await runner(id, cut);
    await runner(id);
    const { view, log } = await desk.ran(id);
    expect([nameOf(cut), runs - before, view.status, view.steps[0]?.outputs['Payload']]).toEqual([
      nameOf(cut),
      1,
      'Success',
      { run: before + 1 },
    ]);
    expect(log.match(/the run \d+/g), nameOf(cut)).toEqual([`the run ${before + 1}`]);
  }
}, 180_000);
