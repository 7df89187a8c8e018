/** `belay run` as data. */
import type { CommandSpec, OptionSpec } from './command-spec.ts';

/** Options that other commands have, too. */
interface Common {
  readonly waitLock: OptionSpec;
  readonly noWait: OptionSpec;
  readonly leaveToDaemon: OptionSpec;
  readonly yes: OptionSpec;
  readonly json: OptionSpec;
}

export const runCommand = ({ waitLock, noWait, leaveToDaemon, yes, json }: Common): CommandSpec => ({
  name: 'run',
  summary: 'Run a runbook; climb back down when a step fails',
  args: [{ name: 'FILE', says: 'The runbook, or a Command document', required: true, values: 'file' }],
  options: [
    {
      name: 'param',
      short: 'p',
      value: 'NAME=VALUE',
      repeatable: true,
      values: 'parameter',
      says: 'A parameter; may be repeated',
    },
    {
      name: 'params-file',
      value: 'FILE',
      values: 'file',
      says: 'Parameters from a YAML or JSON file; -p wins',
    },
    {
      name: 'secret',
      value: 'NAME=REF',
      repeatable: true,
      says: 'A secret: env:VAR, file:PATH, ssm:/path, secretsmanager:ID, or - for stdin',
    },
    {
      name: 'targets',
      value: 'TARGET',
      repeatable: true,
      says: 'A host, a range, group:NAME, tag:KEY=VALUE or an instance id; may be repeated. A runbook runs once for each; it takes ParameterValues=a,b and ResourceGroup=NAME too',
    },
    {
      name: 'rollback',
      value: 'WHEN',
      choices: ['onFailure', 'never', 'ask'],
      says: 'Instead of what the runbook says: onFailure, never or ask',
    },
    {
      name: 'sandbox',
      says: 'On a modelled world: nothing real is touched. Missing parameters come from RUNBOOK.sandbox.yaml',
    },
    { name: 'fail-at', value: 'STEP', values: 'step', says: 'Sandbox only: this step acts, then fails' },
    {
      name: 'alarm',
      value: 'NAME',
      says: 'An alarm of CloudWatch: in the state ALARM, or where it cannot be read, the execution is cancelled',
    },
    { name: 'ignore-alarm-failure', says: 'Go on where the alarm cannot be read' },
    {
      name: 'interactive',
      says: 'Wait before each step until somebody says to start it: here, or by belay continue from anywhere',
    },
    {
      name: 'children',
      value: 'WHO',
      choices: ['local', 'ssm', 'auto'],
      says: 'Who runs runbooks that steps name: Belay, Systems Manager, or (auto) Belay where it has them',
    },
    {
      name: 'id',
      value: 'ID',
      says: 'Start under this id; refused (5) when an execution has it, so that it is started once',
    },
    {
      name: 'target-parameter',
      value: 'NAME',
      says: 'The parameter that gets the target; may be left out where the runbook has only one',
    },
    {
      name: 'target-locations',
      value: 'PLACES',
      repeatable: true,
      says: 'Accounts and regions, each with the role there: Accounts=111122223333,Regions=eu-west-1,us-east-1,ExecutionRoleName=NAME',
    },
    {
      name: 'max-concurrency',
      value: 'N',
      says: 'How many targets are under way at once: 5 or 10% (default 10)',
    },
    {
      name: 'max-errors',
      value: 'N',
      says: 'Begin no further target once more than so many have failed: 1 or 10% (default 0)',
    },
    {
      name: 'strict-errors',
      says: 'Count targets that are under way as failed until they have come through',
    },
    waitLock,
    noWait,
    leaveToDaemon,
    yes,
    json,
  ],
  examples: [
    { command: 'belay run patch-postgresql.yaml -p Host=db1', says: 'Run it' },
    {
      command: 'belay run patch.yaml --targets tag:Role=db --target-parameter Host --max-concurrency 10%',
      says: 'Run it for each host with that tag',
    },
    {
      command: 'belay run patch-postgresql.yaml --sandbox --fail-at VerifyData',
      says: 'Watch it climb down, on nothing real',
    },
    { command: 'belay run restart.yaml --targets group:web', says: 'A Command document on hosts' },
    { command: 'belay run rotate.yaml --secret Password=env:PGPASSWORD -y --json', says: 'From a script' },
  ],
  load: () => import('./commands/run.ts'),
});
