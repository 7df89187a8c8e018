/** The editor's JSON Schema (draft-07) of a compliance file. */
import type { JsonObject } from '../json.ts';
import type { CheckCatalog } from './checks.ts';
import { remedyModes, severities } from './types.ts';

const name = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' };
const texts = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };

export function complianceSchema(catalog: CheckCatalog): JsonObject {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Belay compliance file',
    description: 'What must hold of hosts, databases, clusters and the account. belay check looks.',
    type: 'object',
    additionalProperties: false,
    required: ['Name', 'Rules'],
    properties: {
      Name: { description: 'The name under which findings are remembered.', ...name },
      Description: { type: 'string' },
      Targets: {
        description: 'Of rules that name none: hosts, ranges, group:NAME, tag:KEY=VALUE.',
        ...texts,
      },
      Notify: {
        description: 'Channels of belay.yaml that are told, beside those that are told of everything.',
        type: 'object',
        additionalProperties: false,
        required: ['Channels'],
        properties: { Channels: texts },
      },
      Report: {
        description: 'Where results go besides the memory.',
        type: 'object',
        additionalProperties: false,
        properties: {
          SsmComplianceType: { type: 'string', pattern: '^Custom:[A-Za-z0-9_-]{1,93}$' },
          MetricNamespace: { type: 'string' },
        },
      },
      Rules: { type: 'array', minItems: 1, items: { $ref: '#/definitions/rule' } },
    },
    definitions: { rule: rule(catalog) },
  };
}

function rule(catalog: CheckCatalog): JsonObject {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['Name', 'Check'],
    properties: {
      Name: { description: 'Findings are remembered by it.', ...name },
      Severity: { description: 'As SSM compliance has it. Default: MEDIUM.', enum: [...severities] },
      Check: { description: 'An action of the family check:.', enum: [...catalog.names] },
      Targets: {
        description: 'Hosts, ranges, group:NAME, tag:KEY=VALUE, instance ids or instance-tag:KEY=VALUE.',
        ...texts,
      },
      Inputs: { type: 'object' },
      Secrets: {
        description: 'References by input: file:PATH, env:VAR, ssm:/path or secretsmanager:ID.',
        type: 'object',
        additionalProperties: { type: 'string', pattern: '^(file:|env:|ssm:|secretsmanager:)' },
      },
      Why: { description: 'For whoever reads a finding.', type: 'string' },
      Remedy: {
        description: 'What mends a finding.',
        type: 'object',
        additionalProperties: false,
        required: ['Runbook'],
        properties: {
          Runbook: { description: 'Relative to this file.', type: 'string' },
          Parameters: {
            description: 'May hold {{ TARGET }}, {{ SUBJECT }}, {{ WANTED }}, {{ FOUND }}.',
            type: 'object',
          },
          Mode: { description: 'Default: propose.', enum: [...remedyModes] },
          MaxTargets: {
            description:
              'At most so many targets in one check; with Mode approve, so many at the same time. Default: 1.',
            type: 'integer',
            minimum: 1,
            maximum: 1000,
          },
          Approvers: {
            description: 'Of Mode approve: who may say yes.',
            ...texts,
          },
          MinRequiredApprovals: {
            description: 'Of Mode approve. Default: 1.',
            type: 'integer',
            minimum: 1,
            maximum: 10,
          },
        },
      },
    },
    allOf: catalog.names.flatMap((each) => {
      const description = catalog.check(each);
      if (description === undefined) return [];
      const { required: _, ...inputs } = description.inputs;
      const shown = description.secretInputs.length === 0 ? description.inputs : inputs;
      return [
        // if/then, said by its negation: an object literal with a `then` reads as a promise.
        { if: { not: { properties: { Check: { const: each } } } }, else: { properties: { Inputs: shown } } },
      ];
    }),
  };
}
