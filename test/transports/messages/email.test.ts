/** Mail to a real SMTP server: its certificate, its login, its silences, and what it says back. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Letter } from '../../../src/transports/messages/delivery.ts';
import { mailMessage, type MailServer } from '../../../src/transports/messages/email.ts';

const folder = mkdtempSync(join(tmpdir(), 'belay-mail-'));
let key = '';
let ca = '';
let otherName = { key: '', cert: '' };
const servers: { close(callback?: () => void): unknown }[] = [];

function certificate(name: string): { key: string; cert: string } {
  const [keyFile, certFile] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync(
    'openssl',
    [
      ...words,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=DNS:${name}`,
      '-keyout',
      keyFile,
      '-out',
      certFile,
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}

beforeAll(() => {
  ({ key, cert: ca } = certificate('localhost'));
  otherName = certificate('mail.example.com');
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close(() => undefined);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Mail {
  readonly user: string;
  readonly isSecure: boolean;
  readonly text: string;
}

async function smtp(options: SMTPServerOptions = {}) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    key,
    cert: ca,
    onAuth: ({ username, password }, _session, callback) =>
      password === 'smtp-password' ? callback(null, { user: username }) : callback(new Error('Bad login')),
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push({
          user: String(session.user ?? ''),
          isSecure: session.secure,
          text: Buffer.concat(chunks).toString('utf8'),
        });
        callback(null, 'kept as 4711');
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { mails, port: (server.server.address() as AddressInfo).port };
}

/** A server that speaks what a test makes it speak. */
async function raw(speak: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    speak(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const letter: Letter = {
  id: 'ab'.repeat(16),
  subject: 'patch failed at Start\r\nBcc: everybody@example.com',
  text: 'db1 ← postgresql\n.\nbelay show X',
  fields: { event: 'runFailed' },
};
const mail = (port: number, more: Partial<MailServer> = {}): MailServer => ({
  server: 'localhost',
  port,
  security: 'starttls',
  from: 'belay@example.com',
  to: ['ops@example.com', 'dba@example.com'],
  user: 'belay',
  password: 'smtp-password',
  ca,
  ...more,
});
const scope = { signal: new AbortController().signal };

it('a mail goes over STARTTLS with a login, whole, and with the same Message-ID each time', async () => {
  const { mails, port } = await smtp();
  expect(await mailMessage(mail(port), letter, scope)).toMatchObject({
    kind: 'delivered',
    receipt: expect.stringContaining('kept as 4711') as string,
  });
  await mailMessage(mail(port), letter, scope);
  const [first, second] = mails;
  expect(first).toMatchObject({ user: 'belay', isSecure: true });
  for (const { text } of [first, second].filter((each) => each !== undefined)) {
    expect(text).toContain(`Message-ID: <${letter.id}@belay.example.com>`);
    expect(text).toContain('To: ops@example.com, dba@example.com');
    // One header, whatever a host had in its words.
    expect(text).not.toMatch(/^Bcc:/m);
    expect(text).toContain('Auto-Submitted: auto-generated');
    expect(text).toMatch(/^belay show X/m);
  }
});

it('tls speaks TLS from the first byte', async () => {
  const { mails, port } = await smtp({ secure: true });
  expect(await mailMessage(mail(port, { security: 'tls' }), letter, scope)).toMatchObject({
    kind: 'delivered',
  });
  expect(mails).toHaveLength(1);
});

it.each([
  ['that nobody vouches for', {}, 'signed by itself'],
  ['for another name', { other: true }, 'for another name'],
])(
  'a certificate %s is refused before a login is sent',
  async (_what, { other = false }: { other?: boolean }, says) => {
    const { mails, port } = await smtp(other ? { ...otherName } : {});
    const trusted = { ca: otherName.cert };
    const delivery = await mailMessage(mail(port, trusted), letter, scope);
    expect(delivery).toMatchObject({ kind: 'failed', why: expect.stringContaining(says) as string });
    expect(mails).toEqual([]);
  },
);

it('a server without STARTTLS gets neither mail nor password', async () => {
  const heard: string[] = [];
  const port = await raw((socket) => {
    socket.write('220 here\r\n');
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      socket.write(chunk.toString().startsWith('EHLO') ? '250-here\r\n250 AUTH PLAIN\r\n' : '500 what\r\n');
    });
  });
  expect(await mailMessage(mail(port), letter, scope)).toMatchObject({ kind: 'failed' });
  expect(heard.join('')).not.toMatch(/AUTH|MAIL FROM/);
});

it('a refused login says so, and the password is in no word of it', async () => {
  const { port } = await smtp({
    onAuth: ({ password }, _session, callback) => callback(new Error(`not ${password}, sorry`)),
  });
  const delivery = await mailMessage(mail(port, { password: 'other-password' }), letter, scope);
  expect(delivery).toMatchObject({ kind: 'failed', why: expect.stringContaining('sorry') as string });
  expect(JSON.stringify(delivery)).not.toContain('other-password');
});

it('a mailbox that the server does not take is a failure that names it', async () => {
  const { port } = await smtp({
    onRcptTo: ({ address }, _session, callback) =>
      address.startsWith('dba') ? callback(new Error('no such user')) : callback(),
  });
  expect(await mailMessage(mail(port), letter, scope)).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('dba@example.com') as string,
  });
});

it('a server that hangs is left when Belay ends', async () => {
  const port = await raw(() => undefined);
  const began = performance.now();
  const delivery = await mailMessage(mail(port), letter, { signal: AbortSignal.timeout(200) });
  expect(delivery).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('when Belay ended') as string,
  });
  expect(performance.now() - began).toBeLessThan(5_000);
});

it('a line without an end is cut off', async () => {
  let written = 0;
  const port = await raw((socket) => {
    const pour = (): void => {
      while (!socket.destroyed && written < 512 * 1024 * 1024 && socket.write('2'.repeat(65_536)))
        written += 65_536;
      if (!socket.destroyed) socket.once('drain', pour);
    };
    pour();
  });
  expect(await mailMessage(mail(port), letter, scope)).toMatchObject({ kind: 'failed' });
  expect(written).toBeLessThan(256 * 1024 * 1024);
});
