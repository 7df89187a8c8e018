/** How an object's folder on a drive is called by those who put it there. */
const nullVersion = /^0*$/;

/** `bucket/key`, with the version where it has one. `folder`: a character is a byte. `version`: hexadecimal, or a UUID. */
export function shownObject(folder: string, version: string): string {
  const name = Buffer.from(folder, 'latin1')
    .toString('utf8')
    .replace(/__XLDIR__$/, '/');
  const digits = version.replaceAll('-', '');
  const uuid = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return nullVersion.test(digits) || version === 'null' ? shown(name) : `${shown(name)} version ${uuid}`;
}

/** A control character would move the cursor of whoever reads it. */
const shown = (name: string): string =>
  name.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
