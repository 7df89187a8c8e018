/**
 * Hosts that do not keep to the protocol. The session is made by hand, so that anything at all can come back on it; what
 * is asked of the link is that it ends with one clear failure, soon, and with little memory.
 */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { readBytesMax, type Host } from '../../../src/transports/host.ts';
import type { Channel, Session } from '../../../src/transports/hosts/channel.ts';
import { channelHost } from '../../../src/transports/hosts/channel-host.ts';
import { hostFailure } from '../../../src/transports/hosts/failure.ts';
import { frameBytesMax } from '../../../src/transports/hosts/protocol/follow.ts';
import { KeeperReader } from '../../../src/transports/hosts/protocol/keeper-reader.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { GarbledReply, printable, wordsOf } from '../../../src/transports/hosts/protocol/words.ts';
import { failureOf } from '../../contract/host/command.ts';

const boot = '01234567-89ab-cdef-0123-456789abcdef';
const signal = new AbortController().signal;

interface Puppet {
  readonly host: Host;
  /** Opens the link, and says what follows for each request. `N` stands for the nonce, `I` for the request's number. */
  readonly answer: (words: readonly string[], output?: readonly Buffer[]) => void;
  readonly say: (words: string) => void;
}

/** A host whose every word is given. */
function puppet(): Puppet {
  let session: { readonly stdout: PassThrough; readonly stderr: PassThrough } | undefined;
  let nonce = '';
  let script: { readonly words: readonly string[]; readonly output: readonly Buffer[] } = {
    words: [],
    output: [],
  };
  const say = (words: string): void => {
    session?.stderr.write(words.replaceAll('N ', `${nonce} `));
  };
  const open = (): Session => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const ended = Promise.withResolvers<number | undefined>();
    session = { stdout, stderr };
    stdin.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      const opening = /b_nonce=(?<nonce>\S+)/.exec(text)?.groups?.['nonce'];
      if (opening !== undefined) {
        nonce = opening;
        stdout.write(`${nonce}\n`);
        say(`N 0 ready 0 ${boot} /var/lib/belay\n`);
        return;
      }
      const id = /(?:b_read|b_id=|b_start) ?(?<id>\d+)/.exec(text)?.groups?.['id'] ?? '1';
      for (const line of script.output) {
        stdout.write(Buffer.from(line.toString('latin1').replace('N I', `${nonce} ${id}`), 'latin1'));
      }
      for (const line of script.words) say(line.replaceAll('N I', `N ${id}`));
    });
    return {
      stdin,
      stdout,
      stderr,
      ended: ended.promise,
      kill: () => {
        stdout.end();
        stderr.end();
        ended.resolve(0);
      },
    };
  };
  const channel: Channel = {
    shell: defaultShell,
    open: () => Promise.resolve(open()),
    explain: () =>
      Promise.resolve(
        hostFailure({
          host: 'h',
          name: 'h',
          code: 'CONNECTION_LOST',
          what: 'it was lost',
          retryable: true,
          effect: 'unknown',
        }),
      ),
    dial: () => Promise.reject(new Error('nobody dials')),
    close: () => Promise.resolve(),
  };
  const host = channelHost({ name: 'h', transport: 'ssh', become: 'none', tags: {} }, 'h', channel);
  return {
    host,
    say,
    answer: (words, output = []) => {
      script = { words, output };
    },
  };
}

describe('a host that does not keep to the protocol', () => {
  const opened: Puppet[] = [];
  const made = (): Puppet => {
    const one = puppet();
    opened.push(one);
    return one;
  };
  afterEach(() => Promise.all(opened.splice(0).map(({ host }) => host.close())));
  const read = (host: Host) => host.read({ text: 'true' }, { signal, timeoutMs: 3_000 });
  const poll = (host: Host) =>
    host.poll('t', { from: { stdout: 0, stderr: 0 }, sink: { write: () => {} }, waitMs: 0, signal });

  it('is understood when it does', async () => {
    const { host, answer } = made();
    answer(
      ['motd of a shell\n', 'N I read exited 3 2 1 2 1\n'],
      [Buffer.from('N I o 2\nhiN I e 1\n!')].slice(0, 0),
    );
    answer(['motd of a shell\n', 'N I read exited 3 2 0 2 0\n'], [Buffer.from('N I o 2\nhi')]);
    expect(await read(host)).toEqual({ exitCode: 3, stdout: 'hi', stderr: '' });
  });

  it.each([
    ['another language', ['N I __proto__ constructor\n']],
    ['names of every object', ['N I look vanished constructor 0 0 0 0\n']],
    ['an exit code beyond all', ['N I look exited 256 0 0 0 0\n']],
    ['a negative size', ['N I look exited 0 -1 0 0 0\n']],
    ['a size beyond all', [`N I look exited 0 ${'9'.repeat(40)} 0 0 0\n`]],
    ['the answer to another request', ['N 77 look exited 0 0 0 0 0\n']],
    ['an answer of another kind', ['N I forgotten\n']],
    ['a line that is not a line', ['N garbage\n']],
    ['a refusal that nobody knows', ['N I refused HAHA because\n']],
    ['a second greeting', [`N 0 ready 0 ${boot} /\n`]],
  ])('that says %s fails with BAD_REPLY', async (_, words) => {
    const { host, answer } = made();
    answer(words);
    expect(await failureOf(poll(host))).toMatchObject({
      code: 'BAD_REPLY',
      retryable: false,
      effect: 'unknown',
    });
  });

  it.each([
    ['a frame that nobody asked for', 'N 99 o 5\nhello'],
    ['a frame beyond all bounds', `N I o ${frameBytesMax + 1}\n`],
    ['an empty frame', 'N I o 0\n'],
    ['a frame of a third stream', 'N I x 5\nhello'],
    ['output without a frame', 'hello\n'],
  ])('that sends %s fails with BAD_REPLY', async (_, output) => {
    const { host, answer } = made();
    answer([], [Buffer.from(output)]);
    expect((await failureOf(poll(host))).code).toBe('BAD_REPLY');
  });

  it('that sends more than a reading script may print fails with BAD_REPLY before it is held', async () => {
    const { host, answer } = made();
    const frame = Buffer.concat([Buffer.from(`N I o ${frameBytesMax}\n`), Buffer.alloc(frameBytesMax, 'x')]);
    answer(
      [],
      Array.from({ length: 1 + (2 * readBytesMax) / frameBytesMax }, () => frame),
    );
    expect((await failureOf(read(host))).code).toBe('BAD_REPLY');
  });

  it('that prints without end beside the protocol is given up', async () => {
    const { host, answer } = made();
    answer(Array.from({ length: 5 }, () => `${'noise '.repeat(200_000)}\n`));
    expect((await failureOf(poll(host))).code).toBe('BAD_REPLY');
  });

  it('that only shows signs of life does not get more time than a step has', async () => {
    const { host, say } = made();
    const timer = setInterval(() => say('.\n'), 20);
    try {
      const began = Date.now();
      const failure = await failureOf(host.read({ text: 'true' }, { signal, timeoutMs: 500 }));
      expect(failure.code).toBe('TIMED_OUT');
      const cancel = AbortSignal.timeout(500);
      const polling = host.poll('t', {
        from: { stdout: 0, stderr: 0 },
        sink: { write: () => {} },
        waitMs: 10_000,
        signal: cancel,
      });
      expect((await failureOf(polling)).code).toBe('CANCELLED');
      expect(Date.now() - began).toBeLessThan(5_000);
    } finally {
      clearInterval(timer);
    }
  });

  it('leaves a message that moves no cursor', async () => {
    const { host, answer } = made();
    answer(['N I \u001b[2J\u009b31m\u202ehello\n']);
    const { message } = await failureOf(poll(host));
    expect(message).toMatch(/h: the host answered something that makes no sense: .*hello/);
    expect(message.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('that fails once is asked over a new session the next time', async () => {
    const { host, answer } = made();
    answer(['N I nonsense\n']);
    await failureOf(poll(host));
    answer(['N I look absent - 0 0 0 0\n']);
    expect(await poll(host)).toEqual({ kind: 'absent' });
  });
});

describe('what a keeper sends', () => {
  const words = 'nonce 1 look exited 4 5 3 5 3\nmotd\nnonce 2 begun\n';
  const output = 'Welcome!\nnonce\nnonce 1 o 5\nab\n=cnonce 1 e 3\nxyz';

  it('reads the same wherever it is cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(cuts, cuts, (some, others) => {
        const heard: string[] = [];
        const got = { stdout: '', stderr: '' };
        const reader = new KeeperReader('nonce', {
          words: (id, { kind }) => heard.push(`${id} ${kind}`),
          announced: () => {},
          output: (_, stream, bytes) => {
            got[stream] += bytes.toString();
          },
        });
        feed(words, some, (chunk) => reader.takeWords(chunk));
        feed(output, others, (chunk) => reader.takeOutput(chunk));
        expect(heard).toEqual(['1 look', '2 begun']);
        expect(got).toEqual({ stdout: 'ab\n=c', stderr: 'xyz' });
        expect(reader.noise()).toBe('motd\n');
      }),
    );
  });

  it('is read or refused, whatever it is, and never more', () => {
    const kinds = [
      'ready',
      'begun',
      'look',
      'ended',
      'read',
      'refused',
      'alive',
      'measured',
      'exited',
      'vanished',
      '-',
    ];
    const word = fc.oneof(
      fc.constantFrom(...kinds, '__proto__', 'constructor', 'STATE_UNUSABLE'),
      fc.nat().map(String),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 9 }), (list) => {
        const text = list.join(' ');
        try {
          expect(typeof wordsOf(text).kind).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(GarbledReply);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('as bytes of any kind ends in words, output or GarbledReply', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'nonce ',
        'nonce\n',
        '1 ',
        'o 3\n',
        'e 9\n',
        '\n',
        'look exited 0 0 0 0 0\n',
        'begun\n',
        ' ',
      ),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1');
        let held = 0;
        const reader = new KeeperReader('nonce', {
          words: () => {},
          announced: () => {},
          output: (_, __, part) => {
            held += part.byteLength;
          },
        });
        for (const take of [() => reader.takeWords(bytes), () => reader.takeOutput(bytes)]) {
          try {
            take();
          } catch (error) {
            expect(error).toBeInstanceOf(GarbledReply);
          }
        }
        expect(held).toBeLessThanOrEqual(bytes.byteLength);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is shown without what moves a cursor', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

function feed(text: string, sizes: readonly number[], take: (chunk: Buffer) => void): void {
  const bytes = Buffer.from(text);
  for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    take(bytes.subarray(at, at + size));
    at += size;
  }
}
