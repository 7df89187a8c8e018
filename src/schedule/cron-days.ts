/** The two day fields of a cron expression, with `L`, `W` and `#`. */
import { numberOf, parseNumbers, weekdayNames, type Field } from './cron-numbers.ts';
import { cut, reject, type MonthDay, type Piece, type WeekDay } from './rule.ts';

const dayOfMonth: Field = { name: 'day-of-month', min: 1, max: 31 };
const dayOfWeek: Field = { name: 'day-of-week', min: 1, max: 7, names: weekdayNames };
const saturday = 7;

export function parseMonthDays(piece: Piece): readonly MonthDay[] {
  return cut(piece, ',').flatMap((part): readonly MonthDay[] => {
    const text = part.text.toUpperCase();
    if (text === 'L') return [{ kind: 'last' }];
    if (text === 'LW' || text === 'WL') return [{ kind: 'lastWeekday' }];
    if (text.startsWith('L-'))
      reject(
        part,
        'AWS has no L-n: days are counted from the first',
        'L is the last day, LW the last weekday',
      );
    const nearest = /^(\d+)W$/.exec(text);
    if (nearest !== null) {
      const day = numberOf({ text: nearest[1] ?? '', start: part.start }, dayOfMonth);
      return [{ kind: 'nearestWeekday', day }];
    }
    return parseNumbers(part, dayOfMonth).map((day) => ({ kind: 'day', day }));
  });
}

export function parseWeekDays(piece: Piece): readonly WeekDay[] {
  return cut(piece, ',').flatMap((part): readonly WeekDay[] => {
    const text = part.text.toUpperCase();
    // Quartz: L by itself is the last day of the week.
    if (text === 'L') return [{ kind: 'every', weekday: saturday }];
    const last = /^([^#]+)L$/.exec(text);
    if (last !== null)
      return [{ kind: 'last', weekday: numberOf({ text: last[1] ?? '', start: part.start }, dayOfWeek) }];
    const [day = part, nth, ...rest] = cut(part, '#');
    if (nth === undefined)
      return parseNumbers(part, dayOfWeek).map((weekday) => ({ kind: 'every', weekday }));
    if (rest.length > 0 || !/^[1-5]$/.test(nth.text)) {
      reject(nth, `write 1 to 5 behind #, not "${nth.text}"`, 'TUE#3 is the third Tuesday of the month');
    }
    return [{ kind: 'nth', weekday: numberOf(day, dayOfWeek), nth: Number(nth.text) }];
  });
}
