/** Every command as data. Help, completion and documentation are made from this; commander is built from it. */
import type { CommandSpec, ExampleSpec, OptionSpec } from './command-spec.ts';
import { complianceCommands } from './compliance-commands.ts';
import { documentCommands } from './document-commands.ts';
import { notifyCommands } from './notify-commands.ts';
import { runCommand } from './run-command.ts';
import { windowCommands } from './window-commands.ts';

const json: OptionSpec = {
  name: 'json',
  says: 'Machine-readable, on stdout; never a colour or a question in it',
};
const yes: OptionSpec = {
  name: 'yes',
  short: 'y',
  says: 'Do not ask before the start; never answers an approval',
};
const noWait: OptionSpec = {
  name: 'no-wait',
  says: 'Come back with exit code 6 as soon as the execution has to wait for a person',
};
const leaveToDaemon: OptionSpec = {
  name: 'leave-to-daemon',
  says: 'Come back with exit code 6 whenever it waits for a person or sleeps; belay daemon goes on with it',
};
const waitLock: OptionSpec = {
  name: 'wait-lock',
  value: 'SECONDS',
  isValueOptional: true,
  says: 'Wait for locks that another execution holds (an hour) instead of ending with exit code 5',
};
const step = (says: string): OptionSpec => ({ name: 'step', value: 'NAME', values: 'step', says });
const comment: OptionSpec = { name: 'comment', value: 'TEXT', says: 'Kept with the answer' };
const signingKey: OptionSpec = {
  name: 'key',
  value: 'FILE',
  says: 'Where approvals are signed: the key, or the .pub file of one in the agent. Default: what belay.yaml knows of yours',
};
const signingIdentity: OptionSpec = {
  name: 'aws',
  says: 'Where approvals are signed: as the AWS identity of this environment (AWS_PROFILE), asked of AWS itself',
};
const execution = (required: boolean, says: string) => ({
  name: 'ID',
  says: `${says}; any unique beginning of an id${required ? '' : ', the latest without one'}`,
  required,
  values: 'execution' as const,
});

/** Understood by every command, before or behind its name. */
export const globalOptions: readonly OptionSpec[] = [
  { name: 'state', value: 'DIR', values: 'file', says: 'Where executions are kept (BELAY_STATE)' },
  { name: 'config', value: 'FILE', values: 'file', says: 'Another belay.yaml (BELAY_CONFIG)' },
  {
    name: 'color',
    value: 'WHEN',
    choices: ['always', 'never', 'auto'],
    says: 'Colours: always, never or auto',
  },
  { name: 'debug', says: 'Show stack traces of bugs' },
];

/** What `belay` alone shows. */
export const firstExamples: readonly ExampleSpec[] = [
  { command: 'belay init', says: 'Writes a belay.yaml and a first runbook here' },
  { command: 'belay run hello.yaml', says: 'Runs a runbook, and climbs back down when a step fails' },
  { command: 'belay list', says: 'What ran, what waits, what was interrupted' },
];

/** Commands of two words, by the first one. */
export const families = [
  { name: 'window', summary: 'Maintenance windows: when runbooks run unattended, and which' },
  { name: 'notify', summary: 'Channels: how people are told' },
] as const;

export const commandTree: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'Write a commented belay.yaml and a first runbook here',
    args: [],
    options: [],
    examples: [{ command: 'belay init', says: 'Never overwrites anything' }],
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'validate',
    summary: 'Say everything that is wrong with runbooks; nothing is run',
    args: [{ name: 'FILE', says: 'Runbooks', required: true, variadic: true, values: 'file' }],
    options: [
      {
        name: 'strict-ssm',
        says: 'Refuse what plain SSM Automation does not know, and apply AWS’s size limits',
      },
      json,
    ],
    examples: [
      { command: 'belay validate runbooks/*.yaml', says: 'All runbooks of a folder' },
      { command: 'belay validate patch.yaml --strict-ssm', says: 'Would AWS take it?' },
    ],
    load: () => import('./commands/validate.ts'),
  },
  ...documentCommands,
  runCommand({ waitLock, noWait, leaveToDaemon, yes, json }),
  {
    name: 'list',
    summary: 'Executions, newest first',
    args: [],
    options: [
      { name: 'limit', short: 'n', value: 'COUNT', says: 'At most so many (20; with --json all)' },
      { name: 'all', says: 'Also those that steps of them started' },
      json,
      {
        name: 'brief',
        says: 'With --json: only what the table has, which is fast however many they are',
      },
    ],
    examples: [
      { command: 'belay list', says: 'The latest ones' },
      { command: 'belay list --json', says: 'All of them, for scripts' },
    ],
    load: () => import('./commands/list.ts'),
  },
  {
    name: 'show',
    summary: 'Everything about one execution',
    args: [execution(false, 'The execution')],
    options: [json],
    examples: [
      { command: 'belay show', says: 'The latest' },
      { command: 'belay show 01JD3K --json', says: 'Steps, outputs, failures and rollback as JSON' },
    ],
    load: () => import('./commands/show.ts'),
  },
  {
    name: 'logs',
    summary: 'What the steps wrote',
    args: [execution(false, 'The execution')],
    options: [
      step('Only this step, and its undo'),
      { name: 'follow', short: 'f', says: 'Go on until the execution ends' },
    ],
    examples: [
      { command: 'belay logs', says: 'All output of the latest execution' },
      { command: 'belay logs 01JD3K --step Patch -f', says: 'Follow one step' },
    ],
    load: () => import('./commands/logs.ts'),
  },
  {
    name: 'resume',
    summary: 'Go on with an execution whose runner is gone',
    args: [execution(false, 'The execution')],
    options: [noWait, leaveToDaemon, json],
    examples: [
      { command: 'belay resume', says: 'The latest' },
      { command: 'belay resume 01JD3K', says: 'Looks first at what really happened; nothing is done twice' },
    ],
    load: () => import('./commands/resume.ts'),
  },
  {
    name: 'rollback',
    summary: 'Take back what a finished execution did, last step first',
    args: [execution(true, 'The execution')],
    options: [
      step('Undo only this step'),
      { name: 'force', says: 'Although somebody changed the state since the run ended' },
      waitLock,
      noWait,
      yes,
      json,
    ],
    examples: [
      { command: 'belay rollback 01JD3K', says: 'Everything' },
      { command: 'belay rollback 01JD3K --step Patch', says: 'One step' },
      {
        command: 'belay rollback 01JD3K --wait-lock=600',
        says: 'When whoever works on the same host is done',
      },
    ],
    load: () => import('./commands/rollback.ts'),
  },
  {
    name: 'cancel',
    summary: 'Stop an execution; it climbs down as its runbook says',
    args: [execution(true, 'The execution')],
    options: [noWait, json],
    examples: [{ command: 'belay cancel 01JD3K', says: 'Works from another terminal, too' }],
    load: () => import('./commands/cancel.ts'),
  },
  {
    name: 'complete',
    summary: 'End an execution behind the step that is under way, without a stop',
    args: [execution(true, 'The execution')],
    options: [],
    examples: [{ command: 'belay complete 01JD3K', says: 'No further step begins; nothing is undone' }],
    notes: [
      'A loop ends with its pass; a rolling and a child come to their end. belay cancel stops at once and climbs down.',
      'Where a step has failed before, the execution ends Failed and climbs down as its runbook says.',
    ],
    load: () => import('./commands/complete.ts'),
  },
  {
    name: 'discard',
    summary: 'Say the last word on an execution that nobody runs: nothing of it goes on',
    args: [execution(true, 'The execution')],
    options: [{ name: 'why', value: 'TEXT', says: 'The reason; kept with your name, and needed' }],
    examples: [
      { command: 'belay discard 01JD3K --why "db1 is gone"', says: 'One that cannot be resumed' },
      {
        command: 'belay discard 01JD3K --why "mended by hand, see OPS-12"',
        says: 'One whose rollback was partial, and which a person has put right',
      },
    ],
    notes: ['It changes nothing on hosts and gives back the locks. belay cancel climbs down instead.'],
    load: () => import('./commands/discard.ts'),
  },
  {
    name: 'approve',
    summary: 'Say yes where an execution waits for approval',
    args: [execution(true, 'The execution')],
    options: [
      step('The step that waits; needed only for certainty'),
      comment,
      signingKey,
      signingIdentity,
      { name: 'request', says: 'Decide nothing: print what an approver of another account signs' },
    ],
    examples: [
      { command: 'belay approve 01JD3K --step AskRestore', says: 'As one of the approvers' },
      { command: 'belay approve 01JD3K --request', says: 'For belay sign in another account' },
    ],
    load: () => import('./commands/approve.ts'),
  },
  {
    name: 'sign',
    summary: 'Decide on what an execution of another account waits for',
    args: [
      { name: 'FILE', says: 'What belay approve --request printed there', required: true, values: 'file' },
    ],
    options: [
      { name: 'reject', says: 'Say no' },
      comment,
      signingKey,
      signingIdentity,
      {
        name: 'out',
        value: 'DIR',
        values: 'file',
        says: 'Where the signed decision is laid; - prints it. Default: the inbox that the request names',
      },
    ],
    examples: [
      { command: 'belay sign /tmp/request', says: 'Says yes, with a key that belay.yaml there knows' },
    ],
    notes: [
      'belay.yaml there needs approvals: { inbox: true }; the signature decides, not whose the file is.',
    ],
    load: () => import('./commands/sign.ts'),
  },
  {
    name: 'reject',
    summary: 'Say no where an execution waits for approval',
    args: [execution(true, 'The execution')],
    options: [step('The step that waits; needed only for certainty'), comment, signingKey, signingIdentity],
    examples: [
      { command: 'belay reject 01JD3K --comment "not tonight"', says: 'The step fails with REJECTED' },
    ],
    notes: ['Where nobody knows whether an effect happened, reject says that it did not.'],
    load: () => import('./commands/reject.ts'),
  },
  {
    name: 'continue',
    summary: 'Go on behind a pause, or with the next step of an interactive run',
    args: [execution(true, 'The execution')],
    options: [step('The step that waits, for certainty; in an interactive run the step to start')],
    examples: [
      { command: 'belay continue 01JD3K --step Look', says: 'Goes on behind aws:pause' },
      { command: 'belay continue 01JD3K', says: 'Starts the next step of a run with --interactive' },
    ],
    notes: ['Where nobody knows whether an effect happened, continue says that it did.'],
    load: () => import('./commands/continue.ts'),
  },
  {
    name: 'locks',
    summary: 'Which hosts, clusters and other resources are held, and by whom',
    args: [],
    options: [
      { name: 'hosts', says: 'Ask every host of belay.yaml, too: other machines hold locks there' },
      json,
    ],
    examples: [
      { command: 'belay locks', says: 'What executions of this state folder hold' },
      { command: 'belay locks --hosts', says: 'What the hosts themselves say' },
    ],
    load: () => import('./commands/locks.ts'),
  },
  {
    name: 'unlock',
    summary: 'Free a lock whose holder is lost for good',
    args: [{ name: 'LOCK', says: 'host:db1, cluster:minio', required: true }],
    options: [
      {
        name: 'holder',
        value: 'ID',
        says: 'The execution that holds it; needed, so that nobody else is freed',
      },
      yes,
    ],
    examples: [{ command: 'belay unlock host:db1 --holder 01JD3K', says: 'Says first what it frees' }],
    notes: [
      'A runner that died is no reason: belay resume goes on with what it holds, belay cancel climbs down.',
    ],
    load: () => import('./commands/unlock.ts'),
  },
  {
    name: 'prune',
    summary: 'Remove executions that cannot be taken back any more, here and on hosts',
    args: [],
    options: [
      { name: 'dry-run', says: 'Only tell what would go, what would stay, and why' },
      {
        name: 'gone',
        value: 'HOST',
        repeatable: true,
        says: 'This host does not exist any more: nothing is to be removed there',
      },
      {
        name: 'forget',
        value: 'ID',
        says: 'With --host: what it keeps for this execution, of whichever state folder',
      },
      { name: 'host', value: 'HOST', says: 'With --forget: where' },
      yes,
      json,
    ],
    examples: [
      { command: 'belay prune --dry-run', says: 'What would go, and why the rest stays' },
      { command: 'belay prune -y', says: 'From a timer' },
    ],
    notes: [
      'An execution goes when the time keep: of belay.yaml (90d) has passed since it ended, or when it was discarded.',
      'It stays while it is open, its rollback is partial, a restore point of it is there, or it holds a lock.',
      'No age of a file counts. Hosts that do not answer are named; the next prune tries them again.',
    ],
    load: () => import('./commands/prune.ts'),
  },
  ...windowCommands,
  ...complianceCommands,
  ...notifyCommands,
  {
    name: 'explain',
    summary: 'What an action does, takes, gives, and how it is undone',
    args: [
      { name: 'ACTION', says: 'Its name; all are listed without one', required: false, values: 'action' },
    ],
    options: [json],
    examples: [
      { command: 'belay explain', says: 'All actions' },
      { command: 'belay explain host:package', says: 'One of them' },
    ],
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'doctor',
    summary: 'Look whether everything is there; changes nothing',
    args: [],
    options: [json],
    examples: [{ command: 'belay doctor', says: 'Tools, configuration, AWS, hosts, leftovers' }],
    load: () => import('./commands/doctor.ts'),
  },
];
