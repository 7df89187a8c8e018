/** Compares the params of a call with the input shape of its operation. Pure; finds every problem, not the first. */
import type { AwsProblem, UnresolvedJson } from '../aws.ts';
import type { Member, ServiceModel, Shape, SimpleShape, StructureShape } from './model-format.ts';
import { memberName } from './member-names.ts';
import { nearest } from './names.ts';
import { dateOf, longOf } from './values.ts';

export interface CheckedCall {
  readonly model: ServiceModel;
  /** As AWS writes it; opens every message. */
  readonly operation: string;
  readonly input: string | undefined;
}

type Path = AwsProblem['path'];

const EMPTY: StructureShape = { type: 'structure', members: {} };
/** More values than this are not listed in a message. */
const LISTED_VALUES_MAX = 12;

export interface CheckOptions {
  /** `open`: a value that the model's enum lacks is no problem. */
  readonly enums: 'open' | 'closed';
}

export function checkParams(
  call: CheckedCall,
  params: UnresolvedJson,
  { enums }: CheckOptions = { enums: 'closed' },
): AwsProblem[] {
  const { model, operation, input } = call;
  const problems: AwsProblem[] = [];

  const report = (code: AwsProblem['code'], path: Path, says: string, suggestion?: string): void => {
    const didYouMean = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
    const where = path.length === 0 ? 'the inputs' : printPath(path);
    problems.push({
      code,
      path,
      message: `${model.service} ${operation}: ${where} ${says}.${didYouMean}`,
      ...(suggestion !== undefined && { suggestion }),
    });
  };

  const checkMember = (member: Member, value: UnresolvedJson, path: Path): void => {
    const shape = model.shapes[member.shape];
    if (shape !== undefined) check(shape, value, path);
  };

  const check = (shape: Shape, value: UnresolvedJson, path: Path): void => {
    if (value === undefined) return;
    if (value === null) {
      report(
        'WRONG_TYPE',
        path,
        'is null, which AWS takes for absent; leave the member out or give it a value',
      );
      return;
    }
    switch (shape.type) {
      case 'structure':
        return checkStructure(shape, value, path);
      case 'list':
        if (!Array.isArray(value)) return report('WRONG_TYPE', path, `must be a list, not ${kindOf(value)}`);
        return value.forEach((item: UnresolvedJson, index) =>
          checkMember(shape.member, item, [...path, index]),
        );
      case 'map':
        if (!isMapping(value)) return report('WRONG_TYPE', path, `must be a map, not ${kindOf(value)}`);
        for (const [key, item] of Object.entries(value)) {
          checkMember(shape.key, key, [...path, key]);
          checkMember(shape.value, item, [...path, key]);
        }
        return undefined;
      default:
        return checkSimple(shape, value, path);
    }
  };

  const checkStructure = (shape: StructureShape, value: UnresolvedJson, path: Path): void => {
    if (shape.document === true) return;
    if (!isMapping(value)) {
      const members = Object.keys(shape.members).slice(0, 3).join(', ');
      return report(
        'WRONG_TYPE',
        path,
        `must be a map with members such as ${members}, not ${kindOf(value)}`,
      );
    }
    const written = new Map<string, string>();
    for (const [name, item] of Object.entries(value)) {
      // As boto3 has it: what is null is left out.
      if (item === null) continue;
      const own = memberName(model, shape, name);
      const member = own === undefined ? undefined : shape.members[own];
      if (own !== undefined && member !== undefined) {
        const other = written.get(own);
        if (other !== undefined)
          report('WRONG_VALUE', [...path, name], `is the same member as ${other}; leave one of them out`);
        written.set(own, name);
        if (member.jsonvalue !== true) checkMember(member, item, [...path, name]);
      } else {
        const owner = path.length === 0 ? 'the operation' : printPath(path);
        const suggestion = nearest(name, Object.keys(shape.members));
        report(
          'UNKNOWN_MEMBER',
          [...path, name],
          `is unknown: ${owner} has no member of that name`,
          suggestion,
        );
      }
    }
    for (const name of shape.required ?? []) {
      // A token that the caller leaves out is filled in when the call is made.
      if (written.has(name) || shape.members[name]?.idempotencyToken === true) continue;
      report('MISSING_MEMBER', [...path, name], 'is required and missing');
    }
    if (shape.union === true && written.size !== 1) {
      const members = Object.keys(shape.members).join(', ');
      report('WRONG_VALUE', path, `must have exactly one of the members ${members}`);
    }
  };

  const checkSimple = (shape: SimpleShape, value: UnresolvedJson, path: Path): void => {
    const type = shape.type;
    const fits = simpleTypes[type];
    if (!fits.accepts(value)) {
      report('WRONG_TYPE', path, `must be ${fits.means}, not ${kindOf(value)}${hintFor(type, value)}`);
      const fitting = fittingOf(type, value);
      const last = problems.at(-1);
      if (fitting !== undefined && last !== undefined) problems[problems.length - 1] = { ...last, fitting };
      return;
    }
    if (type === 'timestamp' && dateOf(value) === undefined) {
      report('WRONG_VALUE', path, 'must be a time as in 2026-11-21T04:00:00Z, or seconds since 1970');
    }
    if (
      enums === 'closed' &&
      shape.enum !== undefined &&
      typeof value === 'string' &&
      !shape.enum.includes(value)
    ) {
      const some = shape.enum.slice(0, LISTED_VALUES_MAX).join(', ');
      const rest = shape.enum.length > LISTED_VALUES_MAX ? `, … (${shape.enum.length} values)` : '';
      const given = shape.sensitive === true ? 'the value' : JSON.stringify(value);
      report('UNKNOWN_VALUE', path, `knows ${some}${rest}, not ${given}`, nearest(value, shape.enum));
    }
  };

  const shape = input === undefined ? EMPTY : (model.shapes[input] ?? EMPTY);
  check(shape, params, []);
  return problems;
}

const isNumber = (value: UnresolvedJson): boolean => typeof value === 'number';

const simpleTypes: Readonly<
  Record<SimpleShape['type'], { readonly means: string; accepts(value: UnresolvedJson): boolean }>
> = {
  string: { means: 'a string', accepts: (value) => typeof value === 'string' },
  boolean: { means: 'true or false', accepts: (value) => typeof value === 'boolean' },
  integer: { means: 'a whole number', accepts: Number.isSafeInteger },
  long: {
    means: 'a whole number (beyond 2^53 in quotes)',
    accepts: (value) => longOf(value) !== undefined,
  },
  float: { means: 'a number', accepts: isNumber },
  double: { means: 'a number', accepts: isNumber },
  timestamp: { means: 'a time', accepts: (value) => typeof value === 'string' || isNumber(value) },
  blob: { means: 'a string', accepts: (value) => typeof value === 'string' },
};

/** `Filters[0].Values` */
export function printPath(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** The kind, never the value: the value may be a secret. */
function kindOf(value: UnresolvedJson): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'number' ? 'a number' : 'a string';
}

/** YAML decides the type by the quotes, so the slip is nearly always one of quoting. */
function hintFor(type: SimpleShape['type'], value: UnresolvedJson): string {
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return '; put it in quotes';
  if (typeof value !== 'string') return '';
  const isNumeric =
    ['integer', 'long', 'float', 'double'].includes(type) &&
    value.trim() !== '' &&
    !Number.isNaN(Number(value));
  return isNumeric || (type === 'boolean' && /^(true|false)$/i.test(value)) ? '; leave the quotes away' : '';
}

/** What was meant by a number in quotes, or by one without them; undefined: it may mean something else. */
function fittingOf(type: SimpleShape['type'], value: UnresolvedJson): string | number | boolean | undefined {
  if (type === 'string')
    return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined;
  if (typeof value !== 'string') return undefined;
  if (type === 'boolean' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  const isWhole = type === 'integer';
  if (!isWhole && type !== 'float' && type !== 'double') return undefined;
  if (!(isWhole ? /^-?\d{1,15}$/ : /^-?\d{1,15}(?:\.\d{1,15})?$/).test(value)) return undefined;
  return Number(value);
}

function isMapping(value: UnresolvedJson): value is { readonly [key: string]: UnresolvedJson } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
