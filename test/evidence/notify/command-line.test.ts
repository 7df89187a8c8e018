/** Channels through the real command line: who is told of a run, and that no channel changes what a run comes to. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk, idOf } from '../../support/command-line.ts';
import { receive, type Receiver } from './receiver.ts';

let desk: Desk;
let receiver: Receiver;
beforeEach(async () => {
  receiver = await receive();
  desk = new Desk();
  configure(`  ops: { webhook: { url: 'env:OPS_HOOK', signWith: 'env:OPS_KEY' } }`);
});
afterEach(async () => {
  desk[Symbol.dispose]();
  await receiver[Symbol.asyncDispose]();
});

function configure(channels: string): void {
  desk.write('belay.yaml', `hosts: { here: { transport: local } }\nnotify:\n${channels}\n`);
}
const env = () => ({ OPS_HOOK: receiver.url, OPS_KEY: 'a key of ours' });
const run = (words: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  desk.belay(words, { env: { ...env(), ...more } });
const events = (): unknown[] => receiver.heard.map(({ body }) => body['event']);

const failing = (more = ''): string => `schemaVersion: '0.3'
${more}
mainSteps:
  - { name: Put, action: 'host:file', inputs: { Host: here, Path: '${join(desk.folder, 'made')}', Content: made } }
  - { name: Fail, action: 'host:command', inputs: { Host: here, Script: 'exit 3' }, undo: { none: looks } }
`;

test('a failure and its rollback are told, signed, with what to type', async () => {
  const said = await run(['run', desk.write('bad.yaml', failing())]);
  expect(said.code).toBe(3);
  expect(events().at(-1)).toBe('rolledBackClean');
  const last = receiver.heard.at(-1);
  expect(last?.headers['webhook-signature']).toMatch(/^v1,/);
  expect(last?.body['text']).toContain('Failed at Fail, rolled back clean');
  expect(last?.body['text']).toContain(`belay show ${idOf(said)}`);
  expect(said.stderr).not.toContain('not told');
  const listed = await run(['notify', 'list', '--all', '--json']);
  const { messages } = JSON.parse(listed.stdout) as { messages: { state: string }[] };
  expect(new Set(messages.map(({ state }) => state))).toEqual(new Set(['delivered']));
});

test('a receiver that hangs changes no ending, is named at the end, and doctor says so', async () => {
  receiver.answer = () => undefined;
  const began = performance.now();
  const said = await run(['run', desk.write('bad.yaml', failing())]);
  expect(said.code).toBe(3);
  expect(performance.now() - began).toBeLessThan(40_000);
  expect(said.stderr).toMatch(
    /rolled back clean[\s\S]*ops: not told yet, 127\.0\.0\.1:\d+: it had not answered when Belay ended/,
  );
  const list = await run(['notify', 'list']);
  expect(list.stdout).toMatch(/ops {2}waiting {2}\w+ {2}.* ago/);
  expect(list.code).toBe(0);
  const doctor = await run(['doctor']);
  expect(doctor.code).toBe(2);
  expect(doctor.stdout).toMatch(/ops[\s\S]*wait/);
  // Neither address nor key is in anything that is kept.
  for (const file of ['notify.db', 'notify.db-wal', 'journal.db', 'journal.db-wal']) {
    const bytes = readFileSync(join(desk.state, file), { flag: 'a+' }).toString('latin1');
    expect(bytes).not.toContain('a key of ours');
    expect(bytes).not.toContain('/belay"');
  }
});

test('a runner that is killed is told by the next command, and so is that somebody goes on', async () => {
  const file = desk.write(
    'slow.yaml',
    `schemaVersion: '0.3'\nmainSteps:\n  - { name: Wait, action: 'host:command', inputs: { Host: here, Script: 'sleep 2' }, undo: { none: waits } }\n`,
  );
  const going = desk.start(['run', file], { env: env() });
  await going.writes(/▸ Wait/);
  going.process.kill('SIGKILL');
  await going.said;
  expect(events()).toEqual([]);
  await run(['list']);
  await run(['list']);
  expect(events()).toEqual(['interrupted']);
  expect(receiver.heard[0]?.body['text']).toContain('belay resume');
  expect((await run(['resume'])).code).toBe(0);
  expect(events()).toEqual(['interrupted', 'resolved']);
});

test('an approval inside a run is asked for on the channels, with the command to type', async () => {
  const file = desk.write(
    'ask.yaml',
    `schemaVersion: '0.3'\nmainSteps:\n  - { name: Ask, action: 'aws:approve', inputs: { Message: 'Restart db1?', Approvers: [alice] } }\n`,
  );
  const said = await run(['run', file, '--no-wait']);
  expect(said.code).toBe(6);
  expect(events()).toEqual(['approvalWanted']);
  expect(receiver.heard[0]?.body).toMatchObject({
    subject: 'ask wants an approval: Restart db1?',
    step: 'Ask',
  });
  expect(receiver.heard[0]?.body['command']).toContain(`belay approve ${idOf(said)} --step Ask`);
});

test('no secret of a run is in a message', async () => {
  const file = desk.write(
    'secret.yaml',
    `schemaVersion: '0.3'
parameters: { Password: { type: String, secret: true } }
mainSteps:
  - name: Say
    action: host:command
    inputs: { Host: here, Script: 'echo "no $WORD" >&2; exit 1', Env: { WORD: '{{ Password }}' }, ShowOutput: true }
    undo: { none: says }
`,
  );
  const said = await run(['run', file, '--secret', 'Password=env:DB_PASSWORD'], {
    DB_PASSWORD: 'correct-horse-staple',
  });
  expect(said.stderr).toContain('***');
  expect(JSON.stringify(receiver.heard.at(-1)?.body)).toContain('***');
  expect(JSON.stringify(receiver.heard)).not.toContain('correct-horse');
  expect(readFileSync(join(desk.state, 'notify.db'), 'latin1')).not.toContain('correct-horse');
});

test('a runbook that names a channel that nobody knows is refused at its place', async () => {
  const said = await run(['run', desk.write('bad.yaml', failing('notify: { channels: [opps] }'))]);
  expect(said.code).toBe(2);
  expect(said.stderr).toMatch(/bad\.yaml:2:22 {2}UNKNOWN_CHANNEL/);
  expect(said.stderr).toContain('Did you mean ops?');
  expect(receiver.heard).toEqual([]);
});

test('an outbox that cannot be read stops no run and changes no ending, and is said', async () => {
  mkdirSync(desk.state, { mode: 0o700 });
  writeFileSync(join(desk.state, 'notify.db'), 'no database '.repeat(500));
  const said = await run(['run', desk.write('bad.yaml', failing())]);
  expect(said.code).toBe(3);
  expect(said.stderr).toMatch(/rolled back clean[\s\S]*Nobody could be told: /);
});

test('notify test sends one message, says what became of it, and keeps none', async () => {
  expect(await run(['notify', 'test', 'ops'])).toMatchObject({
    code: 0,
    stderr: 'ops took the message: HTTP 200\n',
  });
  expect(receiver.heard).toHaveLength(1);
  receiver.answer = (reply) => reply.writeHead(403).end('who are you');
  const refused = await run(['notify', 'test', 'ops']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^ops did not take the message: .*HTTP 403: who are you\n$/);
  const unknown = await run(['notify', 'test', 'opps']);
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('Did you mean ops?');
  expect((await run(['notify', 'list'])).stderr).toBe('Nothing waits: every message was delivered.\n');
});
