/** Somebody writes nonsense into a lock's entry on a host: it is an answer or a failure of that host, and never a bug of Belay's. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lookAtEntry, takeEntry } from '../../src/runtime/locks/lock-entry.ts';
import { HostFailure, type Host } from '../../src/transports/host.ts';

const strange = fc.constantFrom(
  '',
  '\u0000',
  '__proto__',
  '\u001B[2J',
  '9'.repeat(400),
  'NaN',
  '\ud800',
  '\u202E',
  '\n',
  '/',
  'end\n',
);

/** A piece of the text is taken out, doubled or replaced, a few times. */
const damages = fc.array(
  fc.record({ at: fc.nat(), length: fc.nat(40), put: fc.option(strange), twice: fc.boolean() }),
  { minLength: 1, maxLength: 6 },
);
type Damages = typeof damages extends fc.Arbitrary<infer T> ? T : never;

function damaged(text: string, all: Damages): string {
  return all.reduce((sofar, { at, length, put, twice }) => {
    const from = sofar.length === 0 ? 0 : at % sofar.length;
    const piece = sofar.slice(from, from + length);
    return `${sofar.slice(0, from)}${twice ? piece.repeat(2) : (put ?? '')}${sofar.slice(from + length)}`;
  }, text);
}

test('whatever a host says of a lock, it is an answer or a failure of that host', async () => {
  const entry = {
    executionId: 'x',
    folderId: 'f',
    owner: 'f/x',
    runbook: 'patch',
    who: 'alice@ops',
    lock: 'host:db1',
    since: 1,
  };
  const honest = 'held\nfolder/1RS0ABCDEFGH\npatch\nalice@ops\nhost:db1\n1764460800000\nend\n';
  await fc.assert(
    fc.asyncProperty(damages, fc.boolean(), fc.nat(1), async (all, takes, exitCode) => {
      const host = {
        name: 'h1',
        label: 'h1',
        read: () => Promise.resolve({ exitCode, stdout: damaged(honest, all), stderr: '' }),
      } as unknown as Host;
      const { signal } = new AbortController();
      const asking = takes ? takeEntry(host, entry, signal) : lookAtEntry(host, signal);
      const answer = await asking.catch((error: unknown) => error);
      if (answer instanceof Error) expect(answer).toBeInstanceOf(HostFailure);
      else expect(answer).toHaveProperty('kind');
    }),
    { numRuns: 1_000 },
  );
}, 60_000);
