/** From a runbook's text to an execution that is written down. Nothing has begun. */
import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { actions } from '../actions/index.ts';
import type { Catalog, Diagnostic, RollbackWhen, SourceText } from '../document/index.ts';
import { asJournalFailure, type AlarmSetting, type Journal, type NewExecution } from '../journal/index.ts';
import type { JsonObject } from '../json.ts';
import type { ChildrenRunBy } from './child-runbooks.ts';
import type { Configurations } from './configuration.ts';
import { newExecutionId } from './execution-id.ts';
import { channelsOf, refuseUnknownChannels } from './notify/known-channels.ts';
import type { openTransports } from './transports.ts';
import { textSha256 } from './changed-runbook.ts';
import { prepareExecution } from './prepare-execution.ts';
import { makeInbox } from './approvals/drop-box.ts';
import { personBehind } from './approvals/starter.ts';
import { readText } from './read-text.ts';
import { runbookOf } from './command-runbook.ts';
import { refuseTaken } from './refuse-taken.ts';
import { anchored, type SecretSources } from './secrets/references.ts';
import { executionDir } from './state-dir.ts';
import { stateTrouble } from './state-trouble.ts';

export interface StartRequest {
  /** The runbook: a file, or its text under the name that people know it by. */
  readonly file: string | SourceText;
  readonly texts: Readonly<Record<string, string>>;
  readonly values: JsonObject;
  readonly secrets: Readonly<Record<string, string>>;
  readonly rollback?: RollbackWhen;
  readonly sandbox: boolean;
  /** Where a Command document runs, as hosts are selected; a runbook takes none. */
  readonly targets?: readonly string[];
  readonly failAt?: string;
  /** Who runs runbooks that steps name. */
  readonly children?: ChildrenRunBy;
  /** Of CloudWatch: the execution is stopped by it. */
  readonly alarm?: AlarmSetting;
  readonly lockWaitSeconds?: number;
  /** Before each step a person says which one runs. */
  readonly mode?: 'Interactive';
  /** Starts under this id, once: it is refused where an execution has it. */
  readonly id?: string;
}

export interface Started {
  readonly id: string;
  readonly warnings: readonly Diagnostic[];
  readonly source: SourceText;
}

export interface StartParts {
  readonly journal: Journal;
  readonly stateDir: string;
  readonly catalog: Catalog;
  readonly configurations: Configurations;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: SecretSources['stdin'];
  readonly openTransports: typeof openTransports;
  readonly now: () => number;
  readonly caller: () => string;
  /** Called when everything was found right; what it throws keeps the execution from being written down. */
  readonly beforeCreate: (execution: NewExecution) => Promise<void>;
}

/** Tries to find an id that nobody has; the second one practically always does. */
const idTriesMax = 5;

/** Throws Refusal, and what `beforeCreate` throws. */
export async function startExecution(request: StartRequest, parts: StartParts): Promise<Started> {
  const { journal, stateDir, cwd, env, stdin, catalog, now } = parts;
  const written = typeof request.file === 'string' ? readText(request.file) : request.file;
  const configuration = request.sandbox ? { file: null, inventory: null } : parts.configurations.find();
  const { id: wanted } = request;
  if (wanted !== undefined) refuseTaken(wanted, (await journal.execution(wanted)) !== undefined);
  for (let tries = 0; tries < (wanted === undefined ? idTriesMax : 1); tries += 1) {
    const executionId = wanted ?? newExecutionId(now());
    const { sandbox } = request;
    const dir = executionDir(stateDir, executionId);
    const isNew = !existsSync(dir);
    let isWritten = false;
    const transports = await parts
      .openTransports({ sandbox, inventory: configuration.inventory, stateDir, executionId, now })
      .catch((error: unknown) => {
        throw stateTrouble(stateDir, error);
      });
    try {
      const hosts = (selectors: readonly string[]): readonly string[] => transports.targets(selectors);
      const source = runbookOf(written, { selectors: request.targets, hosts, cwd });
      const { execution, warnings } = await prepareExecution(
        {
          source,
          texts: request.texts,
          values: request.values,
          secrets: Object.fromEntries(
            Object.entries(request.secrets).map(([name, reference]) => [name, anchored(reference, cwd)]),
          ),
          ...(request.rollback === undefined ? {} : { rollback: request.rollback }),
          ...(request.failAt === undefined ? {} : { failAt: request.failAt }),
          ...(request.mode === undefined ? {} : { mode: request.mode }),
          ...(request.lockWaitSeconds === undefined ? {} : { lockWaitSeconds: request.lockWaitSeconds }),
          // The sandbox is a trial, and its approvals are prompts.
          ...(sandbox || !configuration.inventory?.approvals ? {} : { signedApprovals: true }),
          settings: {
            sandbox,
            inventoryFile: configuration.file,
            runbookFile: resolve(cwd, source.file),
            ...(typeof request.file === 'string' && source === written
              ? { runbookSha256: textSha256(written.text) }
              : {}),
            ...(request.children === undefined ? {} : { children: request.children }),
            ...(request.alarm === undefined ? {} : { alarm: request.alarm }),
            startedBy: parts.caller(),
            ...(sandbox || !env['AWS_PROFILE'] ? {} : { awsProfile: env['AWS_PROFILE'] }),
            ...personBehind(env),
          },
        },
        {
          catalog,
          runbookFolders: configuration.inventory?.runbookFolders ?? [],
          actions,
          transports,
          executionId,
          now: now(),
          secretSources: { env, stdin },
        },
      );
      const { notify } = execution.program.document;
      if (!sandbox) refuseUnknownChannels(source, notify?.channels ?? [], channelsOf(configuration));
      if (tries === 0) await parts.beforeCreate(execution);
      if (execution.input.signedApprovals === true && configuration.inventory?.approvals?.inbox === true)
        asJournalFailure(stateDir, () => makeInbox(stateDir));
      isWritten = await journal.create(execution);
      if (isWritten) return { id: execution.id, warnings, source };
    } finally {
      await transports.close();
      // The sandbox of an execution that never came to be.
      if (isNew && !isWritten) rmSync(dir, { recursive: true, force: true });
    }
  }
  if (wanted !== undefined) refuseTaken(wanted, true);
  throw new Error('no free execution id was found');
}
