/** Places in the write-ahead log, as PostgreSQL writes them: `16/B374D848`, two hexadecimal halves of 32 bits. */

/** Undefined for what is no LSN. https://www.postgresql.org/docs/current/datatype-pg-lsn.html */
export function lsnOf(text: string | null): bigint | undefined {
  const halves = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text ?? '');
  if (halves === null) return undefined;
  return (BigInt(`0x${halves[1]}`) << 32n) + BigInt(`0x${halves[2]}`);
}

/** How many bytes the second is behind the first; 0 where it is not behind, null where one is not an LSN. */
export function bytesBehind(first: string | null, second: string | null): number | null {
  const [ahead, behind] = [lsnOf(first), lsnOf(second)];
  if (ahead === undefined || behind === undefined) return null;
  return ahead > behind ? Number(ahead - behind) : 0;
}
