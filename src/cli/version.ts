/** The version of this Belay: put in by the bundler, else read from package.json. */
import { readFileSync } from 'node:fs';

declare const BELAY_VERSION: string | undefined;

export function version(): string {
  if (typeof BELAY_VERSION === 'string') return BELAY_VERSION;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest = JSON.parse(text) as { readonly version: string };
  return manifest.version;
}

/** Whether this is what people install, and not the sources. */
export function isBundled(): boolean {
  return typeof BELAY_VERSION === 'string';
}
