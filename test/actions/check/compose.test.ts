/** src/actions/check/compose.ts: probes on a real shell, and replies of hosts that lie, break off and shout. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  composeProbes,
  readProbes,
  type Probe,
  type ProbeAnswer,
} from '../../../src/actions/check/compose.ts';
import { localTestHost, type LocalTestHost } from '../host/local.ts';

const nonce = '0123456789abcdef0123456789abcdef';
const probe = (kind: string, body: string, ...args: string[]): Probe => ({ kind, body, args });
const short = (answer: ProbeAnswer | undefined): string =>
  answer?.kind === 'said' ? answer.fields.all('x').join('|') : (answer?.code ?? 'nothing');

describe('on a real shell', () => {
  let here: LocalTestHost;
  beforeAll(() => {
    here = localTestHost();
  });
  afterAll(() => here[Symbol.asyncDispose]());
  const ask = async (probes: readonly Probe[], seconds?: number): Promise<string[]> => {
    const script = composeProbes(probes, nonce, seconds);
    const result = await here.host.read(script, { signal: AbortSignal.timeout(60_000), timeoutMs: 60_000 });
    return readProbes(result, nonce, probes.length).map(short);
  };

  test('each has its own arguments, and what one breaks is not broken for the next', async () => {
    expect(
      await ask([
        probe('first', 'say x "$1-$2"', 'a b', "c'd"),
        probe('second', 'nonce=stolen; n=0; exit 3', 'e'),
        probe('third', 'set -- ; unset nonce; exec >/dev/null; echo hi; say x never'),
        probe('fourth', 'kill -9 $$; say x still'),
        probe('first', 'say x "$1-$2"', '$(id)', '*'),
        probe('fifth', 'no GONE "it is not there"'),
      ]),
    ).toEqual(["a b-c'd", 'PROBE_FAILED', 'PROBE_FAILED', 'HALF_ANSWER', 'HALF_ANSWER', 'HALF_ANSWER']);
    expect(
      await ask([
        probe('second', 'nonce=stolen; n=0; exit 3', 'e'),
        probe('first', 'say x "$1-$2"', '$(id)', '*'),
        probe('fifth', 'no GONE "it is not there"'),
      ]),
    ).toEqual(['PROBE_FAILED', '$(id)-*', 'GONE']);
  });

  test('output of tools, several lines and other probes’ numbers come as what they are', async () => {
    expect(
      await ask([
        probe(
          'loud',
          'echo x=forged; echo "0 1 : x=forged" >&3; say x "two\nlines"; printf "a\\nb\\n" | lines x',
        ),
        probe('next', 'say x mine'),
        probe('many', 'seq 1 1000 | lines x; say y "$(seq 1 100000)"'),
      ]).then((said) => said.map((each) => each.slice(0, 20))),
    ).toEqual(['two lines|a|b', 'mine', '1|2|3|4|5|6|7|8|9|10']);
  });

  test('one that does not end is left behind, and the others answer', async () => {
    expect(await ask([probe('stuck', 'sleep 300; say x late'), probe('next', 'say x mine')], 1)).toEqual([
      'TIMED_OUT',
      'mine',
    ]);
  }, 60_000);

  test('no child of a probe is given the nonce', async () => {
    expect(await ask([probe('peek', 'say x "$(env | grep -c BELAY_NONCE)"')])).toEqual(['0']);
  });
});

const frame = (number: number, lines: readonly string[], end = '0'): string =>
  [
    `${nonce} ${number} begin`,
    ...lines.map((line) => `${nonce} ${number} : ${line}`),
    `${nonce} ${number} end ${end}`,
    '',
  ].join('\n');
const reply = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' });

test.each([
  ['nothing', '', ['HALF_ANSWER', 'HALF_ANSWER']],
  ['the first only', frame(0, ['x=a']), ['a', 'HALF_ANSWER']],
  [
    'broken off in the second',
    `${frame(0, ['x=a'])}${nonce} 1 begin\n${nonce} 1 : x=b\n`,
    ['a', 'HALF_ANSWER'],
  ],
  ['the first twice', `${frame(0, ['x=a'])}${frame(0, ['x=z'])}${frame(1, ['x=b'])}`, ['BAD_REPLY', 'b']],
  [
    'a field behind the end',
    `${frame(0, ['x=a'])}${nonce} 0 : x=z\n${frame(1, ['x=b'])}`,
    ['BAD_REPLY', 'b'],
  ],
  [
    'another nonce',
    `${frame(0, ['x=a'])}${frame(1, ['x=b']).replaceAll('0123', '9999')}`,
    ['a', 'HALF_ANSWER'],
  ],
  ['a number that was not asked', `${frame(7, ['x=a'])}${frame(0, ['x=a'])}${frame(1, ['x=b'])}`, ['a', 'b']],
  ['no field', `${frame(0, ['what?'])}${frame(1, ['x=b'])}`, ['BAD_REPLY', 'b']],
  ['nonsense as its end', `${frame(0, ['x=a'], 'zero')}${frame(1, ['x=b'])}`, ['PROBE_FAILED', 'b']],
  [
    'far too much',
    `${frame(
      0,
      Array.from({ length: 3_000 }, () => `x=${'a'.repeat(100)}`),
    )}${frame(1, ['x=b'])}`,
    ['OUTPUT_TOO_LARGE', 'b'],
  ],
])('a reply with %s', (_what, stdout, expected) => {
  expect(readProbes(reply(stdout), nonce, 2).map(short)).toEqual(expected);
});

test('whatever bytes come, each probe has one answer, and only a whole frame of its own is believed', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom(
      frame(0, ['x=a']),
      frame(1, ['x=b']),
      `${nonce} 0 begin\n`,
      `${nonce} 1 end 0\n`,
      `${nonce} 1 : x=c\n`,
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const answers = readProbes(reply(pieces.join('\n')), nonce, 2);
      expect(answers).toHaveLength(2);
      for (const [number, answer] of answers.entries())
        if (answer.kind === 'said') {
          expect(pieces.join('\n').split(`${nonce} ${number} begin`)).toHaveLength(2);
          expect(answer.fields.all('x').every((value) => ['a', 'b', 'c'].includes(value))).toBe(true);
        }
    }),
  );
});
