/** Writes values into POSIX sh text so that the shell reads back exactly these bytes. */

const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `it's` → `'it'\''s'`. A NUL cannot be carried by any argument or variable and is refused. */
export function shellQuote(value: string): string {
  if (value.includes('\0'))
    throw new TypeError('an argument or variable of a host script holds a NUL character');
  return `'${value.replaceAll("'", "'\\''")}'`;
}

export function shellWords(words: readonly string[]): string {
  return words.map(shellQuote).join(' ');
}

/** `export A='1'` for each variable, in the order given. */
export function shellExports(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).map(([name, value]) => {
    if (!environmentName.test(name)) {
      throw new TypeError(`"${name}" cannot be the name of an environment variable of a host script`);
    }
    return `export ${name}=${shellQuote(value)}`;
  });
}
