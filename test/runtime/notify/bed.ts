/** A state folder with executions as a journal holds them, a belay.yaml, and channels that a test answers for. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peopleWords } from '../../../src/cli/view/people-words.ts';
import type { Document } from '../../../src/document/index.ts';
import { openSqliteJournal, type ExecutionSettings, type Journal } from '../../../src/journal/index.ts';
import type { Way } from '../../../src/notify/index.ts';
import { configurationFiles } from '../../../src/runtime/configuration.ts';
import { Notifier } from '../../../src/runtime/notify/notifier.ts';
import type { Delivery, Letter } from '../../../src/transports/messages/delivery.ts';
import { record, startedAt, type Told } from '../../cli/story.ts';

export interface Sent extends Letter {
  readonly way: Way;
}

export class NotifyBed implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'belay-notify-'));
  readonly state = join(this.dir, 'state');
  readonly config = join(this.dir, 'belay.yaml');
  readonly sent: Sent[] = [];
  now = startedAt + 60_000;
  /** What a channel answers; undefined: it takes everything. */
  answer: (way: Way, letter: Letter) => Delivery | Promise<Delivery> = () => ({
    kind: 'delivered',
    receipt: 'ok',
  });
  readonly journal: Journal;
  readonly #notifiers: Notifier[] = [];

  constructor(channels: string) {
    mkdirSync(this.state, { mode: 0o700 });
    this.configure(channels);
    this.journal = openSqliteJournal(this.state);
  }

  configure(channels: string): void {
    writeFileSync(this.config, `notify:\n${channels}\n`);
  }

  /** A process of its own, as far as the outbox knows. */
  notifier(): Notifier {
    const notifier = new Notifier({
      stateDir: this.state,
      configurations: configurationFiles(this.dir, { XDG_CONFIG_HOME: this.dir }),
      env: { XDG_CONFIG_HOME: this.dir },
      journal: () => this.journal,
      words: () => Promise.resolve(peopleWords),
      now: () => this.now,
      send: async (way, letter) => {
        this.sent.push({ ...letter, way });
        return this.answer(way, letter);
      },
    });
    this.#notifiers.push(notifier);
    return notifier;
  }

  /** Writes an execution down, or more of what happened in one. */
  async happened(
    id: string,
    story: readonly Told[],
    more: { readonly notify?: Document['notify']; readonly settings?: Partial<ExecutionSettings> } = {},
  ): Promise<void> {
    const { notify, settings = {} } = more;
    await this.journal.create({
      id,
      runbook: 'patch-postgresql',
      file: 'patch-postgresql.yaml',
      program: {
        interpreter: 2,
        document: {
          schemaVersion: '0.3',
          parameters: {},
          mainSteps: [],
          outputs: [],
          rollback: { when: 'onFailure', timeoutSeconds: 1800 },
          additions: [],
          ...(notify === undefined ? {} : { notify }),
        },
        descriptors: {},
      },
      sha256: id,
      input: { parameters: { Host: 'db1' }, rollbackWhen: 'onFailure', rollbackRequests: [], failAt: null },
      settings: {
        sandbox: false,
        inventoryFile: this.config,
        secrets: {},
        startedBy: 'ops',
        usesAws: false,
        ...settings,
      },
      createdAt: startedAt,
    });
    const known = await this.journal.lastSeq(id);
    await this.journal.append(id, record(story).slice(known));
  }

  /** Of what was sent, in order. */
  subjects(): string[] {
    return this.sent.map(({ subject }) => subject);
  }

  [Symbol.dispose](): void {
    for (const notifier of this.#notifiers) notifier.close();
    this.journal.close();
    rmSync(this.dir, { recursive: true });
  }
}
