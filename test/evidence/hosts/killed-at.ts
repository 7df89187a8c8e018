/**
 * A session that knows the steps of the protocol, and calls out at each before it goes on: what is sent (`> start`) and what is said
 * (`< begun`). What it calls may kill anything.
 */
import { PassThrough, Transform, Writable } from 'node:stream';
import type { Channel, Session } from '../../../src/transports/hosts/channel.ts';

/** Every step, in the order in which a command usually takes them. */
export const protocolSteps = [
  '> open',
  '< ready',
  '> read',
  '< read',
  '> start',
  '< begun',
  '< ended',
  '> look',
  '< look',
  '> forget',
  '< forgotten',
] as const;
export type ProtocolStep = (typeof protocolSteps)[number];

const sent: readonly (readonly [RegExp, ProtocolStep])[] = [
  [/b_nonce=belay-/, '> open'],
  [/; b_read \d+$|; b_read \d+\n/m, '> read'],
  [/; b_start \d+ |^b_detach \d+$/m, '> start'],
  [/b_look \d+ \d+ \d+ \$b_offset_max; b_tell look/, '> look'],
  [/; b_forget /, '> forget'],
];
const said = /^belay-[0-9a-f]+ \d+ (?<word>ready|read|begun|ended|look|forgotten)\b/gm;

/** Calls out for each step; a request before it is sent, a word before it is heard. */
export function watched(channel: Channel, at: (step: ProtocolStep) => void): Channel {
  return { ...channel, open: async (options) => tapped(await channel.open(options), at) };
}

function tapped(session: Session, at: (step: ProtocolStep) => void): Session {
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const text = chunk.toString('latin1');
      for (const [pattern, step] of sent) if (pattern.test(text)) at(step);
      session.stdin.write(chunk);
      done();
    },
    destroy(_error, done) {
      session.stdin.destroy();
      done(null);
    },
  });
  const stderr = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const { groups } of chunk.toString('latin1').matchAll(said))
        at(`< ${groups?.['word'] ?? ''}` as ProtocolStep);
      done(null, chunk);
    },
  });
  const stdout = new PassThrough();
  session.stdout.pipe(stdout);
  session.stderr.pipe(stderr);
  session.stdout.once('close', () => stdout.end());
  session.stderr.once('close', () => stderr.end());
  return { ...session, stdin, stdout, stderr };
}
