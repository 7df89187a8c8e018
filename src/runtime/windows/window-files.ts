/** Reads a project's window files. A broken one keeps its last sound version where there was one, and is told. */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { makeReport, type Diagnostic, type SourceText } from '../../document/index.ts';
import { parseWindow, type ParsedWindow, type Window } from '../../windows/index.ts';
import { readText } from '../read-text.ts';
import { Refusal } from '../refusal.ts';

export interface WindowFile {
  readonly file: string;
  readonly source: SourceText;
  /** Undefined: it is broken; the diagnostics say how. */
  readonly window: Window | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Where windows are looked for below a project's folder. */
export const windowsFolder = 'windows';

/** Every `*.yaml` and `*.yml` of the folder, by name. A folder that is not there has none. Throws Refusal. */
export function readWindowFiles(folder: string): WindowFile[] {
  const names = listFolder(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .toSorted();
  const files = names.map((name) => readOrBroken(join(folder, name)));
  return withoutDuplicates(files);
}

/** One file that cannot be read says so, and the others are read all the same. */
function readOrBroken(file: string): WindowFile {
  try {
    return readWindowFile(file);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const source = { file, text: '' };
    const report = makeReport(source);
    report.foreign(error.code, { start: 0, end: 0 }, error.message);
    return { file, source, window: undefined, diagnostics: report.finish() };
  }
}

/** Whoever may write it decides what runs unattended. Throws Refusal. */
export function readWindowFile(file: string): WindowFile {
  const source = readText(file, { env: process.env });
  const { window, diagnostics } = parseWindowText(file, source.text);
  return { file, source, window, diagnostics };
}

/** A text as that file has it, or had it. */
export function parseWindowText(file: string, text: string): ParsedWindow {
  const folder = dirname(resolve(file));
  return parseWindow({ file, text }, { resolvePath: (path) => expand(path, folder) });
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') return [];
    throw new Refusal('usage', 'UNREADABLE_FILE', `${folder} cannot be read: ${code}`);
  }
}

/** The first file of a name keeps it. */
function withoutDuplicates(files: readonly WindowFile[]): WindowFile[] {
  const owners = new Map<string, string>();
  return files.map((each) => {
    if (each.window === undefined) return each;
    const owner = owners.get(each.window.name);
    if (owner === undefined) {
      owners.set(each.window.name, each.file);
      return each;
    }
    const report = makeReport(each.source);
    const message = `the window ${each.window.name} is in ${owner} already`;
    report.foreign('DUPLICATE_WINDOW', { start: 0, end: 0 }, message);
    return { ...each, window: undefined, diagnostics: [...each.diagnostics, ...report.finish()] };
  });
}

function expand(path: string, folder: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return resolve(folder, path);
}
