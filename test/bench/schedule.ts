/** Cost of the next due instant: a schedule that comes once in four years must not cost much more than one of every five minutes. */
import { findZone, nextDue, parseSchedule, type Schedule } from '../../src/schedule/index.ts';

const texts = { often: 'cron(0/5 * * * ? *)', seldom: 'cron(0 2 29 2 ? *)' } as const;
const rounds = 7;
const callsPerRound = 2_000;
const ratioMax = 10;
const from = Date.parse('2096-03-01T00:00:00Z');

function microseconds(text: string): number {
  const parsed = parseSchedule(text);
  const zone = findZone('Europe/Berlin');
  if (!parsed.ok || zone === undefined) throw new Error(`${text} is not a schedule`);
  const schedule: Schedule = { rule: parsed.rule, zone, offsetDays: 0, anchorAt: 0 };
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    for (let call = 0; call < callsPerRound; call += 1) nextDue(schedule, from + call * 1_000);
    times.push(((performance.now() - began) / callsPerRound) * 1_000);
  }
  return times.toSorted((left, right) => left - right)[Math.floor(rounds / 2)] ?? NaN;
}

/** True when the ratio holds. */
export function benchSchedule(): boolean {
  microseconds(texts.often);
  const [often, seldom] = [microseconds(texts.often), microseconds(texts.seldom)];
  const ratio = seldom / often;
  console.log(
    `schedule ${often.toFixed(1)} µs for the next run of ${texts.often}, ${seldom.toFixed(1)} µs of ${texts.seldom}, eight years ahead: ${ratio.toFixed(2)} times (at most ${ratioMax})`,
  );
  return ratio <= ratioMax;
}
