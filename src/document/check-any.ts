/** A text of either language: a runbook, or a Command document where it says that it is one. */
import type { Catalog } from './catalog.ts';
import { checkDocument, type CheckedDocument, type CheckOptions } from './check.ts';
import { checkCommandDocument, isCommandDocument } from './command/check.ts';
import type { CommandDocument } from './command/types.ts';
import type { SourceText } from './diagnostic.ts';

export interface CheckedAny extends CheckedDocument {
  /** Present when it is a sound Command document. */
  readonly command?: CommandDocument;
}

/** Reads and validates it. Nothing is thrown for a bad text. */
export function checkAny(source: SourceText, catalog: Catalog, options: CheckOptions = {}): CheckedAny {
  if (!isCommandDocument(source.text) || isPackage(source.text))
    return checkDocument(source, catalog, options);
  const { document: command, diagnostics } = checkCommandDocument(source);
  return command === undefined ? { diagnostics } : { command, diagnostics };
}

/** The manifest of a Distributor package has the schemaVersion of a Command document: it lists packages and has no steps. */
function isPackage(text: string): boolean {
  const hasKey = (keys: string): boolean =>
    new RegExp(`"(?:${keys})"\\s*:|^(?:${keys})\\s*:`, 'm').test(text);
  return hasKey('packages|packageArn') && !hasKey('mainSteps|runtimeConfig');
}
