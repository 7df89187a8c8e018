/** The editor's JSON Schema (draft-07) of a window file. */
import type { JsonObject } from '../json.ts';
import { scheduleCharactersMax } from '../schedule/index.ts';

const instant = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d:?\\d\\d)$',
};
const duration = { type: 'string', pattern: '^P' };
const texts = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };

export function windowSchema(): JsonObject {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Belay maintenance window',
    description: 'When runbooks run unattended, and which. Keys that AWS has too mean what they mean there.',
    type: 'object',
    additionalProperties: false,
    required: ['Name', 'Schedule', 'Duration', 'Tasks'],
    properties: {
      Name: { description: 'The name of the window.', type: 'string', pattern: '^[a-zA-Z0-9_\\-.]{3,128}$' },
      Description: { type: 'string', maxLength: 128 },
      Schedule: {
        description:
          'cron(minutes hours day-of-month month day-of-week year), rate(7 days) or at(2026-12-31T02:00:00).',
        type: 'string',
        maxLength: scheduleCharactersMax,
      },
      ScheduleTimezone: {
        description: 'Zone of the schedule, as Europe/Berlin. Default: UTC.',
        type: 'string',
      },
      ScheduleOffset: {
        description: 'Days by which a run is later than the cron expression says.',
        type: 'integer',
        minimum: 1,
        maximum: 6,
      },
      StartDate: { description: 'Nothing is due before.', ...instant },
      EndDate: { description: 'Nothing is due after.', ...instant },
      Duration: { description: 'Hours from the start to the end.', type: 'integer', minimum: 1, maximum: 24 },
      Cutoff: {
        description: 'Hours before the end from which on nothing starts. Default: 0.',
        type: 'integer',
        minimum: 0,
        maximum: 23,
      },
      Enabled: { description: 'Default: true.', type: 'boolean' },
      Freeze: { description: 'iCalendar files or URLs; nothing runs during their events.', ...texts },
      MissedRuns: {
        description: 'What becomes of a run that was due while no daemon ran. Default: skip.',
        anyOf: [
          { const: 'skip' },
          {
            type: 'object',
            additionalProperties: false,
            required: ['catchUp'],
            properties: {
              catchUp: { description: 'The greatest age at which it is made up for.', ...duration },
            },
          },
        ],
      },
      Approval: {
        description: 'Who has to say yes before a run of the window begins. Default: none.',
        anyOf: [
          { const: 'none' },
          {
            type: 'object',
            additionalProperties: false,
            required: ['Approvers'],
            properties: { Approvers: texts, MinRequiredApprovals: { type: 'integer', minimum: 1 } },
          },
        ],
      },
      Notify: {
        description: 'Who is told what each run of the window came to.',
        type: 'object',
        additionalProperties: false,
        minProperties: 1,
        properties: {
          Sns: { description: 'ARN of an SNS topic.', type: 'string', pattern: '^arn:aws' },
          Channels: { description: 'Channels of belay.yaml, beside those that are told of all.', ...texts },
        },
      },
      Tasks: { type: 'array', minItems: 1, items: { $ref: '#/definitions/task' } },
    },
    definitions: { task },
  };
}

const share = (says: string): JsonObject => ({
  description: says,
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', pattern: '^\\d+%?$' },
  ],
});

const task: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['Name'],
  oneOf: [{ required: ['Runbook'] }, { required: ['Check'] }],
  properties: {
    Name: { type: 'string' },
    Runbook: { description: 'The runbook, relative to this file.', type: 'string' },
    Check: { description: 'A compliance file that is checked, relative to this file.', type: 'string' },
    TaskType: {
      description:
        'Of an imported task: AWS cancels running commands at the cut-off under CANCEL_TASK. Default: AUTOMATION.',
      enum: ['AUTOMATION', 'RUN_COMMAND'],
    },
    Priority: {
      description: 'Lower ones run first, equal ones side by side. Default: 1.',
      type: 'integer',
      minimum: 0,
    },
    Parameters: {
      description: 'Of the runbook; {{ TARGET_ID }} and the like stand for values of the run.',
      type: 'object',
    },
    Targets: {
      description: 'Hosts, ranges, group:NAME, tag:KEY=VALUE or instance ids: one run for each.',
      ...texts,
    },
    MaxConcurrency: share('Targets side by side, as 2 or 10%. Default: 1.'),
    MaxErrors: share('No further target once more have failed, as 2 or 10%. Default: 0.'),
    CutoffBehavior: {
      description: 'What becomes of a run that goes on when the window ends. Default: CLIMB_DOWN.',
      enum: ['CLIMB_DOWN', 'CONTINUE_TASK', 'CANCEL_TASK'],
    },
    Reserve: {
      description: 'The longest that a run may take forward, as PT45M; then it climbs down.',
      ...duration,
    },
    Secrets: {
      description: 'References by parameter: file:PATH, env:VAR, ssm:/path or secretsmanager:ID.',
      type: 'object',
      additionalProperties: { type: 'string', pattern: '^(file:|env:|ssm:|secretsmanager:)' },
    },
    SshAgent: { description: 'Socket of the ssh agent that holds the keys.', type: 'string' },
    AwsProfile: { description: 'Profile of the AWS configuration.', type: 'string' },
  },
};
