/** What commander found wrong with a command line, in our words. Pure. */

/** `error: unknown option '--jsno'\n(Did you mean --json?)` → two sentences, and where the help is. */
export function usageLines(message: string, commandPath: string): string[] {
  const [first = '', ...rest] = message
    .replace(/^error: /, '')
    .split('\n')
    .filter((line) => line !== '');
  const said = rest.map((line) => line.replace(/^\((.*)\)$/, '$1'));
  return [
    `${commandPath}: ${first}${first.endsWith('.') ? '' : '.'} Nothing was started.`,
    ...said.map((line) => `  ${line}`),
    `  ${commandPath} -h shows what there is`,
  ];
}
