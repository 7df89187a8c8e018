/** Runs runbooks whose steps are scripts for real, in a folder of their own, as `belay run` does. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Belay } from '../../src/runtime/belay.ts';
import type { ExecutionView } from '../../src/runtime/execution-view.ts';
import { openTransports, type Transports, type TransportsOptions } from '../../src/runtime/transports.ts';
import type { JsonObject } from '../../src/json.ts';

export interface Ran {
  readonly id: string;
  readonly view: ExecutionView;
  /** Everything that the steps logged, by the name of its file. */
  readonly log: string;
}

export interface RunOptions {
  readonly texts?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly sandbox?: boolean;
}

export class ScriptDesk implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'belay-script-'));
  readonly belay: Belay;

  constructor(
    change: (transports: Transports, options: TransportsOptions) => Transports = (transports) => transports,
  ) {
    this.belay = new Belay({
      state: join(this.folder, 'state'),
      cwd: this.folder,
      env: process.env,
      stdin: () => Promise.resolve(''),
      openTransports: async (options) => change(await openTransports(options), options),
    });
  }

  /** Gives its sha256. */
  write(name: string, text: string | Uint8Array): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return createHash('sha256').update(text).digest('hex');
  }

  async run(text: string, { texts = {}, secrets = {}, sandbox = false }: RunOptions = {}): Promise<Ran> {
    const { id } = await this.start(text, { texts, secrets, sandbox });
    await this.belay.run(id, { onWait: 'leave' });
    return this.ran(id);
  }

  start(
    text: string,
    { texts = {}, secrets = {}, sandbox = false }: RunOptions = {},
  ): Promise<{ readonly id: string }> {
    this.write('doc.yaml', text);
    const file = join(this.folder, 'doc.yaml');
    return this.belay.start({ file, texts, values: {}, secrets, sandbox });
  }

  async ran(id: string): Promise<Ran> {
    return { id, view: await this.belay.view(id), log: this.log(id) };
  }

  log(id: string): string {
    const folder = join(this.folder, 'state', 'executions', id, 'logs');
    // A step that was refused has said nothing.
    if (!existsSync(folder)) return '';
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('');
  }

  [Symbol.dispose](): void {
    this.belay.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A runbook of one script step. `inputs` stand beside Runtime, Handler and Script. */
export function scriptRunbook(
  script: string,
  inputs: JsonObject = {},
  more: { readonly outputs?: JsonObject[]; readonly step?: JsonObject; readonly document?: JsonObject } = {},
): string {
  const step = {
    name: 'Run',
    action: 'aws:executeScript',
    inputs: { Runtime: 'python3.11', Handler: 'main', Script: script, ...inputs },
    ...(more.outputs === undefined ? {} : { outputs: more.outputs }),
    ...more.step,
  };
  return JSON.stringify({ schemaVersion: '0.3', mainSteps: [step], ...more.document });
}

/** The failure of the only step. */
export function failureOf({ view }: Ran): { readonly code: string; readonly message: string } {
  const [step] = view.steps;
  const failure = step?.failure;
  if (failure === undefined || failure === null)
    throw new Error(`the step did not fail: ${JSON.stringify(step)}`);
  return failure;
}
