/** Where secret values come from: `--secret name=env:VAR|file:PATH|ssm:/path|secretsmanager:ID|-`. */
import { resolve } from 'node:path';
import { isJsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import { readBytes } from '../read-text.ts';
import { Refusal } from '../refusal.ts';
import { decodeUtf8, isAsGiven } from '../utf8.ts';
import { secretLengthMin } from './redactor.ts';

const sources = ['env', 'file', 'ssm', 'secretsmanager'] as const;
type Source = (typeof sources)[number];

export interface SecretSources {
  readonly env: NodeJS.ProcessEnv;
  /** The whole of standard input, for `-`; text where a person typed it. */
  readonly stdin: () => Promise<string | Uint8Array>;
  readonly aws: () => Promise<Aws>;
}

/** Undefined when the text is not a reference. */
export function isSecretReference(text: string): boolean {
  return (
    text === '-' || sources.some((source) => text.startsWith(`${source}:`) && text.length > source.length + 1)
  );
}

/** The same reference for whoever resumes in another folder. */
export function anchored(reference: string, cwd: string): string {
  return reference.startsWith('file:') ? `file:${resolve(cwd, reference.slice('file:'.length))}` : reference;
}

export type SecretReading = { readonly value: string } | { readonly trouble: string };

/** Reads one value. What went wrong is a sentence that names the reference and never the value. */
export async function readSecret(reference: string, from: SecretSources): Promise<SecretReading> {
  const reading = await read(reference, from);
  if ('trouble' in reading) return reading;
  if (reading.value.includes('\u0000')) return { trouble: `${reference} holds a NUL byte` };
  if (!reading.value.isWellFormed())
    return { trouble: `${reference} holds half a character (a lone surrogate)` };
  if (reading.value.length < secretLengthMin) {
    return {
      trouble: `${reference} gives fewer than ${secretLengthMin} characters: such a value cannot be kept out of logs`,
    };
  }
  return reading;
}

async function read(reference: string, from: SecretSources): Promise<SecretReading> {
  if (reference === '-') return decoded(await from.stdin(), 'standard input');
  const colon = reference.indexOf(':');
  const name = reference.slice(colon + 1);
  switch (reference.slice(0, colon) as Source) {
    case 'env': {
      const value = from.env[name];
      if (value === undefined || value === '')
        return { trouble: `the environment variable ${name} is not set` };
      return isAsGiven(`${name}=${value}`, '/proc/self/environ')
        ? { value }
        : { trouble: `the environment variable ${name} is not UTF-8` };
    }
    case 'file':
      try {
        return decoded(readBytes(name, from), `the file ${name}`);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return {
          trouble: error.hint === undefined ? error.message : `${error.message}: ${error.hint}`,
        };
      }
    case 'ssm':
      return fromAws(from, reference, 'ssm', 'GetParameter', { Name: name, WithDecryption: true }, [
        'Parameter',
        'Value',
      ]);
    case 'secretsmanager':
      return fromAws(from, reference, 'secretsmanager', 'GetSecretValue', { SecretId: name }, [
        'SecretString',
      ]);
    default:
      return {
        trouble: `${reference} is not a reference to a secret: use env:VAR, file:PATH, ssm:/path, secretsmanager:ID or -`,
      };
  }
}

async function fromAws(
  from: SecretSources,
  reference: string,
  service: string,
  operation: string,
  params: Readonly<Record<string, string | boolean>>,
  path: readonly string[],
): Promise<SecretReading> {
  try {
    const aws = await from.aws();
    const reply = await aws.call({ service, operation, params }, { reveal: true });
    const value = path.reduce<unknown>(
      (part, key) => (isJsonObject(part as never) ? (part as Record<string, unknown>)[key] : undefined),
      reply,
    );
    return typeof value === 'string' ? { value } : { trouble: `${reference} has no text value` };
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return { trouble: `${reference} cannot be read: ${error.message} (${error.code})` };
  }
}

/** The place, and no byte of it. */
function decoded(given: string | Uint8Array, what: string): SecretReading {
  if (typeof given === 'string') return { value: asMeant(given) };
  const text = decodeUtf8(given);
  if (text.kind === 'text') return { value: asMeant(text.text) };
  const { line, column, looksLike } = text.trouble;
  return {
    trouble: `${what} is not UTF-8 at line ${line}, column ${column} (it looks like ${looksLike}): its bytes would not arrive as they are`,
  };
}

/** A line is meant without its end; a text of several lines, such as a private key, is meant as it is. */
function asMeant(text: string): string {
  const line = text.replace(/\r?\n$/, '');
  return line.includes('\n') ? text : line;
}
