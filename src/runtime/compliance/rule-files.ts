/** Reads a project's compliance files. One that is broken stops the check before anything is asked. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createCheckCatalog } from '../../actions/index.ts';
import { parseRules, type RuleSet } from '../../compliance/index.ts';
import { makeReport, type Diagnostic, type SourceText } from '../../document/index.ts';
import { createAwsModels } from '../../transports/aws/models.ts';
import { findConfiguration } from '../configuration.ts';
import { readText } from '../read-text.ts';
import { Refusal } from '../refusal.ts';

export interface RuleFile {
  readonly file: string;
  readonly source: SourceText;
  /** Undefined: it is broken; the diagnostics say how. */
  readonly ruleSet: RuleSet | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Where compliance files are looked for below a project's folder. */
export const complianceFolder = 'compliance';

/** A file, all `*.yaml` and `*.yml` of a folder, or those of compliance/ beside belay.yaml or here. Throws Refusal. */
export function readRuleFiles(
  where: string | undefined,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): RuleFile[] {
  const path = where === undefined ? folderOf(cwd, env) : resolve(cwd, where);
  const names = list(path);
  if (names === undefined) return [readRuleFile(path)];
  const files = names
    .filter((name) => /\.ya?ml$/.test(name))
    .toSorted()
    .map((name) => readRuleFile(join(path, name)));
  if (files.length > 0) return withoutDuplicates(files);
  throw new Refusal('usage', 'NO_COMPLIANCE_FILES', `there are no compliance files in ${path}`, {
    hint: 'belay check FILE names one',
  });
}

/** The folder that readRuleFiles reads as a whole, absolute; undefined: it reads one file. */
export function ruleFolder(
  where: string | undefined,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): string | undefined {
  const path = where === undefined ? folderOf(cwd, env) : resolve(cwd, where);
  return list(path) === undefined ? undefined : resolve(path);
}

/** Whoever may write it decides what is asked with which secrets, and what mends it. Throws Refusal. */
export function readRuleFile(file: string): RuleFile {
  const source = readText(file, { env: process.env });
  const folder = dirname(resolve(file));
  const resolvePath = (path: string): string =>
    path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : resolve(folder, path);
  const { ruleSet, diagnostics } = parseRules(source, createCheckCatalog(createAwsModels()), {
    resolvePath,
    isThere: existsSync,
  });
  const placed = ruleSet === undefined ? undefined : { ...ruleSet, file: resolve(file) };
  return { file, source, ruleSet: placed, diagnostics };
}

/** Throws Refusal with everything that is wrong with them. */
export function soundRuleSets(files: readonly RuleFile[]): RuleSet[] {
  if (files.every(({ ruleSet }) => ruleSet !== undefined))
    return files.flatMap(({ ruleSet }) => ruleSet ?? []);
  throw new Refusal(
    'usage',
    'BAD_COMPLIANCE_FILE',
    'the compliance files are not right; nothing was checked',
    {
      diagnostics: files.flatMap(({ diagnostics }) => diagnostics),
      sources: files.map(({ source }) => source),
    },
  );
}

function folderOf(cwd: string, env: NodeJS.ProcessEnv): string {
  const { file } = findConfiguration(cwd, env);
  return join(file === null ? cwd : dirname(file), complianceFolder);
}

/** Undefined: it is not a folder. */
function list(path: string): string[] | undefined {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) : undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const message = code === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read: ${code}`;
    throw new Refusal('usage', 'UNREADABLE_FILE', message, {
      hint: 'belay check FILE names a compliance file',
    });
  }
}

/** Findings are remembered by the name of the set. */
function withoutDuplicates(files: readonly RuleFile[]): RuleFile[] {
  const owners = new Map<string, string>();
  return files.map((each) => {
    const owner = each.ruleSet === undefined ? undefined : owners.get(each.ruleSet.name);
    if (each.ruleSet !== undefined && owner === undefined) owners.set(each.ruleSet.name, each.file);
    if (owner === undefined) return each;
    const report = makeReport(each.source);
    const message = `the compliance file ${each.ruleSet?.name} is ${owner} already`;
    report.foreign('DUPLICATE_RULE_SET', { start: 0, end: 0 }, message);
    return { ...each, ruleSet: undefined, diagnostics: [...each.diagnostics, ...report.finish()] };
  });
}
