/** `belay run COMMAND-DOCUMENT --targets …`: the runbook of one step that runs the document there. */
import { resolve } from 'node:path';
import { ActionFailure } from '../actions/index.ts';
import { checkCommandDocument, isCommandDocument, type SourceText } from '../document/index.ts';
import { Refusal } from './refusal.ts';

export interface CommandTargets {
  /** As written; absent: none are given. */
  readonly selectors: readonly string[] | undefined;
  /** The hosts that they mean. Throws ActionFailure UNKNOWN_TARGET. */
  readonly hosts: (selectors: readonly string[]) => readonly string[];
  readonly cwd: string;
}

/** The source itself where it is a runbook. Throws Refusal where the document is not right, and where targets and it do not fit. */
export function runbookOf(source: SourceText, { selectors, hosts, cwd }: CommandTargets): SourceText {
  if (!isCommandDocument(source.text)) {
    if (selectors === undefined) return source;
    throw new Refusal('usage', 'NO_TARGETS', `${source.file} is a runbook: it says itself on what it acts`, {
      hint: '--targets is for Command documents; give a runbook its hosts by -p',
    });
  }
  const { document, diagnostics } = checkCommandDocument(source);
  if (document === undefined)
    throw new Refusal('usage', 'BAD_DOCUMENT', 'the Command document is not right', {
      diagnostics,
      sources: [source],
    });
  if (selectors === undefined)
    throw new Refusal(
      'usage',
      'NO_TARGETS',
      `${source.file} is a Command document: on which hosts is it to run?`,
      {
        hint: '--targets HOST, a range, group:NAME, tag:KEY=VALUE or an instance id; it may be repeated',
      },
    );
  const parameters = Object.entries(document.parameters).map(([name, parameter]) => [
    name,
    Object.fromEntries(Object.entries(parameter).filter(([key]) => key !== 'interpolationType')) as object,
  ]);
  const step = {
    name: 'Run',
    action: 'aws:runCommand',
    inputs: {
      DocumentName: resolve(cwd, source.file),
      InstanceIds: namesOf(selectors, hosts),
      Parameters: Object.fromEntries(Object.keys(document.parameters).map((name) => [name, `{{ ${name} }}`])),
    },
  };
  const { description } = document;
  const runbook = {
    schemaVersion: '0.3',
    ...(description === undefined ? {} : { description }),
    parameters: Object.fromEntries(parameters) as object,
    mainSteps: [step],
    outputs: ['Run.Status'],
  };
  return { file: source.file, text: JSON.stringify(runbook, null, 2) };
}

function namesOf(selectors: readonly string[], hosts: CommandTargets['hosts']): readonly string[] {
  try {
    return hosts(selectors);
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw new Refusal('usage', error.code, `--targets: ${error.message}`, {
      hint: 'Targets are hosts of belay.yaml, ranges, group:NAME, tag:KEY=VALUE and instance ids',
    });
  }
}
