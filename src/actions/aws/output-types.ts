/**
 * Declared outputs of a call by name, beside what the service's model says of its reply: a type that no conversion comes to is
 * found before the call, and not when it has done its work. Only of paths of names and places; another may find anything.
 */
import type { OutputProblem } from '../../document/catalog.ts';
import { definitePath } from '../../document/index.ts';
import type { DeclaredOutput } from '../../document/types.ts';
import type { JsonObject } from '../../json.ts';
import type { AwsModels, ReplyPart } from '../../transports/aws.ts';
import { isRead } from './api-call.ts';

export function checkOutputTypes(
  { Service, Api, ...inputs }: JsonObject,
  outputs: readonly DeclaredOutput[],
  tools: { isExpression(value: unknown): boolean; models: AwsModels },
): readonly OutputProblem[] {
  if (typeof Service !== 'string' || typeof Api !== 'string') return [];
  if (tools.isExpression(Service) || tools.isExpression(Api)) return [];
  // A call that only reads may be made and fail: nothing is left.
  const isWarning = isRead({ ...inputs, Service, Api });
  return outputs.flatMap((output): OutputProblem[] => {
    const path = definitePath(output.Selector);
    const part = path === undefined ? undefined : tools.models.reply?.(Service, Api, path);
    if (part === undefined) return [];
    const reply = `the reply of ${Service} ${Api}`;
    if (part.kind === 'absent') {
      const name = typeof part.step === 'number' ? `place ${part.step}` : part.step;
      const where = part.below.length === 0 ? reply : `${pathText(part.below)} of ${reply}`;
      const message = `output ${output.Name} selects ${name}, and ${where} has no such part: it will be absent`;
      const hint = part.suggestion === undefined ? {} : { hint: `Did you mean ${part.suggestion}?` };
      return [
        { code: 'NEVER_FOUND', output: output.Name, key: 'Selector', message, isWarning: true, ...hint },
      ];
    }
    if (canBecome(part, output.Type)) return [];
    const found = part.kind === 'list' ? `a list of ${plural[part.of]}` : singular[part.kind];
    const at = path === undefined || path.length === 0 ? reply : `${pathText(path)} of ${reply}`;
    const message = `output ${output.Name} is declared as ${output.Type}, but ${at} is ${found}, which never becomes one`;
    return [{ code: 'NEVER_FITS', output: output.Name, key: 'Type', message, isWarning }];
  });
}

const singular: Readonly<Record<Exclude<ReplyPart['kind'], 'absent' | 'list'>, string>> = {
  text: 'text',
  time: 'a time',
  whole: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  map: 'a map',
};
const plural: Readonly<Record<Exclude<ReplyPart['kind'], 'absent'>, string>> = {
  text: 'texts',
  time: 'times',
  whole: 'whole numbers',
  number: 'numbers',
  boolean: 'booleans',
  map: 'maps',
  list: 'lists',
};

/** Whether any value of the kind becomes the type, by document/conversion.ts. */
function canBecome(part: Exclude<ReplyPart, { kind: 'absent' }>, type: DeclaredOutput['Type']): boolean {
  const isScalar = part.kind !== 'map' && part.kind !== 'list';
  switch (type) {
    case 'String':
      return true;
    case 'StringList':
      return isScalar || part.kind === 'list';
    case 'Integer':
    case 'Boolean':
      return scalarCanBecome(part.kind === 'list' ? part.of : part.kind, type);
    case 'StringMap':
      return part.kind === 'map';
    case 'MapList':
      return part.kind === 'list';
    default:
      return type satisfies never;
  }
}

function scalarCanBecome(kind: Exclude<ReplyPart['kind'], 'absent'>, type: 'Integer' | 'Boolean'): boolean {
  if (kind === 'text') return true;
  return type === 'Integer' ? kind === 'whole' || kind === 'number' : kind === 'boolean';
}

const pathText = (path: readonly (string | number)[]): string =>
  path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
