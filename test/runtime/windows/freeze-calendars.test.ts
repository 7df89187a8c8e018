/** Calendars that are down, hang, or were written by somebody who means no good. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FreezeCalendars } from '../../../src/runtime/windows/freeze-calendars.ts';
import { parseWindow, type Window } from '../../../src/windows/index.ts';
import { freePort } from '../../lab/endpoint/moto.ts';

/** Short where it is waited for, and long where a slow machine has to be waited for. */
const shortMs = 300;
const longMs = 5_000;
const hourMs = 3_600_000;
const from = Date.parse('2026-12-06T01:00:00Z');

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'belay-freeze-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function windowWith(source: string): Window {
  const text = `Name: abc\nSchedule: rate(1 day)\nDuration: 1\nFreeze: ['${source}']\nTasks: [{ Name: a, Runbook: b }]\n`;
  const { window, diagnostics } = parseWindow({ file: 'w.yaml', text });
  if (window === undefined) throw new Error(JSON.stringify(diagnostics));
  return window;
}

const calendar = (rule: string): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'BEGIN:VEVENT',
    'UID:1@example.com',
    'DTSTART:20200101T000000Z',
    'DTEND:20200101T010000Z',
    `RRULE:${rule}`,
    'SUMMARY:closed',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');

/** A server whose calendars come from `answer`; its address. */
async function serve(answer: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/calendar.ics`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// Rules that never come, or far too often: the library that reads them looks for ever.
test.each([
  'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=MONTHLY;BYDAY=5MO;BYMONTH=2;BYMONTHDAY=1',
  'FREQ=SECONDLY;BYSECOND=60',
  'FREQ=SECONDLY',
])('a rule that never comes to an end freezes, and holds up nothing: %s', async (rule) => {
  const file = join(folder, 'calendar.ics');
  writeFileSync(file, calendar(rule));
  const calendars = new FreezeCalendars({ fetchMs: longMs, readMs: shortMs });
  const frozen = async (): Promise<boolean> => {
    const freeze = await calendars.of(windowWith(file), from);
    return (
      freeze.kind === 'unknown' ||
      freeze.calendars.some((each) => each.frozenBetween(from, from + hourMs).length > 0)
    );
  };
  expect(await frozen()).toBe(true);
  // What took too long once is not tried again.
  expect(await frozen()).toBe(true);
});

test('one that is put right is read again', async () => {
  const file = join(folder, 'calendar.ics');
  const calendars = new FreezeCalendars({ fetchMs: longMs, readMs: 2_000 });
  writeFileSync(file, calendar('FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30'));
  expect(await calendars.of(windowWith(file), from)).toMatchObject({ kind: 'unknown' });
  writeFileSync(file, calendar('FREQ=YEARLY'));
  const freeze = await calendars.of(windowWith(file), from);
  expect(freeze.kind === 'known' && freeze.calendars[0]?.frozenBetween(from, from + hourMs)).toEqual([]);
});

test('a server that is down, says no or says nothing is named with the reason, and not asked again at once', async () => {
  const said = async (url: string): Promise<string> => {
    const freeze = await new FreezeCalendars({ fetchMs: longMs, readMs: longMs }).of(windowWith(url), from);
    return freeze.kind === 'unknown' ? freeze.message : 'known';
  };
  expect(await said(`http://127.0.0.1:${await freePort()}/calendar.ics`)).toContain('nobody listens there');
  await using gone = await serve((_request, response) => response.writeHead(404).end());
  expect(await said(gone.url)).toContain('it answered 404');
  let asked = 0;
  await using silent = await serve(() => (asked += 1));
  const calendars = new FreezeCalendars({ fetchMs: shortMs, readMs: longMs });
  for (const laterMs of [0, 1_000])
    expect(await calendars.of(windowWith(silent.url), from + laterMs)).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('it did not answer within 0.3 s') as string,
    });
  expect(asked).toBe(1);
  await calendars.of(windowWith(silent.url), from + 60_000);
  expect(asked).toBe(2);
});

test('windows that ask for the same calendar at the same time fetch it once', async () => {
  let asked = 0;
  await using server = await serve((_request, response) => {
    asked += 1;
    setTimeout(() => response.end(calendar('FREQ=DAILY')), 50);
  });
  const calendars = new FreezeCalendars({ fetchMs: longMs, readMs: longMs });
  const freezes = await Promise.all([1, 2, 3].map(() => calendars.of(windowWith(server.url), from)));
  expect(freezes.map(({ kind }) => kind)).toEqual(['known', 'known', 'known']);
  expect(asked).toBe(1);
});
