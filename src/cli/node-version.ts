/** Whether this Node can read what comes next: an older one ends in a syntax error that tells nobody anything. */

/** As in package.json, under engines. */
export const nodeMin = { major: 24, minor: 15 };

/** What to say where it is too old. `running`: as process.versions.node has it. */
export function nodeTooOld(running: string, file: string): string | undefined {
  const [major = 0, minor = 0] = running.split('.').map(Number);
  if (major > nodeMin.major || (major === nodeMin.major && minor >= nodeMin.minor)) return undefined;
  return `Belay needs Node ${nodeMin.major}.${nodeMin.minor} or newer, and ${file} is ${running}. Nothing was started.`;
}
