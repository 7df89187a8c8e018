/** Files of parameters: those that a person named, and the one beside a runbook for runs in the sandbox. */
import { existsSync } from 'node:fs';
import { parseParameterFile, type Document } from '../document/index.ts';
import type { JsonObject } from '../json.ts';
import { readText } from '../runtime/read-text.ts';
import { Refusal } from '../runtime/refusal.ts';

/** Throws Refusal. */
export function readParameterFile(file: string, document: Document): JsonObject {
  const source = readText(file, { env: process.env });
  const { values, diagnostics } = parseParameterFile(source, document);
  if (values !== undefined) return values;
  throw new Refusal('usage', 'BAD_PARAMETER_FILE', `${file} is not right`, {
    diagnostics,
    sources: [source],
  });
}

/** `patch.sandbox.yaml` for `patch.yaml`. */
export function sandboxFileOf(runbook: string): string {
  return `${runbook.replace(/\.(ya?ml|json)$/, '')}.sandbox.yaml`;
}

/** The runbook that such a file lies beside; undefined: it is none of these files, or lies beside none. */
export function runbookBeside(file: string): string | undefined {
  const stem = /^(.*)\.sandbox\.yaml$/.exec(file)?.[1];
  if (stem === undefined) return undefined;
  return ['yaml', 'yml', 'json'].map((end) => `${stem}.${end}`).find((runbook) => existsSync(runbook));
}

/** The parameters for a sandbox run that lie beside the runbook; undefined: there are none. Throws Refusal. */
export function readSandboxFile(
  runbook: string,
  document: Document,
): { readonly file: string; readonly values: JsonObject } | undefined {
  const file = sandboxFileOf(runbook);
  return existsSync(file) ? { file, values: readParameterFile(file, document) } : undefined;
}
