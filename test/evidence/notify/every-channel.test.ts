/**
 * Every event that people can be told of arrives at a real receiver of every kind of channel: an HTTP server that proves the signature, one that
 * reads what Slack reads, an SMTP server, a program, and listeners of a standard and a FIFO topic that prove SNS's own signature.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { peopleWords } from '../../../src/cli/view/people-words.ts';
import { openSqliteJournal, type Journal } from '../../../src/journal/index.ts';
import { eventNames, stormMs, type EventName } from '../../../src/notify/index.ts';
import { configurationFiles } from '../../../src/runtime/configuration.ts';
import { Notifier } from '../../../src/runtime/notify/notifier.ts';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { until } from '../../lab/endpoint/test-bed.ts';
import { awsEnvironment } from '../../lab/world.ts';
import { openAccount, type Account } from '../compliance/account.ts';
import { everyEvent } from './every-event.ts';
import { receive, type Receiver } from './receiver.ts';

const key = 'a key that only the two of us know';
/** Beside what a process finds here, the endpoint of the test. */
let environment: Record<string, string> = {};
let folder: string;
let journal: Journal;
let now = Date.now();
/** A second try of a test tells again, under keys of its own. */
let tellings = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-every-channel-'));
  journal = openSqliteJournal(folder);
});
afterAll(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

/** Each in a time of its own, so that nothing is folded; what became of it, by channel. */
async function tellAll(names: readonly EventName[], channels: string): Promise<Map<string, string[]>> {
  const mine = `telling ${(tellings += 1)} `;
  writeFileSync(join(folder, 'belay.yaml'), `notify:\n${channels}\n`);
  const notifier = new Notifier({
    stateDir: folder,
    configurations: configurationFiles(folder, {
      PATH: process.env['PATH'],
      BELAY_CONFIG: join(folder, 'belay.yaml'),
      KEY: key,
      ...environment,
    }),
    env: { PATH: process.env['PATH'], BELAY_CONFIG: join(folder, 'belay.yaml'), KEY: key, ...environment },
    journal: () => journal,
    words: () => Promise.resolve(peopleWords),
    now: () => now,
  });
  try {
    for (const name of names) {
      const message = everyEvent[name]();
      now += stormMs + 1;
      const told = { ...message, key: `${mine}${name} ${message.key}` };
      notifier.tell(told, notifier.audienceHere([], []));
      await notifier.round();
    }
    const all = notifier.outbox.latest(1_000).filter(({ key: of }) => of.startsWith(mine));
    const states = Map.groupBy(all, ({ channel }) => channel);
    return new Map(
      [...states].map(([channel, of]) => [
        channel,
        of.map(({ event, state, trouble }) => (state === 'delivered' ? event : `${event}: ${trouble}`)),
      ]),
    );
  } finally {
    notifier.close();
  }
}

const sorted = (words: readonly string[]): string[] => words.toSorted((a, b) => (a < b ? -1 : 1));

describe('each of the events', () => {
  let hook: Receiver;
  let slack: Receiver;
  const mails: string[] = [];
  const mailServer = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString('utf8').replaceAll('=\r\n', ''));
        callback();
      });
    },
  });
  let outcome: Map<string, string[]>;

  beforeAll(async () => {
    [hook, slack] = [await receive(), await receive()];
    mailServer.listen(0, '127.0.0.1');
    await once(mailServer.server, 'listening');
    const { port } = mailServer.server.address() as AddressInfo;
    const program = `cat >${folder}/said-$BELAY_EVENT; printf %s "$BELAY_SUBJECT" >${folder}/about-$BELAY_EVENT`;
    outcome = await tellAll(
      eventNames,
      [
        `  hook: { webhook: { url: '${hook.url}', signWith: 'env:KEY' } }`,
        `  slack: { webhook: { url: '${slack.url}', format: slack } }`,
        `  mail: { email: { server: 127.0.0.1, port: ${port}, security: none, from: b@example.com, to: o@example.com } }`,
        `  page: { command: [sh, -c, '${program}'] }`,
      ].join('\n'),
    );
  }, 120_000);
  afterAll(async () => {
    mailServer.close();
    await hook?.[Symbol.asyncDispose]();
    await slack?.[Symbol.asyncDispose]();
  });

  test('is taken by each channel, once', () => {
    for (const channel of ['hook', 'slack', 'mail', 'page'])
      expect(sorted(outcome.get(channel) ?? [])).toEqual(sorted(eventNames));
    expect(hook.heard).toHaveLength(eventNames.length);
    expect(slack.heard).toHaveLength(eventNames.length);
    expect(mails).toHaveLength(eventNames.length);
  });

  test.each(eventNames)('%s says at each receiver what happened and what to type', (name) => {
    const { subject, text, fields } = everyEvent[name]();
    expect(fields.command).toMatch(/^belay /);

    const heard = hook.heard.find(({ body }) => body['event'] === name);
    expect(heard?.body).toMatchObject({ schemaVersion: 1, event: name, subject, text });
    expect(heard?.body['command']).toBe(fields.command);
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signed } = heard?.headers ?? {};
    const wanted = createHmac('sha256', key)
      .update(`${String(id)}.${String(at)}.${heard?.raw ?? ''}`)
      .digest('base64');
    expect(signed).toBe(`v1,${wanted}`);

    const lines = slack.heard.map(({ body }) => String(body['text']));
    const asSlack = subject.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    expect(
      lines.filter((line) => line.startsWith(`*${asSlack}*\n`) && line.includes(fields.command)),
    ).not.toEqual([]);

    const mail = mails.filter((each) => each.includes(fields.command) && subjectOf(each) === subject);
    expect(mail).not.toEqual([]);

    expect(readFileSync(join(folder, `about-${name}`), 'utf8')).toBe(subject);
    expect(readFileSync(join(folder, `said-${name}`), 'utf8')).toBe(`${subject}\n\n${text}\n`);
  });

  test('nothing was told of anything else', () => {
    const said = readdirSync(folder).filter((file) => file.startsWith('said-'));
    expect(sorted(said)).toEqual(sorted(eventNames.map((name) => `said-${name}`)));
  });
});

const reason = motoMissing();
describe.skipIf(reason)(
  `each of the events, by a topic${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let account: Account;
    beforeAll(async () => {
      account = await openAccount();
      environment = awsEnvironment(account.endpoint.url);
      for (const [name, value] of Object.entries(environment)) process.env[name] = value;
    }, 60_000);
    afterAll(async () => {
      for (const name of Object.keys(environment)) delete process.env[name];
      environment = {};
      await account?.[Symbol.asyncDispose]();
      expect(account?.subscriber.forged).toEqual([]);
    });

    let topics = 0;
    test.each(['a standard topic', 'a FIFO topic'])(
      '%s',
      async (kind) => {
        account.subscriber.take();
        const arn = await account.topic(
          `every-event-${(topics += 1)}${kind === 'a FIFO topic' ? '.fifo' : ''}`,
        );
        const outcome = await tellAll(eventNames, `  topic: { sns: '${arn}' }`);
        expect(sorted(outcome.get('topic') ?? [])).toEqual(sorted(eventNames));
        const heard: { readonly event: string; readonly subject: string; readonly text: string }[] = [];
        await until(
          () =>
            heard.push(
              ...account.subscriber.take().map(({ attributes, subject, text }) => ({
                event: attributes['event'] ?? '',
                subject,
                text,
              })),
            ),
          (length) => length >= eventNames.length,
          30_000,
        );
        expect(sorted(heard.map(({ event }) => event))).toEqual(sorted(eventNames));
        for (const { event, subject, text } of heard) {
          const message = everyEvent[event as EventName]();
          expect(message.subject.startsWith(subject.replace(/…$/, ''))).toBe(true);
          expect(text).toBe(message.text);
        }
      },
      120_000,
    );
  },
);

/** Unfolded; what is not ASCII comes as encoded words. */
function subjectOf(mail: string): string {
  const [, folded = ''] = /^Subject: (.*(?:\r\n[ \t].*)*)/m.exec(mail) ?? [];
  return folded
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?UTF-8\?B\?(.*?)\?=/gi, (_all, word: string) =>
      Buffer.from(word, 'base64').toString('utf8'),
    )
    .replaceAll(/=\?UTF-8\?Q\?(.*?)\?=/gi, (_all, word: string) =>
      Buffer.from(
        word
          .replaceAll('_', ' ')
          .replaceAll(/=([0-9A-F]{2})/gi, (_hex, code: string) =>
            String.fromCharCode(Number.parseInt(code, 16)),
          ),
        'latin1',
      ).toString('utf8'),
    )
    .replaceAll(/\r\n[ \t]/g, ' ')
    .trim();
}
