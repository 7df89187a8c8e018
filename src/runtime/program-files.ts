/** The files of a runbook beside its text: attachments, found and verified; and where in the text the programs of steps stand. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ActionFailure } from '../actions/index.ts';
import type { Aws } from '../transports/aws.ts';
import { own } from '../json.ts';
import {
  isCommandDocument,
  type Document,
  type ProgramPlace,
  type SourceText,
  type Step,
} from '../document/index.ts';

/** Bytes of one attachment. */
const attachmentBytesMax = 32 * 1024 * 1024;

/** Bytes of one Command document; AWS allows 64 KiB. */
const commandBytesMax = 1024 * 1024;

export interface ProgramFiles {
  /**
   * Throws ActionFailure NO_ATTACHMENT and BAD_ATTACHMENT, and AwsFailure. Without `aws` what lies in S3 is not read: empty.
   */
  attachment(name: string, aws: Aws | undefined): Promise<Uint8Array>;
  /** See ActionContext: `NAME.yaml`, `.yml` or `.json` beside the document or in `commands/` there, or a path from there. */
  commandDocument(name: string): Promise<SourceText | undefined>;
  /** See ActionContext. */
  lineOf(program: string, line: number): string | undefined;
  /** Whether the runbook reads that output of the step, so that its author wants it kept. `step`: its path. */
  isRead(step: string, output: string): boolean;
  /** Whether a step takes it as a value: what is only shown at the end does not count. */
  isUsed(step: string, output: string): boolean;
}

/** By the name of the step, from its own undo, and by a selector of its outputs. */
function isNamed(text: string, step: string, output: string): boolean {
  const name = (step.split('/').at(-1) ?? '').replace(/@.*$/s, '');
  return [`${name}.${output}`, `outputs.${output}`, `$.${output}`].some((word) => text.includes(word));
}

/** `file`: of the document; attachments lie in its folder, or in `attachments/` there. */
export function programFiles(document: Document, file: string): ProgramFiles {
  const places = new Map<string, ProgramPlace>();
  let [text, stepsText]: (string | undefined)[] = [];
  for (const step of everyStep(document.mainSteps)) {
    for (const [input, place] of Object.entries(step.programs ?? {})) {
      const text = step.inputs[input];
      if (typeof text === 'string' && !places.has(text)) places.set(text, place);
    }
  }
  return {
    isRead: (step, output) => isNamed((text ??= JSON.stringify(document)), step, output),
    isUsed: (step, output) =>
      isNamed((stepsText ??= JSON.stringify({ ...document, outputs: [] })), step, output),
    attachment: async (name, aws) => {
      const declared = own(document.files ?? {}, name);
      if (declared === undefined) {
        const known = Object.keys(document.files ?? {}).join(', ') || 'none';
        throw missing(`${name} is not a file of the runbook: files: names ${known}`);
      }
      if (declared.source !== undefined && aws === undefined) return new Uint8Array();
      const bytes =
        declared.source === undefined || aws === undefined
          ? await readFirst(name, dirname(file))
          : await readObject(name, declared.source, aws);
      if (declared.size !== undefined && declared.size !== bytes.byteLength)
        throw bad(`${name} has ${bytes.byteLength} bytes, and files: says ${declared.size}`);
      const found = createHash('sha256').update(bytes).digest('hex');
      if (found !== declared.sha256)
        throw bad(
          `${name} is not the file that the runbook means: its sha256 is ${found}, and files: says ${declared.sha256}`,
        );
      return bytes;
    },
    commandDocument: (name) => findCommand(name, dirname(file)),
    lineOf: (program, line) => {
      const place = places.get(program);
      if (place === undefined) return undefined;
      const name = basename(file);
      return place.isBlock
        ? `${name}:${place.line + line - 1}`
        : `line ${line} of the text at ${name}:${place.line}`;
    },
  };
}

export function* everyStep(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    if (step.undo.kind === 'steps') yield* everyStep(step.undo.steps);
    for (const nested of Object.values(step.nested ?? {})) yield* everyStep(nested);
  }
}

async function findCommand(name: string, folder: string): Promise<SourceText | undefined> {
  const isPath = /\.(ya?ml|json)$/.test(name);
  if (!isPath && !/^[A-Za-z0-9_.-]+$/.test(name)) return undefined;
  const names = isPath ? [name] : ['yaml', 'yml', 'json'].map((ending) => `${name}.${ending}`);
  for (const each of names.flatMap((found) => [resolve(folder, found), resolve(folder, 'commands', found)])) {
    const text = await readText(each, commandBytesMax);
    if (text !== undefined && isCommandDocument(text)) return { file: each, text };
  }
  return undefined;
}

/** Undefined: there is no such file. */
async function readText(path: string, bytesMax: number): Promise<string | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw missing(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    if (size > bytesMax) throw bad(`${path} has ${size} bytes, and a Command document at most ${bytesMax}`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

async function readObject(name: string, source: string, aws: Aws): Promise<Uint8Array> {
  const [, Bucket = '', Key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(source) ?? [];
  const { Body } = await aws.call({ service: 's3', operation: 'GetObject', params: { Bucket, Key } });
  const bytes = Buffer.from(typeof Body === 'string' ? Body : '', 'base64');
  if (bytes.byteLength > attachmentBytesMax)
    throw bad(
      `${name} (${source}) has ${bytes.byteLength} bytes, and an attachment at most ${attachmentBytesMax}`,
    );
  return bytes;
}

async function readFirst(name: string, folder: string): Promise<Uint8Array> {
  for (const path of [join(folder, name), join(folder, 'attachments', name)]) {
    const handle = await open(path, 'r').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw missing(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (handle === undefined) continue;
    try {
      const { size } = await handle.stat();
      if (size > attachmentBytesMax)
        throw bad(`${path} has ${size} bytes, and an attachment at most ${attachmentBytesMax}`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  }
  throw missing(`${name} is neither in ${folder} nor in ${join(folder, 'attachments')}`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function missing(message: string): ActionFailure {
  return new ActionFailure({ code: 'NO_ATTACHMENT', message: `${message}; nothing was run` });
}

function bad(message: string): ActionFailure {
  return new ActionFailure({ code: 'BAD_ATTACHMENT', message: `${message}; nothing was run` });
}
