/** What AWS tells of maintenance windows, read strictly enough to be written down: windows, their tasks, and targets. */
import { numberIn, objectIn, objectsIn, textIn, textsIn } from '../../actions/aws/reply.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { AwsTarget, AwsTask, AwsWindow } from '../../windows/index.ts';

export function windowOf(reply: JsonObject): AwsWindow {
  const offset = numberIn(reply, 'ScheduleOffset');
  return {
    id: textIn(reply, 'WindowId'),
    name: textIn(reply, 'Name'),
    ...optional('description', textIn(reply, 'Description')),
    schedule: textIn(reply, 'Schedule'),
    ...optional('timezone', textIn(reply, 'ScheduleTimezone')),
    ...(offset === null || offset === 0 ? {} : { offsetDays: offset }),
    ...optional('startDate', textIn(reply, 'StartDate')),
    ...optional('endDate', textIn(reply, 'EndDate')),
    durationHours: numberIn(reply, 'Duration') ?? 0,
    cutoffHours: numberIn(reply, 'Cutoff') ?? 0,
    isEnabled: reply['Enabled'] !== false,
    createdAt: textIn(reply, 'CreatedDate'),
  };
}

export function taskOf(reply: JsonObject, registered: ReadonlyMap<string, readonly AwsTarget[]>): AwsTask {
  const invocation = objectIn(reply, 'TaskInvocationParameters');
  const type = textIn(reply, 'TaskType') || textIn(reply, 'Type');
  const given = objectIn(invocation, type === 'AUTOMATION' ? 'Automation' : 'RunCommand');
  const own = targetsOf(reply);
  const byWindow = own.filter(({ key }) => key === 'WindowTargetIds').flatMap(({ values }) => values);
  const direct = own.filter(({ key }) => key !== 'WindowTargetIds');
  return {
    id: textIn(reply, 'WindowTaskId'),
    ...optional('name', textIn(reply, 'Name')),
    type,
    arn: textIn(reply, 'TaskArn'),
    priority: numberIn(reply, 'Priority') ?? 0,
    targets: [
      ...(direct.length === 0 ? [] : [direct]),
      ...byWindow.map((id) => registered.get(id) ?? [{ key: `the target ${id}`, values: [] }]),
    ],
    ...optional('maxConcurrency', textIn(reply, 'MaxConcurrency')),
    ...optional('maxErrors', textIn(reply, 'MaxErrors')),
    ...optional('cutoffBehavior', textIn(reply, 'CutoffBehavior')),
    parameters: Object.fromEntries(
      Object.keys(objectIn(given, 'Parameters')).map((name) => [
        name,
        textsIn(objectIn(given, 'Parameters'), name),
      ]),
    ),
    ...optional('documentVersion', textIn(given, 'DocumentVersion')),
    ...(type === 'RUN_COMMAND' ? { command: commandOf(given) } : {}),
    ...optional('roleArn', textIn(reply, 'ServiceRoleArn')),
    hasAlarm: isJsonObject(reply['AlarmConfiguration']),
    asTold: reply,
  };
}

/** What aws:runCommand takes under the same names. */
const commandMembers = [
  'Comment',
  'TimeoutSeconds',
  'OutputS3BucketName',
  'OutputS3KeyPrefix',
  'CloudWatchOutputConfig',
  'NotificationConfig',
  'ServiceRoleArn',
  'DocumentHash',
  'DocumentHashType',
];

function commandOf(given: JsonObject): JsonObject {
  const members = commandMembers.flatMap((name): [string, Json][] => {
    const value = given[name];
    return value === undefined || value === null || value === '' ? [] : [[name, value]];
  });
  return Object.fromEntries(members);
}

export function targetsOf(reply: JsonObject): AwsTarget[] {
  return objectsIn(reply, 'Targets').map((target) => ({
    key: textIn(target, 'Key'),
    values: textsIn(target, 'Values'),
  }));
}

/** A member that is left out where AWS gave none. */
function optional(key: string, value: string): Readonly<Record<string, string>> {
  return value === '' ? {} : { [key]: value };
}
