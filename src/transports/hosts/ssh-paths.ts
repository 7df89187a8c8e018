/**
 * Paths as ssh can be given them. Quotes, backslashes, spaces, `%` and `${…}` mean something else in each option and each
 * release of ssh; a file with such a path is reached by a link in the private folder, whose name is plain.
 */
import { rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What stands beside a private key under a name that ssh makes of the key's. */
const companions = ['', '.pub', '-cert.pub'];
const plainPath = /^\/[\w./@:+,=-]*$/;

export class SshPaths {
  readonly #folder: string;
  readonly #links = new Map<string, string>();

  /** Links are made in the folder, whose own path is plain. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The path itself, or that of a link to it. */
  plain(path: string): string {
    const absolute = resolve(path);
    if (plainPath.test(absolute)) return absolute;
    const known = this.#links.get(absolute);
    if (known !== undefined) return known;
    const link = join(this.#folder, `link${this.#links.size + 1}`);
    for (const companion of companions) {
      rmSync(`${link}${companion}`, { force: true });
      symlinkSync(`${absolute}${companion}`, `${link}${companion}`);
    }
    this.#links.set(absolute, link);
    return link;
  }

  /** What ssh says of links, said of the files themselves. */
  readable(text: string): string {
    let readable = text;
    for (const [path, link] of [...this.#links].toReversed()) readable = readable.replaceAll(link, path);
    return readable;
  }
}

export function isPlainPath(path: string): boolean {
  return plainPath.test(path);
}
