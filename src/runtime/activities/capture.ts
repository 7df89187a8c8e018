/** `capture:`: named reads before the step acts, on its targets or from AWS. */
import { ActionFailure, type ActionContext, type AnyAction } from '../../actions/define-action.ts';
import { selectValues, type Capture } from '../../document/index.ts';
import type { Json, JsonObject } from '../../json.ts';

/** How long one reading command may take, in ms. */
const captureTimeoutMs = 60_000;

/** Values by name: text for one target, a map by target for several. */
export async function readCaptures(
  captures: Readonly<Record<string, Capture>>,
  action: AnyAction,
  inputs: JsonObject,
  context: ActionContext,
): Promise<JsonObject> {
  const values = new Map<string, Json>();
  for (const [name, capture] of Object.entries(captures)) {
    values.set(
      name,
      capture.kind === 'command'
        ? await readCommand(name, capture.command, action, inputs, context)
        : await readApi(name, capture.inputs, capture.selector, context),
    );
  }
  return Object.fromEntries(values);
}

async function readCommand(
  name: string,
  command: string,
  action: AnyAction,
  inputs: JsonObject,
  context: ActionContext,
): Promise<Json> {
  if (command.includes('\0'))
    throw new ActionFailure({
      code: 'CAPTURE_FAILED',
      message: `the capture ${name} holds a NUL character, which no command takes; nothing was done`,
    });
  const answers = new Map<string, string>();
  const targets = action.targets(inputs);
  for (const target of targets) {
    const answer = await context
      .host(target)
      .read({ text: command }, { signal: context.signal, timeoutMs: captureTimeoutMs });
    if (answer.exitCode !== 0) {
      const detail = answer.stderr.trim().split('\n').at(-1) ?? '';
      throw new ActionFailure({
        code: 'CAPTURE_FAILED',
        message: `the capture ${name} exited ${answer.exitCode} on ${target}${detail === '' ? '' : `: ${detail}`}`,
      });
    }
    // An undo is to put back what it was, byte for byte.
    if (answer.isGarbled === true || answer.stdout.includes('\0'))
      throw new ActionFailure({
        code: 'CAPTURE_FAILED',
        message: `the capture ${name} printed bytes on ${target} that are no text (UTF-8), so that nothing could put them back as they are; nothing was done. Have it print base64, and let the undo decode that`,
      });
    answers.set(target, answer.stdout.trimEnd());
  }
  const [only] = targets;
  return targets.length === 1 && only !== undefined
    ? (answers.get(only) ?? null)
    : Object.fromEntries(answers);
}

async function readApi(
  name: string,
  inputs: JsonObject,
  selector: string,
  context: ActionContext,
): Promise<Json> {
  const { Service: service, Api: operation, ...params } = inputs;
  const response = await context.aws.call({
    service: textOf(service),
    operation: textOf(operation),
    params,
    signal: context.signal,
  });
  const selected = selectValues(selector, response);
  if (selected.kind === 'mismatch')
    throw new ActionFailure({ code: 'CAPTURE_FAILED', message: `the capture ${name}: ${selected.message}` });
  return selected.isDefinite ? (selected.values[0] ?? null) : selected.values;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
