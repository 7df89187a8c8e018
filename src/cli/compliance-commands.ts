/** The commands around compliance files. */
import type { CommandSpec, OptionSpec } from './command-spec.ts';

const json: OptionSpec = { name: 'json', says: 'Machine-readable, on stdout' };
const host = (says: string): OptionSpec => ({ name: 'host', value: 'HOST', says });

export const complianceCommands: readonly CommandSpec[] = [
  {
    name: 'check',
    summary: 'Look whether hosts, databases, clusters and the account are as they must be',
    args: [
      {
        name: 'WHERE',
        says: 'A compliance file or a folder of them (compliance/ beside belay.yaml, or here)',
        required: false,
        values: 'file',
      },
    ],
    options: [
      { name: 'rule', value: 'RULE', repeatable: true, says: 'Only this rule; may be repeated' },
      {
        name: 'limit',
        value: 'HOSTS',
        repeatable: true,
        says: 'Only these hosts: names, ranges, group:NAME or tag:KEY=VALUE, with commas between',
      },
      {
        name: 'html',
        value: 'FILE',
        values: 'file',
        says: 'Write a report that any browser shows, without network',
      },
      {
        name: 'mend',
        says: 'Run the remedies whose Mode is automatic, ask for those whose Mode is approve, look again, and take back what did not help',
      },
      { name: 'junit', says: 'JUnit XML on stdout, for CI servers' },
      json,
    ],
    examples: [
      { command: 'belay check', says: 'Every compliance file of the project' },
      { command: 'belay check --html report.html', says: 'With a report to pass on' },
      { command: 'belay check compliance/base.yaml --limit group:web', says: 'One file, on some hosts' },
    ],
    notes: [
      'Ends 0 when everything is known to hold, 8 when something does not, 9 when something is not known.',
      'What could not be looked at is unknown: never compliant, and never fixed.',
      'Without --mend nothing is changed anywhere.',
    ],
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'findings',
    summary: 'What checks have found: since when, and who knows of it',
    args: [],
    options: [
      { name: 'open', says: 'Only what is neither fixed nor retired' },
      { name: 'rule', value: 'RULE', says: 'Of one rule' },
      host('On one host, or account'),
      { name: 'since', value: 'WHEN', says: 'Seen or closed since: 7d, or an instant' },
      json,
    ],
    examples: [
      { command: 'belay findings --open', says: 'What is wrong now, as far as the last check knows' },
      { command: 'belay findings --host db1 --since 30d', says: 'The last month of one host' },
    ],
    load: () => import('./commands/findings.ts'),
  },
  {
    name: 'ack',
    summary: 'Say that you know of findings; they are quiet until the time that you give',
    args: [{ name: 'RULE', says: 'The rule', required: true }],
    options: [
      host('Only on this host'),
      { name: 'subject', value: 'SUBJECT', says: 'Only of this subject, as findings name it' },
      { name: 'until', value: 'WHEN', says: 'Needed: 14d, a date, or an instant' },
      { name: 'why', value: 'TEXT', says: 'Needed: kept with your name' },
      { name: 'end', says: 'End an acknowledgement that was given with the same --host and --subject' },
    ],
    examples: [
      {
        command: 'belay ack kernel --host db1 --until 14d --why "reboots on Sunday"',
        says: 'One host of a rule',
      },
    ],
    notes: ['A check does not end 8 for what is acknowledged. What is unknown stays unknown (9).'],
    load: () => import('./commands/ack.ts'),
  },
];
