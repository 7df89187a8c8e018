/** The editor's JSON Schema (draft-07) of `notify:` in belay.yaml. */
import type { JsonObject } from '../json.ts';
import { eventGroups, eventMeanings, eventNames } from './events.ts';
import { fieldMeanings } from './message.ts';

const reference = (says: string): JsonObject => ({
  description: `${says} By reference: env:VAR, file:PATH, ssm:/path or secretsmanager:ID.`,
  type: 'string',
  pattern: '^(env|file|ssm|secretsmanager):.',
});
const topic = { type: 'string', pattern: '^arn:aws[a-z-]*:sns:' };
const words = { type: 'array', minItems: 1, items: { type: 'string' } };
const caFile = {
  description: 'Certificates that are trusted instead of the usual ones, PEM.',
  type: 'string',
};
const strict = (properties: JsonObject, required: readonly string[]): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});

export function channelsSchema(): JsonObject {
  return {
    description: 'Channels: the ways by which people are told, by name. docs/notify.md has examples.',
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$' },
    additionalProperties: { ...strict(channel, []), oneOf: ways.map((way) => ({ required: [way] })) },
  };
}

const ways = ['sns', 'webhook', 'email', 'command'];

const channel: JsonObject = {
  sns: {
    description: 'An SNS topic.',
    anyOf: [
      topic,
      strict({ topicArn: topic, group: { description: 'Message group of a FIFO topic.', type: 'string' } }, [
        'topicArn',
      ]),
    ],
  },
  webhook: {
    description: 'An HTTP receiver: its address, or a reference to it.',
    anyOf: [
      { type: 'string' },
      strict(
        {
          url: { description: 'https address, or a reference to it.', type: 'string' },
          format: { description: 'Default: json.', enum: ['json', 'slack'] },
          signWith: reference('The key of the signature.'),
          bearer: reference('Sent as Authorization: Bearer.'),
          caFile,
        },
        ['url'],
      ),
    ],
  },
  email: {
    description: 'Mail over SMTP.',
    ...strict(
      {
        server: { type: 'string' },
        port: { description: 'Default: 587, with tls 465.', type: 'integer', minimum: 1, maximum: 65_535 },
        security: {
          description: 'Default: starttls. none is for a server on this machine.',
          enum: ['starttls', 'tls', 'none'],
        },
        from: { type: 'string' },
        to: { anyOf: [{ type: 'string' }, words] },
        user: { type: 'string' },
        password: reference('The password of user.'),
        caFile,
      },
      ['server', 'from', 'to'],
    ),
  },
  command: {
    description: 'A program that reads the message on stdin; no shell reads its words.',
    anyOf: [
      words,
      strict(
        {
          argv: words,
          format: { description: 'Default: text.', enum: ['text', 'json'] },
          timeoutSeconds: { description: 'Default: 10.', type: 'integer', minimum: 1, maximum: 60 },
        },
        ['argv'],
      ),
    ],
  },
  events: {
    description: 'What the channel is told of. Default: everything.',
    anyOf: [
      { $ref: '#/definitions/event' },
      { type: 'array', minItems: 1, items: { $ref: '#/definitions/event' } },
    ],
  },
  onlyNamed: {
    description: 'Tell it only of runbooks, windows and compliance files that name it. Default: false.',
    type: 'boolean',
  },
  subject: { description: `First line, with places: ${placesText()}.`, type: 'string' },
  text: { description: 'The text, with the same places.', type: 'string' },
};

function placesText(): string {
  return Object.keys(fieldMeanings)
    .map((name) => `{{ ${name} }}`)
    .join(', ');
}

export const eventSchema: JsonObject = {
  anyOf: [
    { enum: Object.keys(eventGroups) },
    ...eventNames.map((name) => ({ const: name, description: eventMeanings[name] })),
  ],
};
