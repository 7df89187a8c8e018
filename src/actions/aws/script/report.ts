/** What the program around a script says of its end, read strictly: the script runs beside it and may try to speak for it. */
import { isJsonObject, type Json, type JsonObject } from '../../../json.ts';

export interface Frame {
  /** `Script`, a file of the attachment, or a module's path. */
  readonly file: string;
  /** Whether it is the author's: the Script or the attachment. */
  readonly isOwn: boolean;
  /** 1-based. */
  readonly line: number;
  /** Of the function; `<module>` outside of any. */
  readonly name: string;
  readonly text: string;
}

export type Report =
  /** `digits`: places of whole numbers that are given as text, because they are too large to be kept exactly otherwise. */
  | { readonly kind: 'returned'; readonly payload: Json; readonly digits: readonly string[] }
  | { readonly kind: 'tooLarge'; readonly bytes: number }
  | { readonly kind: 'unfit'; readonly path: string; readonly why: string }
  | { readonly kind: 'noHandler'; readonly module: string; readonly functions: readonly string[] }
  | { readonly kind: 'attachment'; readonly message: string }
  | { readonly kind: 'exited'; readonly code: string }
  | {
      readonly kind: 'raised';
      readonly type: string;
      readonly message: string;
      /** Outermost first. */
      readonly frames: readonly Frame[];
      /** The module that was not found. */
      readonly missing: string | undefined;
    }
  | { readonly kind: 'died'; readonly signal: number }
  | { readonly kind: 'ended'; readonly code: number };

/** Undefined: it is none. */
export function readReport(text: string): Report | undefined {
  const said = parsed(text);
  if (!isJsonObject(said)) return undefined;
  switch (said['kind']) {
    case 'returned': {
      const payload = parsed(textOf(said, 'payload'));
      return payload === undefined
        ? undefined
        : { kind: 'returned', payload, digits: textsOf(said, 'digits') };
    }
    case 'tooLarge':
      return { kind: 'tooLarge', bytes: numberOf(said, 'bytes') };
    case 'unfit':
      return { kind: 'unfit', path: textOf(said, 'path'), why: textOf(said, 'why') };
    case 'noHandler':
      return { kind: 'noHandler', module: textOf(said, 'module'), functions: textsOf(said, 'functions') };
    case 'attachment':
      return { kind: 'attachment', message: textOf(said, 'message') };
    case 'exited':
      return { kind: 'exited', code: codeOf(said['code']) };
    case 'raised':
      return {
        kind: 'raised',
        type: textOf(said, 'type'),
        message: textOf(said, 'message'),
        frames: framesOf(said['frames']),
        missing: said['missing'] === undefined ? undefined : textOf(said, 'missing'),
      };
    case 'died':
      return { kind: 'died', signal: numberOf(said, 'signal') };
    case 'ended':
      return { kind: 'ended', code: numberOf(said, 'code') };
    default:
      return undefined;
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function framesOf(value: Json | undefined): readonly Frame[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).filter(isJsonObject).map((frame) => ({
    file: textOf(frame, 'file'),
    isOwn: frame['isOwn'] === true,
    line: numberOf(frame, 'line'),
    name: textOf(frame, 'name'),
    text: textOf(frame, 'text'),
  }));
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}

function numberOf(object: JsonObject, key: string): number {
  const value = object[key];
  return typeof value === 'number' ? value : 0;
}

function textsOf(object: JsonObject, key: string): readonly string[] {
  const value = object[key];
  return Array.isArray(value) ? (value as readonly Json[]).filter((item) => typeof item === 'string') : [];
}

function codeOf(value: Json | undefined): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '0';
}
