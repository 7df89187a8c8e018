/**
 * The windows that a daemon runs: the last sound version of each file, also when the file is broken now, and also when it was another
 * daemon that last saw it sound. A window whose file is gone is gone.
 */
import type { WindowStore } from '../../journal/index.ts';
import type { Window } from '../../windows/index.ts';
import { Refusal } from '../refusal.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { WindowMessages } from './messages.ts';
import { parseWindowText, readWindowFiles, type WindowFile } from './window-files.ts';

export interface LoadedWindowsPorts {
  /** The project's window files. */
  readonly folder: () => string;
  readonly store: WindowStore;
  readonly messages: Pick<WindowMessages, 'alarm'>;
  readonly log: DaemonLog;
  readonly now: () => number;
}

const dayMs = 86_400_000;

export class LoadedWindows {
  readonly #ports: LoadedWindowsPorts;
  readonly #byFile = new Map<string, Window>();
  #folder: string | undefined;

  constructor(ports: LoadedWindowsPorts) {
    this.#ports = ports;
  }

  get all(): readonly Window[] {
    return [...this.#byFile.values()];
  }

  /** The file of a window. */
  fileOf(name: string): string | undefined {
    for (const [file, window] of this.#byFile) if (window.name === name) return file;
    return undefined;
  }

  /** Throws Refusal and JournalFailure. */
  load(): void {
    const { store } = this.#ports;
    const files = readWindowFiles((this.#folder = this.#folderNow()));
    const present = new Set(files.map(({ file }) => file));
    for (const file of [...this.#byFile.keys(), ...store.wordsOf('sound').keys()]) {
      if (present.has(file)) continue;
      this.#byFile.delete(file);
      store.unsay(file, 'sound');
    }
    const sound = new Set(files.flatMap(({ window }) => window?.name ?? []));
    for (const each of files) {
      if (each.window === undefined) this.#keep(each, sound);
      else {
        this.#byFile.set(each.file, each.window);
        this.#remember(each);
      }
    }
  }

  /** A belay.yaml that is broken meanwhile moves no folder. */
  #folderNow(): string {
    try {
      return this.#ports.folder();
    } catch (error) {
      if (!(error instanceof Refusal) || this.#folder === undefined) throw error;
      return this.#folder;
    }
  }

  #remember({ file, source: { text } }: WindowFile): void {
    const { store, now } = this.#ports;
    const known = store.words(file).find(({ kind }) => kind === 'sound');
    if (known?.value === text) return;
    store.unsay(file, 'sound');
    store.say(file, { kind: 'sound', by: 'belay', value: text, at: now() });
  }

  #keep({ file, source, diagnostics }: WindowFile, sound: ReadonlySet<string>): void {
    const { store, messages, log, now } = this.#ports;
    const text = store.words(file).find(({ kind }) => kind === 'sound')?.value;
    const earlier =
      this.#byFile.get(file) ?? (text === undefined ? undefined : parseWindowText(file, text).window);
    const kept = earlier === undefined || sound.has(earlier.name) ? undefined : earlier;
    if (kept === undefined) this.#byFile.delete(file);
    else this.#byFile.set(file, kept);
    const first = diagnostics.find(({ severity }) => severity === 'error');
    const why = `${first?.message ?? 'it is not right'} (line ${first?.start.line ?? 1})`;
    const standing = kept === undefined ? 'it is not run' : `its last sound version goes on (${kept.name})`;
    log.warn(
      { event: 'broken-window', file, code: first?.code, line: first?.start.line },
      `${file} is broken: ${why}; ${standing}`,
    );
    messages.alarm({
      // Once a day for each text that is wrong.
      key: `broken:${file}:${Math.floor(now() / dayMs)}:${source.text}`,
      at: now(),
      about: kept?.name ?? file,
      subject: `window file ${file} is broken`,
      text: `${file}: ${why}. Until it is right, ${standing}.`,
      command: 'belay window validate',
    });
  }
}
