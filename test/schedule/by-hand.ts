/**
 * A second reading of cron expressions that shares nothing with src/schedule: it asks of each minute whether the text means it,
 * one list element at a time, and walks a zone's clock minute by minute.
 */

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const valueOf = (text: string, names: readonly string[]): number =>
  names.includes(text) ? names.indexOf(text) + 1 : Number(text);

/** Whether one element of a list means the value. */
function isMeant(
  element: string,
  value: number,
  min: number,
  max: number,
  names: readonly string[],
): boolean {
  const [range = '', step = ''] = element.split('/');
  const [first = '', last = ''] = range.split('-');
  const from = first === '*' ? min : valueOf(first, names);
  const to = last !== '' ? valueOf(last, names) : first === '*' || step !== '' ? max : from;
  const every = step === '' ? 1 : Number(step);
  for (
    let candidate = from, distance = 0;
    ;
    candidate = candidate === max ? min : candidate + 1, distance += 1
  ) {
    if (candidate === value && distance % every === 0) return true;
    if (candidate === to || distance > max - min) return false;
  }
}

const inList = (
  list: string,
  value: number,
  min: number,
  max: number,
  names: readonly string[] = [],
): boolean => list.split(',').some((element) => isMeant(element, value, min, max, names));

/** The day of the week by the calendar of the platform, 1 for Sunday. */
const weekday = (year: number, month: number, day: number): number =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;
const lastDay = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

function isDayOfMonth(list: string, year: number, month: number, day: number): boolean {
  const last = lastDay(year, month);
  const isWorkday = (each: number): boolean =>
    weekday(year, month, each) >= 2 && weekday(year, month, each) <= 6;
  return list.split(',').some((element) => {
    if (element === 'L') return day === last;
    if (element === 'LW') {
      for (let each = last; ; each -= 1) if (isWorkday(each)) return day === each;
    }
    if (element.endsWith('W')) {
      const wanted = Number(element.slice(0, -1));
      if (wanted > last) return false;
      // The nearest of all workdays of the month; no two are equally near.
      let nearest = 0;
      for (let each = 1; each <= last; each += 1) {
        if (isWorkday(each) && (nearest === 0 || Math.abs(each - wanted) < Math.abs(nearest - wanted)))
          nearest = each;
      }
      return day === nearest;
    }
    return isMeant(element, day, 1, 31, []);
  });
}

function isDayOfWeek(list: string, year: number, month: number, day: number): boolean {
  const own = weekday(year, month, day);
  return list.split(',').some((element) => {
    if (element === 'L') return own === 7;
    if (element.endsWith('L'))
      return own === valueOf(element.slice(0, -1), weekdays) && day + 7 > lastDay(year, month);
    const [name = '', nth] = element.split('#');
    if (nth !== undefined) return own === valueOf(name, weekdays) && Math.ceil(day / 7) === Number(nth);
    return isMeant(element, own, 1, 7, weekdays);
  });
}

/** Of six fields; `wall` in minutes since 1970 as a clock in UTC would show them. */
export function isMeantMinute(fields: readonly string[], wall: number): boolean {
  const [minutes = '', hours = '', dom = '', month = '', dow = '', years = ''] = fields;
  const date = new Date(wall * 60_000);
  const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  return (
    inList(minutes, date.getUTCMinutes(), 0, 59) &&
    inList(hours, date.getUTCHours(), 0, 23) &&
    inList(month, m, 1, 12, months) &&
    inList(years, y, 1970, 2199) &&
    (dow === '?' ? isDayOfMonth(dom, y, m, d) : isDayOfWeek(dow, y, m, d))
  );
}

/** What a zone's clocks show, in minutes, by the platform's formatter. */
export function clockOf(zone: string): (instantMinute: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  const known = new Map<number, number>();
  const offsetAt = (minute: number): number => {
    let offset = known.get(minute);
    if (offset === undefined) {
      const shown = format.format(minute * 60_000);
      offset = Date.parse(`${shown.replace(' ', 'T')}:00Z`) / 60_000 - minute;
      known.set(minute, offset);
    }
    return offset;
  };
  // Asked of each minute only in a quarter of an hour in which clocks are set: St. John's set them at one past midnight.
  return (minute) => {
    const quarter = minute - (((minute % 15) + 15) % 15);
    const offset = offsetAt(quarter);
    return minute + (offsetAt(quarter + 15) === offset ? offset : offsetAt(minute));
  };
}

/** Every due minute in (from, until], in minutes since 1970. */
export function dueByHand(
  fields: readonly string[],
  clock: (minute: number) => number,
  from: number,
  until: number,
): number[] {
  const due: number[] = [];
  // Twenty-six hours before, so that what is shown for the second time is known to be.
  let latestShown = clock(from - 26 * 60);
  for (let minute = from - 26 * 60 + 1; minute <= until; minute += 1) {
    const shown = clock(minute);
    if (shown <= latestShown) continue;
    let isDue = false;
    for (let wall = latestShown + 1; wall <= shown && !isDue; wall += 1) isDue = isMeantMinute(fields, wall);
    latestShown = shown;
    if (isDue && minute > from) due.push(minute);
  }
  return due;
}
