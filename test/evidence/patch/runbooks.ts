/**
 * The runbooks under test: the files that Belay ships, and copies of them in which exactly one thing goes wrong. The copies
 * are made from the shipped text, so that it is the shipped text that is tested.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const shipped = fileURLToPath(new URL('../../../runbooks/patch-postgresql.yaml', import.meta.url));
export const plainDocument = fileURLToPath(
  new URL('../../../runbooks/ssm/patch-postgresql.yaml', import.meta.url),
);

/** The server is expected to have a version that it cannot have. */
export function withWrongVersion(): string {
  return replacedOnce("ServerVersion: '{{ Patch.Version }}'", "ServerVersion: '15.99'");
}

/** A shell command runs on the host right before the data is judged. */
export function withAccident(command: string): string {
  const accident = `  - name: Accident
    action: host:command
    inputs: { Host: '{{ Host }}', Script: ${JSON.stringify(command)} }
    undo: { none: it is the accident that the test is about }

`;
  return replacedOnce('  - name: VerifyData\n', `${accident}  - name: VerifyData\n`);
}

/** The text with steps before the line. */
export function withStep(text: string, before: string, steps: string): string {
  return replacedOnce(before, steps + before, text);
}

function replacedOnce(what: string, by: string, text = readFileSync(shipped, 'utf8')): string {
  const parts = text.split(what);
  if (parts.length !== 2) throw new Error(`${shipped} holds ${parts.length - 1} times: ${what}`);
  return parts.join(by);
}
