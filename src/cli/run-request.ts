/** The words behind `belay run` → what is asked of Belay. */
import type { Document } from '../document/index.ts';
import type { StartRequest } from '../runtime/belay.ts';
import { Refusal } from '../runtime/refusal.ts';
import { shellWord } from '../runtime/visible.ts';
import { lockWaitOf } from './lock-wait.ts';
import { flagOf, pairsOf, textOf, textsOf, type RawOptions } from './options.ts';
import { readParameterFile, readSandboxFile } from './parameter-file.ts';
import { printable } from './view/printable.ts';

export interface RunWords {
  readonly request: StartRequest;
  /** Says what came from a file that nobody named. */
  readonly borrowed: readonly string[];
}

/** `document`: undefined where the runbook is not right; the start says why. Throws Refusal. */
export function runWords(file: string, options: RawOptions, document: Document | undefined): RunWords {
  const texts = pairsOf('-p', textsOf(options, 'param'));
  const secrets = pairsOf('--secret', textsOf(options, 'secret'));
  const sandbox = flagOf(options, 'sandbox');
  const failAt = textOf(options, 'failAt');
  if (failAt !== undefined && !sandbox) {
    throw new Refusal(
      'usage',
      'SANDBOX_ONLY',
      '--fail-at makes a step fail on purpose: only with --sandbox',
      {
        hint: `belay run ${shellWord(file)} --sandbox --fail-at ${shellWord(failAt)}`,
      },
    );
  }
  const paramsFile = textOf(options, 'paramsFile');
  const given =
    paramsFile === undefined || document === undefined ? {} : readParameterFile(paramsFile, document);
  const beside = sandbox && document !== undefined ? readSandboxFile(file, document) : undefined;
  const missing = Object.entries(beside?.values ?? {}).filter(
    ([name]) => ![texts, secrets, given].some((known) => Object.hasOwn(known, name)),
  );
  const rollback = textOf(options, 'rollback');
  const id = textOf(options, 'id');
  const children = textOf(options, 'children');
  const alarm = alarmOf(options, sandbox);
  const targets = textsOf(options, 'targets');
  const request: StartRequest = {
    file,
    texts,
    values: { ...Object.fromEntries(missing), ...given },
    secrets,
    sandbox,
    ...(rollback === 'onFailure' || rollback === 'never' || rollback === 'ask' ? { rollback } : {}),
    ...(failAt === undefined ? {} : { failAt }),
    ...(children === 'local' || children === 'ssm' || children === 'auto' ? { children } : {}),
    ...(alarm === undefined ? {} : { alarm }),
    ...(flagOf(options, 'interactive') ? { mode: 'Interactive' as const } : {}),
    ...lockWaitOf(options),
    ...(id === undefined ? {} : { id }),
    ...(targets.length === 0 ? {} : { targets }),
  };
  if (beside === undefined || missing.length === 0) return { request, borrowed: [] };
  const names = missing.map(([name]) => printable(name)).join(', ');
  return { request, borrowed: [`  ${names} from ${printable(beside.file)}`] };
}

/** Throws Refusal. */
function alarmOf(options: RawOptions, isSandbox: boolean): StartRequest['alarm'] {
  const name = textOf(options, 'alarm');
  const ignorePollFailure = flagOf(options, 'ignoreAlarmFailure');
  if (name === undefined && ignorePollFailure)
    throw new Refusal(
      'usage',
      'NO_ALARM',
      '--ignore-alarm-failure is for the alarm of --alarm, and there is none',
    );
  if (name === undefined) return undefined;
  if (isSandbox)
    throw new Refusal('usage', 'NOT_IN_SANDBOX', '--alarm watches an alarm of AWS, and the sandbox has none');
  if (name.trim() === '') throw new Refusal('usage', 'NO_ALARM', '--alarm needs the name of an alarm');
  return { name, ignorePollFailure };
}
