/** What people can be told of, by the names that channels subscribe to. Pure. */

export const eventNames = [
  'runFailed',
  'rolledBackClean',
  'rolledBackPartial',
  'rolledBackFailed',
  'interrupted',
  'needsPerson',
  'approvalWanted',
  'lockRefused',
  'windowSummary',
  'findingNew',
  'findingFixed',
  'findingUnknown',
  'checkStopped',
  'channelFailed',
  'resolved',
] as const;

export type EventName = (typeof eventNames)[number];

/** What each means, for the editor and the documentation. */
export const eventMeanings: Readonly<Record<EventName, string>> = {
  runFailed: 'A run failed, timed out or was cancelled.',
  rolledBackClean: 'A rollback ended, and everything is as it was.',
  rolledBackPartial: 'A rollback ended, and something is still changed.',
  rolledBackFailed: 'A rollback ended, and nothing could be taken back.',
  interrupted: 'The runner of an execution is gone before its end.',
  needsPerson:
    'An execution waits: a pause, an effect of which nobody knows whether it happened, or whether to climb down.',
  approvalWanted: 'An execution or a maintenance window waits for an approval.',
  lockRefused: 'An execution got no lock, because another one holds it.',
  windowSummary: 'What a run of a maintenance window came to.',
  findingNew: 'A compliance check found what it had not found before, or what nobody acknowledges any more.',
  findingFixed:
    'What a compliance check had found is fixed, can be looked at again, or is no longer checked; the message says which.',
  findingUnknown: 'A compliance check could not tell.',
  checkStopped: 'A compliance check did not come to its end.',
  channelFailed: 'Another channel cannot be reached.',
  resolved: 'What this channel was told of before is over.',
};

/** Words for several events. */
export const eventGroups = {
  all: eventNames,
  rolledBack: ['rolledBackClean', 'rolledBackPartial', 'rolledBackFailed'],
  finding: ['findingNew', 'findingFixed', 'findingUnknown'],
} as const satisfies Readonly<Record<string, readonly EventName[]>>;

export type EventGroup = keyof typeof eventGroups;

/** The events that a word of `events:` means; undefined: it means none. */
export function eventsOf(word: string): readonly EventName[] | undefined {
  if (Object.hasOwn(eventGroups, word)) return eventGroups[word as EventGroup];
  const name = eventNames.find((each) => each === word);
  return name === undefined ? undefined : [name];
}

/** Lower ones are read first in a summary. */
export function urgencyOf(event: EventName): number {
  return mostUrgentFirst.indexOf(event);
}

const mostUrgentFirst: readonly EventName[] = [
  'rolledBackFailed',
  'rolledBackPartial',
  'interrupted',
  'needsPerson',
  'approvalWanted',
  'runFailed',
  'checkStopped',
  'findingNew',
  'findingUnknown',
  'lockRefused',
  'windowSummary',
  'channelFailed',
  'rolledBackClean',
  'findingFixed',
  'resolved',
];
