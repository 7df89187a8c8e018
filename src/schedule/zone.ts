/** Wall-clock times of a zone and the instants that they name, from the IANA data that Node carries. */

/** No zone's clock was ever set by more than a day: Samoa left one out, the Philippines had one twice. */
const shiftSecondsMax = 26 * 3600;

export interface Zone {
  /** As the IANA database spells it. */
  readonly name: string;
  /** What the clocks of the zone show at an instant. Both in seconds since 1970. */
  wallAt(instant: number): number;
  /**
   * When the clocks show `wall` for the first time. Where they never show it, because they were set forward over it: the
   * moment at which they were.
   */
  instantOf(wall: number): number;
}

const zones = new Map<string, Zone>();

/** Undefined when the IANA database has no such zone. Offsets such as +02:00 are no zones. */
export function findZone(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  const zone = makeZone(format);
  zones.set(name, zone);
  return zone;
}

function makeZone(format: Intl.DateTimeFormat): Zone {
  const wallAt = (instant: number): number => {
    // 7/4/2026, 02:05:09
    const [month, day, year, hour, minute, second] = (format.format(instant * 1000).match(/\d+/g) ?? []).map(
      Number,
    );
    return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second) / 1000;
  };
  const offsetAt = (instant: number): number => wallAt(instant) - instant;
  return {
    name: format.resolvedOptions().timeZone,
    wallAt,
    instantOf(wall) {
      const before = wall - offsetAt(wall - shiftSecondsMax);
      const after = wall - offsetAt(wall + shiftSecondsMax);
      const early = Math.min(before, after);
      const late = Math.max(before, after);
      if (wallAt(early) === wall) return early;
      if (wallAt(late) === wall) return late;
      return firstInstantFrom(wallAt, wall, early, late);
    },
  };
}

/** The clocks jump over `wall` somewhere in between: the first second at which they show a later time. */
function firstInstantFrom(
  wallAt: (instant: number) => number,
  wall: number,
  early: number,
  late: number,
): number {
  let no = early;
  let yes = late;
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2);
    if (wallAt(middle) >= wall) yes = middle;
    else no = middle;
  }
  return yes;
}
