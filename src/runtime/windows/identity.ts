/**
 * As whom a task acts while nobody is there, tried out: its secrets are read, its hosts are logged in to with its ssh agent or key, and
 * AWS is asked who calls with its profile. Only looks.
 */
import { actions } from '../../actions/index.ts';
import { resolveInputs, type Document } from '../../document/index.ts';
import { accountTarget, type RuleSet } from '../../compliance/index.ts';
import type { Inventory } from '../../inventory/index.ts';
import type { JsonObject } from '../../json.ts';
import { AwsFailure } from '../../transports/aws.ts';
import { createAws } from '../../transports/aws/client.ts';
import { withPseudoParameters, type Identity, type RunbookTask } from '../../windows/index.ts';
import { checkHosts } from '../checkup/hosts.ts';
import { scopeOf } from '../compliance/scope.ts';
import { namedInInputs } from '../named-in-inputs.ts';
import { parameterScope } from '../parameter-scope.ts';
import { openTransports, type Transports } from '../transports.ts';
import { preflight } from '../preflight.ts';
import { everyStep } from '../program-files.ts';
import { Refusal } from '../refusal.ts';
import { readSecret, type SecretSources } from '../secrets/references.ts';
import type { TaskProblem } from './task-problem.ts';
import type { TaskRunbook } from './task-runbooks.ts';

export interface IdentityOptions {
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly inventory: Inventory | null;
  readonly now: () => number;
}

/** What keeps the task from acting as it should. `runbooks`: its own and those below it, with what is known of their parameters. */
export function tryRunbookTask(
  task: RunbookTask,
  runbooks: readonly TaskRunbook[],
  options: IdentityOptions,
): Promise<TaskProblem[]> {
  return as(task.identity, options, async (transports, sources) => {
    const problems = await trySecrets(Object.values(task.identity.secrets), sources);
    const targets = targetsOf(transports, task.targets);
    const [first] = targets;
    const resource =
      first === undefined ? undefined : (options.inventory?.address(first)?.instanceId ?? first);
    const values =
      first === undefined || resource === undefined ? {} : { TARGET_ID: first, RESOURCE_ID: resource };
    const hosts = new Set(targets);
    for (const runbook of runbooks) {
      const found = await tryRunbook(runbook, withPseudoParameters(runbook.parameters, values), transports);
      if ('code' in found) return [...problems, found];
      for (const host of found.hosts) hosts.add(host);
      problems.push(...found.problems);
    }
    return [...problems, ...(await tryHosts([...hosts], transports))];
  });
}

/** A problem, or the hosts that it names. */
async function tryRunbook(
  { document, file, prefix }: TaskRunbook,
  parameters: JsonObject,
  transports: Transports,
): Promise<TaskProblem | { readonly hosts: readonly string[]; readonly problems: readonly TaskProblem[] }> {
  try {
    // Those that it starts are looked at by themselves.
    const childProblems = () => [];
    const asked = { document, parameters, file, actions, transports, isSandbox: false, childProblems };
    const { usesAws } = await preflight(asked);
    const problems = usesAws ? await tryRole(document, parameters, transports) : [];
    const hosts = everyStep(document.mainSteps).flatMap((step) => {
      const action = actions.get(step.action);
      if (action === undefined) return [];
      const named = namedInInputs(step, action, parameters);
      return [...named.hosts, ...targetsOf(transports, named.selectors)];
    });
    return { hosts: [...hosts], problems };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const message = prefix === '' ? error.message : `${prefix.slice(0, -1)}: ${error.message}`;
    return { code: error.code, message, hint: error.hint ?? '' };
  }
}

export function tryCheckTask(
  { identity }: { readonly identity: Identity },
  { rules }: RuleSet,
  options: IdentityOptions,
): Promise<TaskProblem[]> {
  return as(identity, options, async (transports, sources) => {
    const secrets = rules.flatMap((rule) => Object.values(rule.secrets));
    const problems = await trySecrets(secrets, sources);
    const { hosts, account, unknown } = await scopeOf(
      rules,
      transports,
      undefined,
      AbortSignal.timeout(scopeMs),
    );
    for (const { rule, judged } of unknown) {
      const [why] = judged;
      const message = why?.kind === 'unknown' ? why.reason : `its ${accountTarget} cannot be found`;
      problems.push({ code: 'NO_TARGETS', message: `${rule}: ${message}`, hint: '' });
    }
    if (account.length > 0) problems.push(...(await tryAws(transports)));
    return [...problems, ...(await tryHosts([...hosts.keys()], transports))];
  });
}

const scopeMs = 60_000;
const awsMs = 20_000;

/**
 * OpenSSH and the AWS SDK read who they are from the environment of the process, so it is theirs while they are asked, and one task is
 * looked at after the other.
 */
async function as(
  { sshAgent, awsProfile }: Identity,
  { stateDir, env, inventory, now }: IdentityOptions,
  look: (transports: Transports, sources: SecretSources) => Promise<TaskProblem[]>,
): Promise<TaskProblem[]> {
  const before = { SSH_AUTH_SOCK: process.env['SSH_AUTH_SOCK'], AWS_PROFILE: process.env['AWS_PROFILE'] };
  setVariables({
    SSH_AUTH_SOCK: sshAgent ?? before.SSH_AUTH_SOCK,
    AWS_PROFILE: awsProfile ?? before.AWS_PROFILE,
  });
  const transports = await openTransports({
    sandbox: false,
    inventory,
    stateDir,
    executionId: 'windows',
    now,
  });
  try {
    const aws = (): ReturnType<SecretSources['aws']> => Promise.resolve(createAws());
    return await look(transports, { env, stdin: () => Promise.resolve(''), aws });
  } finally {
    await transports.close();
    setVariables(before);
  }
}

function setVariables(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

async function trySecrets(references: readonly string[], sources: SecretSources): Promise<TaskProblem[]> {
  const problems: TaskProblem[] = [];
  for (const reference of new Set(references)) {
    const reading = await readSecret(reference, sources);
    if ('trouble' in reading)
      problems.push({
        code: 'MISSING_SECRET',
        message: reading.trouble,
        hint: 'The daemon has to be able to read it, as its own user and with its own environment.',
      });
  }
  return problems;
}

function targetsOf(transports: Transports, selectors: readonly string[]): readonly string[] {
  try {
    return selectors.length === 0 ? [] : transports.targets(selectors);
  } catch {
    // That is a problem of its own, and told as one.
    return [];
  }
}

async function tryHosts(names: readonly string[], transports: Transports): Promise<TaskProblem[]> {
  const findings = await checkHosts([...new Set(names)], (name) => transports.host(name), { hasOpen: true });
  return findings.flatMap(({ what, verdict, says, hint }) =>
    verdict === 'bad'
      ? [
          {
            code: 'UNREACHABLE',
            message: `${what}: ${says}`,
            hint: hint ?? 'belay doctor looks at every host',
          },
        ]
      : [],
  );
}

/** The role that the document acts with. */
async function tryRole(
  { assumeRole }: Document,
  parameters: JsonObject,
  transports: Transports,
): Promise<TaskProblem[]> {
  const role = resolveInputs(assumeRole ?? '', parameterScope(parameters));
  if (!role.ok || typeof role.value !== 'string' || role.value === '') return [];
  return tryAws({ aws: transports.aws.assume(role.value) });
}

async function tryAws({ aws }: Pick<Transports, 'aws'>): Promise<TaskProblem[]> {
  try {
    await aws.identity(AbortSignal.timeout(awsMs));
    return [];
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return [{ code: error.code, message: `AWS does not answer: ${error.message}`, hint: 'belay doctor' }];
  }
}
