/** What a command step says of its targets: the Output of one, and the sentence about those that failed. */
import { lastLines } from '../../scripts/fields.ts';

/** How one target ended. */
export interface Invocation {
  /** The host's or instance's name, as people know it. */
  readonly target: string;
  /** `Success`, or SSM's word for what else: Failed, ExecutionTimedOut, DeliveryTimedOut, Cancelled, Undeliverable … */
  readonly status: string;
  /** Null: it never ran, or has several steps with a code each. */
  readonly exitCode: number | null;
  /** Standard output and error as `commandOutput` puts them together; null where the document has several steps. */
  readonly output: string | null;
  /** The end of what it said, or why it could not run. */
  readonly said: string;
}

/** Automation shows no more than this of a command's output. */
const outputCharactersMax = 2_500;

const errorTitle = '\n----------ERROR-------\n';
const outputCut = '\n---Output truncated---';
const errorCut = '\n---Error truncated----';

/**
 * Standard output, then standard error under a title, cut as the SSM agent cuts them: when both together are too long,
 * each has half of the room, and one that needs less leaves the rest to the other.
 */
export function commandOutput(stdout: string, stderr: string, charactersMax = outputCharactersMax): string {
  const title = stderr === '' ? '' : errorTitle;
  const room = charactersMax - title.length;
  if (stdout.length + stderr.length <= room) return stdout + title + stderr;
  const half = Math.floor(room / 2);
  if (stdout.length <= half) return stdout + title + cut(stderr, room - stdout.length, errorCut);
  if (stderr.length <= half) return cut(stdout, room - stderr.length, outputCut) + title + stderr;
  return cut(stdout, half, outputCut) + title + cut(stderr, half, errorCut);
}

function cut(text: string, charactersMax: number, mark: string): string {
  return text.slice(0, Math.max(0, charactersMax - mark.length)) + mark;
}

/** How many failed targets are named before the rest is only counted. */
const namedMax = 5;

/** `AWS-RunShellScript failed on 2 of 5 targets: db1: exit code 3: no space left; db2: DeliveryTimedOut: …` */
export function failureSentence(documentName: string, invocations: readonly Invocation[]): string {
  const failed = invocations.filter(({ status }) => status !== 'Success');
  const named = failed.slice(0, namedMax).map(describeInvocation).join('; ');
  const more = failed.length > namedMax ? `; and ${failed.length - namedMax} more` : '';
  if (invocations.length === 1) return `${documentName} failed on ${named}`;
  return `${documentName} failed on ${failed.length} of ${invocations.length} targets: ${named}${more}`;
}

function describeInvocation({ target, status, exitCode, said }: Invocation): string {
  const how = status === 'Failed' && exitCode !== null ? `exit code ${exitCode}` : status;
  const code = how === status && exitCode !== null && exitCode > 0 ? ` (exit code ${exitCode})` : '';
  return `${target}: ${how}${code}: ${lastLines(said) || 'it said nothing'}`;
}
