import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { commandMessage, type MessageProgram } from '../../../src/transports/messages/command.ts';
import type { Letter } from '../../../src/transports/messages/delivery.ts';

const folder = mkdtempSync(join(tmpdir(), 'belay-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

const letter: Letter = {
  id: 'ab'.repeat(16),
  subject: 'patch failed; rm -rf $HOME',
  text: 'belay show X',
  fields: { event: 'runFailed', runbook: 'patch' },
};
const env = {
  PATH: process.env['PATH'],
  HOME: folder,
  SMTP_PASSWORD: 'a secret of ours',
  AWS_SECRET_ACCESS_KEY: 'x',
};
const scope = { env, signal: new AbortController().signal };
const program = (argv: readonly string[], more: Partial<MessageProgram> = {}): MessageProgram => ({
  argv,
  format: 'text',
  timeoutSeconds: 5,
  ...more,
});
const sh = (script: string, ...words: readonly string[]): string[] => [
  '/bin/sh',
  '-c',
  script,
  'sh',
  ...words,
];

it('a program reads the message on standard input, and its words as they are', async () => {
  const file = join(folder, 'heard');
  const words = sh('printf "%s\\n" "$1" > "$2"; cat >> "$2"', '$(touch hacked)', file);
  expect(await commandMessage(program(words), letter, scope)).toEqual({
    kind: 'delivered',
    receipt: 'exit 0',
  });
  expect(readFileSync(file, 'utf8')).toBe('$(touch hacked)\npatch failed; rm -rf $HOME\n\nbelay show X\n');
});

it('JSON has every field', async () => {
  const file = join(folder, 'heard.json');
  await commandMessage(program(sh('cat > "$1"', file), { format: 'json' }), letter, scope);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ event: 'runFailed', messageId: letter.id });
});

it('its environment says which message it is and holds no secret', async () => {
  const file = join(folder, 'environment');
  await commandMessage(program(sh('env > "$1"', file)), letter, scope);
  const seen = readFileSync(file, 'utf8');
  expect(seen).toContain(`BELAY_MESSAGE_ID=${letter.id}`);
  expect(seen).toContain('BELAY_EVENT=runFailed');
  expect(seen).not.toMatch(/SECRET|PASSWORD/);
});

it('another exit code is a failure with its last words, bounded', async () => {
  const delivery = await commandMessage(program(sh('yes no | head -c 1000000; exit 3')), letter, scope);
  expect(delivery).toMatchObject({
    kind: 'failed',
    why: expect.stringMatching(/ended with 3: no no/) as string,
  });
  expect(JSON.stringify(delivery).length).toBeLessThan(500);
});

it('a program that does not end is ended, with what it started', async () => {
  const file = join(folder, 'pid');
  const words = sh('sleep 600 & echo $! > "$1"; trap "" TERM; wait; sleep 600', file);
  const delivery = await commandMessage(program(words, { timeoutSeconds: 1 }), letter, scope);
  expect(delivery).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('did not end within 1 s') as string,
  });
  const pid = Number(readFileSync(file, 'utf8'));
  await expect.poll(() => isAlive(pid)).toBe(false);
});

it.each([
  [['/nowhere/page'], 'there is no such program'],
  [[folder], 'it may not be started'],
])('%j cannot be started, and that is a failure', async (argv, says) => {
  expect(await commandMessage(program(argv), letter, scope)).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining(says) as string,
  });
});

it('a program that reads nothing may still take the message', async () => {
  const big = { ...letter, text: 'x'.repeat(500_000) };
  expect(await commandMessage(program(['/bin/true']), big, scope)).toMatchObject({ kind: 'delivered' });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
