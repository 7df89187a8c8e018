/** Command documents become the script an agent runs: AWS-RunShellScript, and a team's own with one aws:runShellScript step. */
import { isJsonObject, type Json, type JsonObject } from '../../../../src/json.ts';
import { objectParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell } from '../cell.ts';
import { ApiError } from '../reply.ts';
import type { ScriptState } from '../state.ts';

/** The script of the call's document. Throws InvalidDocument or InvalidParameters, as SendCommand does. */
export async function scriptOf(call: ApiCall, cell: Cell): Promise<ScriptState> {
  const name = textParam(call.params, 'DocumentName') ?? '';
  const given = objectParam(call.params, 'Parameters');
  if (name === 'AWS-RunShellScript') {
    const values = withDefaults(given, {
      commands: undefined,
      workingDirectory: '',
      executionTimeout: '3600',
    });
    return script(values['commands'] ?? [], values['workingDirectory'], values['executionTimeout']);
  }
  return ownDocument(await content(name, call, cell), given, name);
}

async function content(name: string, call: ApiCall, cell: Cell): Promise<JsonObject> {
  try {
    const answer = await cell.moto.ssm(call.caller, 'GetDocument', { Name: name, DocumentFormat: 'JSON' });
    if (answer['DocumentType'] === 'Command')
      return JSON.parse(textParam(answer, 'Content') ?? '{}') as JsonObject;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  throw new ApiError('InvalidDocument', `Document with name ${name} does not exist.`);
}

function ownDocument(document: JsonObject, given: JsonObject, name: string): ScriptState {
  const steps = document['mainSteps'];
  const step = Array.isArray(steps) && steps.length === 1 ? steps[0] : undefined;
  if (!isJsonObject(step) || step['action'] !== 'aws:runShellScript')
    throw new ApiError(
      'InvalidDocument',
      `the lab runs documents of one aws:runShellScript step; ${name} has others`,
    );
  const declared = Object.entries(objectParam(document, 'parameters')).map(
    ([parameter, definition]): [string, Json | undefined] => [
      parameter,
      isJsonObject(definition) ? definition['default'] : undefined,
    ],
  );
  const values = withDefaults(given, Object.fromEntries(declared));
  const inputs = objectParam(step, 'inputs');
  const lines = Array.isArray(inputs['runCommand'])
    ? inputs['runCommand'].map(asText)
    : substituted(inputs['runCommand'], values);
  return script(
    lines.flatMap((line) => substituted(line, values)),
    substituted(inputs['workingDirectory'], values),
    substituted(inputs['timeoutSeconds'], values),
  );
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

type Values = Readonly<Record<string, readonly string[]>>;

/** Every parameter as a list of texts. Throws InvalidParameters for unknown, missing and misshapen ones. */
function withDefaults(given: JsonObject, declared: Readonly<Record<string, Json | undefined>>): Values {
  for (const [name, value] of Object.entries(given)) {
    if (!(name in declared))
      throw new ApiError('InvalidParameters', `Parameter ${name} is not defined in the document.`);
    if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
      throw new ApiError('SerializationException', `Parameters.${name} is not a list of strings`);
  }
  const values = Object.entries(declared).map(([name, byDefault]): [string, string[]] => {
    const value = given[name] ?? byDefault;
    if (value === undefined) throw new ApiError('InvalidParameters', `Parameter ${name} is required.`);
    return [name, Array.isArray(value) ? value.map(asText) : [asText(value)]];
  });
  return Object.fromEntries(values);
}

/** A reference that is the whole text becomes the parameter's lines; one inside a text becomes its words. */
function substituted(text: Json | undefined, values: Values): string[] {
  if (typeof text !== 'string') return text === undefined ? [] : [asText(text)];
  const whole = /^\{\{\s*(\w+)\s*\}\}$/.exec(text);
  if (whole !== null && values[whole[1] ?? ''] !== undefined) return [...(values[whole[1] ?? ''] ?? [])];
  return [
    text.replaceAll(
      /\{\{\s*(\w+)\s*\}\}/g,
      (reference, name: string) => values[name]?.join(' ') ?? reference,
    ),
  ];
}

function script(
  lines: readonly string[],
  directory: readonly string[] = [],
  timeout: readonly string[] = [],
): ScriptState {
  const seconds = Math.trunc(Number(timeout[0] ?? 3600));
  // The agent takes anything outside its range for an hour (amazon-ssm-agent, pluginutil.ValidateExecutionTimeout).
  const executionTimeoutSeconds = seconds >= 5 && seconds <= 172_800 ? seconds : 3600;
  return { lines, workingDirectory: directory[0] ?? '', executionTimeoutSeconds };
}
