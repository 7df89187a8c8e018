/** Where secret values come from: `--secret name=env:VAR|file:PATH|ssm:/path|secretsmanager:ID|-`. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isJsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import { secretLengthMin } from './redactor.ts';

const sources = ['env', 'file', 'ssm', 'secretsmanager'] as const;
type Source = (typeof sources)[number];

export interface SecretSources {
  readonly env: NodeJS.ProcessEnv;
  /** The whole of standard input, for `-`. */
  readonly stdin: () => Promise<string>;
  readonly aws: () => Promise<Aws>;
}

/** Undefined when the text is no reference. */
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
  if (reading.value.length < secretLengthMin) {
    return {
      trouble: `${reference} gives fewer than ${secretLengthMin} characters: such a value cannot be kept out of logs`,
    };
  }
  return reading;
}

async function read(reference: string, from: SecretSources): Promise<SecretReading> {
  if (reference === '-') return { value: asMeant(await from.stdin()) };
  const colon = reference.indexOf(':');
  const name = reference.slice(colon + 1);
  switch (reference.slice(0, colon) as Source) {
    case 'env': {
      const value = from.env[name];
      return value === undefined || value === ''
        ? { trouble: `the environment variable ${name} is not set` }
        : { value };
    }
    case 'file':
      try {
        return { value: asMeant(await readFile(name, 'utf8')) };
      } catch (error) {
        return {
          trouble: `the file ${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
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
        trouble: `${reference} is no reference to a secret: use env:VAR, file:PATH, ssm:/path, secretsmanager:ID or -`,
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

/** A line is meant without its end; a text of several lines, such as a private key, is meant as it is. */
function asMeant(text: string): string {
  const line = text.replace(/\r?\n$/, '');
  return line.includes('\n') ? text : line;
}
