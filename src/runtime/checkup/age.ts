/** How long something has been there, in words: `41 days`, `3 h`, `less than an hour`. */
const hourMs = 3_600_000;

export function ageText(ms: number): string {
  const hours = Math.floor(ms / hourMs);
  if (hours < 1) return 'less than an hour';
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
