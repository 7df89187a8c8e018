/** The editor's JSON Schema (draft-07) of belay.yaml. */
import type { JsonObject } from '../json.ts';
import { channelsSchema, eventSchema } from '../notify/index.ts';

/** A name, or a name with one range. */
const hostNames =
  '^([A-Za-z0-9_]|\\{[0-9]+\\.\\.[0-9]+\\})([A-Za-z0-9_.-]*|[A-Za-z0-9_.-]*\\{[0-9]+\\.\\.[0-9]+\\}[A-Za-z0-9_.-]*)$';

export function inventorySchema(): JsonObject {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Belay inventory',
    description: 'The hosts that Belay knows beside those that AWS knows.',
    type: 'object',
    additionalProperties: false,
    properties: {
      keep: {
        description:
          'How long after its end an execution can be taken back: 90d, 12w, 36h. Then belay prune removes it and what hosts keep for it. Default: 90d.',
        type: 'string',
        pattern: '^(?:[1-9][0-9]*(?:h|d|w)|P.*)$',
      },
      keyExchange: {
        description:
          'How ssh agrees on keys with every host and bastion, best first, by the names of ssh -Q kex; wins over KexAlgorithms of ssh_config. Default: the fast ones that the ssh of this machine knows (mlkem768x25519-sha256, curve25519-sha256), then what else it offers.',
        anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
      },
      runbooks: {
        description:
          'Folders with runbooks that aws:executeAutomation names, relative to this file. They are looked in behind those beside the calling runbook.',
        anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
      },
      approvers: {
        description:
          'Who may approve, each with OpenSSH public keys or AWS identities, and groups of them. An approval of aws:approve is then a signature.',
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$' },
        additionalProperties: {
          type: 'object',
          additionalProperties: false,
          properties: {
            keys: {
              description: 'Lines of OpenSSH public key files.',
              anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
            },
            arns: {
              description:
                'ARNs of AWS users, roles (every session of one), or sessions of roles (assumed-role).',
              anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
            },
            user: {
              description: 'The operating-system users who are the same person. Default: the name.',
              anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
            },
            members: {
              description: 'Makes it a group: names of approvers.',
              anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
            },
          },
        },
      },
      approvals: {
        description: 'What an approval must be.',
        type: 'object',
        additionalProperties: false,
        properties: {
          separate: {
            description: 'Whoever started an execution may not approve its steps. Default: false.',
            type: 'boolean',
          },
          allowedSigners: {
            description:
              'A file of ssh-keygen (ALLOWED SIGNERS), relative to this one; its principals may approve.',
            type: 'string',
          },
          inbox: {
            description:
              'Makes the inbox of the state folder, into which other accounts of this machine may lay signed decisions. Default: false.',
            type: 'boolean',
          },
          stsEndpoint: {
            description:
              'Where AWS identities are asked for, https without a path. Default: STS of AWS in the region of the approver.',
            type: 'string',
          },
        },
      },
      hosts: {
        description:
          'Hosts by the name that runbooks use. minio{01..04} is four hosts; a range in a value below, of equal length, gives each its own.',
        type: 'object',
        propertyNames: { pattern: hostNames },
        additionalProperties: { anyOf: [{ $ref: '#/definitions/host' }, { type: 'null' }] },
      },
      groups: {
        description: 'Names for lists of hosts, ranges of hosts and other groups.',
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$' },
        additionalProperties: {
          type: 'array',
          minItems: 1,
          items: { type: 'string', pattern: hostNames },
        },
      },
      windows: {
        description: 'The folder of window files, relative to this file. Default: windows.',
        type: 'string',
      },
      notify: channelsSchema(),
    },
    definitions: { host, event: eventSchema },
  };
}

const host: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    transport: {
      description: 'How the host is reached. Default: ssh, or ssm when only instanceId is given.',
      enum: ['ssh', 'ssm', 'local'],
    },
    address: {
      description: 'Name or IP address to connect to. Default: the name of the host.',
      type: 'string',
    },
    port: {
      description: 'Port of the SSH server.',
      anyOf: [
        { type: 'integer', minimum: 1, maximum: 65_535 },
        { type: 'string', pattern: '^([0-9]|\\{[0-9]+\\.\\.[0-9]+\\})+$' },
      ],
    },
    user: { description: 'User to log in as. Default: what ssh_config says.', type: 'string' },
    identityFile: { description: 'Private key, relative to this file; ~ is your home.', type: 'string' },
    knownHostsFile: {
      description: 'Known host keys beside your own, relative to this file; ~ is your home.',
      type: 'string',
    },
    via: {
      description: 'Bastions to jump through, the first hop first.',
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    },
    become: { description: 'Whether commands run through sudo. Default: none.', enum: ['none', 'sudo'] },
    instanceId: {
      description: 'The EC2 instance or managed node that the host is; its name and this id are one target.',
      type: 'string',
      pattern: '^m?i-([0-9a-f]{8,17}|[0-9a-f]*\\{[0-9]+\\.\\.[0-9]+\\}[0-9a-f]*)$',
    },
    machineId: {
      description:
        'The machine that must answer under this name, by its /etc/machine-id. Write it where a host was rebuilt while an execution was open.',
      type: 'string',
      pattern: '^[0-9a-f]{32}$',
    },
    tags: {
      description: 'Tags by which runbooks may target the host.',
      type: 'object',
      additionalProperties: { type: 'string' },
    },
  },
};
