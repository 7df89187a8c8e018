/** What a script's end means for its step, in words: the exception, and where in the runbook's own file it was raised. */
import type { Json } from '../../../json.ts';
import { done, failed, type Done, type Failed } from '../../define-action.ts';
import { withheldText } from '../../scripts/show-output.ts';
import { boto3Hint } from './inputs.ts';
import { payloadBytesMax } from './launch.ts';
import type { Frame, Report } from './report.ts';

export type ScriptOutputs = { readonly Payload: Json };

export interface Ended {
  readonly handler: string | undefined;
  /** The interpreter, for what to install. */
  readonly file: string;
  readonly exitCode: number;
  /** The end of what was printed. */
  readonly said: string;
  /** The script was given a secret: what it raises or exits with may hold it. */
  readonly hidesMessages: boolean;
  /** `patch.yaml:42` for a line of the Script, 1-based. */
  readonly lineOf: (line: number) => string;
}

/** AWS keeps so many bytes of a result. */
const awsPayloadBytes = 100 * 1024;
/** How many places of a traceback a failure shows. */
const placesShown = 4;

export function scriptEnding(report: Report | undefined, ended: Ended): Done<ScriptOutputs> | Failed {
  if (report === undefined) return withoutReport(ended);
  switch (report.kind) {
    case 'returned':
      return done({ Payload: report.payload }, { note: noteOn(report) });
    case 'tooLarge':
      return failed(
        'OUTPUT_TOO_LARGE',
        `the script returned ${report.bytes} bytes of JSON, at most ${payloadBytesMax} are kept (AWS keeps ${awsPayloadBytes}): return less, or write it to S3`,
      );
    case 'unfit':
      return failed(
        'NOT_JSON',
        `the script returned what is not JSON: ${report.path} ${report.why}. Convert it first, for instance with str()`,
      );
    case 'noHandler': {
      const known = report.functions.length === 0 ? 'no function' : report.functions.join(', ');
      return failed('NO_HANDLER', `${report.module} has no function ${ended.handler ?? ''}; it has ${known}`);
    }
    case 'attachment':
      return failed('BAD_ATTACHMENT', `${report.message}; nothing was run`);
    case 'exited':
      return failed(
        'SCRIPT_EXITED',
        `the script called sys.exit(${ended.hidesMessages && typeof report.code !== 'number' ? '…' : report.code}) and returned nothing: return from the handler, or raise an exception`,
      );
    case 'raised':
      return failed('SCRIPT_FAILED', raised(report, ended));
    case 'died':
      return failed(
        'SCRIPT_DIED',
        `the script was ended by signal ${report.signal}${why(report.signal)}${last(ended)}`,
      );
    case 'ended':
      return failed(
        'SCRIPT_EXITED',
        `the script's process ended with exit code ${report.code} before it returned anything${last(ended)}`,
      );
    default:
      return report satisfies never;
  }
}

function withoutReport(ended: Ended): Failed {
  const { exitCode } = ended;
  const how =
    exitCode > 128
      ? `was ended by signal ${exitCode - 128}${why(exitCode - 128)}`
      : `ended with exit code ${exitCode}`;
  return failed('SCRIPT_DIED', `the script's interpreter ${how} and gave no result${last(ended)}`);
}

function why(signal: number): string {
  if (signal === 9) return ' (KILL: somebody ended it, or the machine ran out of memory)';
  return signal === 11 ? ' (SEGV)' : signal === 25 ? ' (XFSZ: it wrote a file larger than it may)' : '';
}

function last({ said }: Ended): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.length === 0 ? '' : `: ${lines.slice(-2).join(' | ')}`;
}

function noteOn({ payload, digits }: Extract<Report, { kind: 'returned' }>): string {
  const bytes = Buffer.byteLength(JSON.stringify(payload));
  return [
    ...(bytes > awsPayloadBytes ? [`${bytes} bytes returned, AWS would keep ${awsPayloadBytes}`] : []),
    ...(digits.length > 0
      ? [`${digits.slice(0, 3).join(', ')} kept as text: too large to be exact as a number`]
      : []),
  ].join('; ');
}

/** `ValueError: vol-1 is gone (patch.yaml:42, in find_volume, from patch.yaml:57, in handler)`. The log has the whole traceback. */
function raised(
  { type, message, frames, missing }: Extract<Report, { kind: 'raised' }>,
  ended: Ended,
): string {
  const reason = message === '' ? type : `${type}: ${ended.hidesMessages ? withheldText : message}`;
  const places = frames.filter(({ isOwn }) => isOwn).toReversed();
  const beyond = frames.at(-1);
  const within = beyond === undefined || beyond.isOwn ? [] : [`within ${moduleName(beyond.file)}`];
  // A function that calls itself is one place.
  const distinct = new Set(places.map((frame) => placeOf(frame, ended)));
  const [inner, ...outer] = [...distinct].slice(0, placesShown);
  const from = outer.map((place) => `from ${place}`);
  const at = inner === undefined ? '' : ` (${[inner, ...within, ...from].join(', ')})`;
  return `${reason}${at}${missing === undefined ? '' : `. ${installHint(missing, ended.file)}`}`;
}

function placeOf({ file, line, name }: Frame, { lineOf }: Ended): string {
  const where = file === 'Script' ? lineOf(line) : `${file}:${line}`;
  return name === '<module>' ? where : `${where}, in ${name}`;
}

/** `/usr/lib/python3/dist-packages/botocore/client.py` → `botocore/client.py`. */
function moduleName(file: string): string {
  return file.split(/(?:site|dist)-packages\/|\/python3\.\d+\//).at(-1) ?? file;
}

function installHint(module: string, file: string): string {
  if (/^(boto3|botocore)\b/.test(module)) return boto3Hint(file);
  return `${file} has no module ${module}. Install the package that brings it, with ${file} -m pip install`;
}
