/** The `parameters` of a document: types, defaults and limits as written. */
import { baseType, type BaseType } from './argument.ts';
import type { Addition } from './draft.ts';
import { storedDefault } from './stored-default.ts';
import {
  checkKeys,
  entryOf,
  integerOf,
  readBoolean,
  readInteger,
  readList,
  readText,
  readWord,
  requiredEntry,
  wrongType,
  yaml11BooleanOf,
  type MapReader,
} from './read-keys.ts';
import type { Report } from './report.ts';
import {
  isBareScalar,
  quoteHint,
  scalarText,
  toJson,
  type Entry,
  type MapNode,
  type TreeNode,
} from './tree.ts';
import type { Parameter, ParameterType } from './types.ts';
import type { Json } from '../json.ts';

const parameterKeys = [
  'type',
  'description',
  'default',
  'allowedValues',
  'allowedPattern',
  'displayType',
  'minItems',
  'maxItems',
  'minChars',
  'maxChars',
  'minValue',
  'maxValue',
  'secret',
];

const plainTypes = ['String', 'StringList', 'Boolean', 'Integer', 'StringMap', 'MapList'] as const;

/** Variables are defined as parameters are, and never secret; those of a Command document may go into the environment. */
type Noun = 'parameter' | 'variable' | 'command parameter';

/** With what only Command documents say of a parameter. */
type ReadParameter = Parameter & { readonly interpolationType?: 'ENV_VAR' };

export function parseParameters(
  node: MapNode,
  report: Report,
  additions: Addition[],
  noun: Noun = 'parameter',
): Record<string, ReadParameter> {
  const parameters: [string, ReadParameter][] = [];
  for (const entry of node.entries.values()) {
    if (!/^[A-Za-z0-9_]+$/.test(entry.key)) {
      const message = `a ${noun} is named with letters, digits and underscores, not ${JSON.stringify(entry.key)}`;
      report.error('WRONG_VALUE', entry.keySpan, message);
    }
    parameters.push([entry.key, parseParameter(entry, report, additions, noun)]);
  }
  return Object.fromEntries(parameters);
}

function parseParameter(entry: Entry, report: Report, additions: Addition[], noun: Noun): ReadParameter {
  if (entry.value.kind !== 'map') {
    report.error('WRONG_TYPE', entry.keySpan, `${noun} ${entry.key} must be a map with a type`);
    return { type: 'String' };
  }
  const reader: MapReader = { node: entry.value, what: `${noun} ${entry.key}`, report };
  const keys = noun === 'parameter' ? parameterKeys : parameterKeys.filter((key) => key !== 'secret');
  checkKeys(reader, [...keys, 'interpolationType']);
  const isCommand = noun === 'command parameter';
  const interpolation = isCommand ? readWord(reader, 'interpolationType', ['ENV_VAR'] as const) : undefined;
  if (!isCommand) warnOfInterpolation(reader);
  readWord(reader, 'displayType', ['textfield', 'textarea']);
  const type = parseType(reader, entry);
  const description = readText(reader, 'description');
  const allowedValues = readList(reader, 'allowedValues')?.map((node) => toTyped(node, baseType(type)));
  const allowedPattern = readText(reader, 'allowedPattern');
  const fallback = parseDefault(reader, type);
  const secret = readBoolean(reader, 'secret');
  const secretEntry = reader.node.entries.get('secret');
  if (secretEntry !== undefined) additions.push({ name: 'secret', span: secretEntry.keySpan });
  const isValue = fallback !== undefined && storedDefault(fallback) === undefined;
  if (secret === true && isValue && secretEntry !== undefined) {
    report.concealed(
      'SECRET_PARAMETER',
      secretEntry.keySpan,
      `parameter ${entry.key} is secret, so its value cannot be in the document as a default`,
      'Remove the default; the value comes by --secret, or as "{{ ssm:NAME }}" from Parameter Store.',
    );
  }
  return {
    type,
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(allowedValues === undefined ? {} : { allowedValues }),
    ...(allowedPattern === undefined ? {} : { allowedPattern }),
    ...parseLimits(reader),
    ...(secret === undefined ? {} : { secret }),
    ...(interpolation === undefined ? {} : { interpolationType: interpolation }),
  };
}

function parseType(reader: MapReader, entry: Entry): ParameterType {
  if (requiredEntry(reader, 'type', entry.keySpan) === undefined) return 'String';
  const type = readText(reader, 'type');
  const plain = plainTypes.find((name) => name === type);
  if (plain !== undefined || type === undefined) return plain ?? 'String';
  if (isAwsType(type)) return type;
  const at = reader.node.entries.get('type')?.value.span ?? entry.keySpan;
  reader.report.error(
    'PARAMETER_TYPE',
    at,
    `${reader.what} is of type ${type}, which does not exist`,
    type === 'SecureString'
      ? 'Take String and secret: true.'
      : reader.report.suggest(type, [...plainTypes, 'AWS::EC2::Instance::Id', 'AWS::IAM::Role::Arn']),
  );
  return 'String';
}

function isAwsType(type: string): type is `AWS::${string}` {
  return /^(?:AWS::[A-Za-z0-9:]+|List<AWS::[A-Za-z0-9:]+>)$/.test(type);
}

/** A default in the form that documents use: numbers and booleans without quotes, lists and maps also as text. */
function parseDefault(reader: MapReader, type: ParameterType): Json | undefined {
  const entry = entryOf(reader, 'default');
  if (entry === undefined) return undefined;
  const base = baseType(type);
  if (base === 'Boolean') {
    const meant = yaml11BooleanOf(entry.value, reader.report);
    if (meant !== undefined) return meant;
  }
  const value = toTyped(entry.value, base);
  if (isBareScalar(entry.value) && base === 'String')
    reader.report.warn(
      'DEFAULT_VALUE',
      entry.value.span,
      `the default of ${reader.what} is ${scalarText(entry.value)} where text is wanted; it is taken as it is written`,
      quoteHint(entry.value),
    );
  if (typeof value === 'string' && value.includes('{{')) return value;
  const isQuoted =
    typeof value === 'string' && (base === 'Boolean' || base === 'Integer') && value.trim() !== '';
  if (isQuoted) {
    const isMeant = base === 'Boolean' ? /^(true|false)$/.test(value) : integerOf(entry.value) !== undefined;
    const hint = isMeant ? `Remove the quotes: ${value}.` : undefined;
    wrongType(reader, entry, base === 'Boolean' ? 'true or false' : 'a whole number', hint);
    return undefined;
  }
  return value;
}

/** A number or boolean where text is wanted keeps the digits that were written. */
function toTyped(node: TreeNode, base: BaseType): Json {
  if (base === 'String' && isBareScalar(node)) return scalarText(node);
  if (base !== 'StringList') return toJson(node);
  if (node.kind === 'list') return node.items.map((item) => toTyped(item, 'String'));
  return isBareScalar(node) ? scalarText(node) : toJson(node);
}

/** Environment variables are how Command documents pass values to a shell; a runbook has none. */
function warnOfInterpolation({ node, what, report }: MapReader): void {
  const entry = node.entries.get('interpolationType');
  if (entry === undefined) return;
  const message = `interpolationType of ${what} is for Command documents; in a runbook it means nothing`;
  report.warn('NOT_IN_SSM', entry.keySpan, message);
}

function parseLimits(reader: MapReader): Partial<Parameter> {
  const limits: { -readonly [Key in 'minItems' | 'maxItems' | 'minChars' | 'maxChars']?: number } = {};
  for (const key of ['minItems', 'maxItems', 'minChars', 'maxChars'] as const) {
    const value = readInteger(reader, key, 0);
    if (value !== undefined) limits[key] = value;
  }
  const bounds: { minValue?: number; maxValue?: number } = {};
  for (const key of ['minValue', 'maxValue'] as const) {
    const value = readInteger(reader, key, Number.MIN_SAFE_INTEGER);
    const entry = reader.node.entries.get(key);
    if (value === undefined || entry === undefined) continue;
    bounds[key] = value;
    reader.report.warn(
      'NOT_IN_SSM',
      entry.keySpan,
      `SSM has no ${key}; Belay honours it for ${reader.what}, AWS would not`,
    );
  }
  for (const [min, max] of [
    ['minItems', 'maxItems'],
    ['minChars', 'maxChars'],
    ['minValue', 'maxValue'],
  ] as const) {
    const all = { ...limits, ...bounds };
    const entry = reader.node.entries.get(min);
    const [low, high] = [all[min], all[max]];
    if (entry !== undefined && low !== undefined && high !== undefined && low > high) {
      reader.report.error(
        'BAD_RANGE',
        entry.keySpan,
        `${reader.what} has ${min} ${low} above ${max} ${high}`,
      );
    }
  }
  return { ...limits, ...bounds };
}
