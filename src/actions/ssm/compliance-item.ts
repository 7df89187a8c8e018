/** ssm:complianceItem: one item of a managed node in SSM Compliance; undo puts the previous one back, or takes it away. */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { callAws } from '../../transports/aws-calls.ts';
import { objectIn, objectsIn, pages, textIn } from '../aws/reply.ts';
import { restoring } from '../aws/restoring.ts';
import { ActionFailure, defineAction, done, type ActionContext, type UndoInputs } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';

const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNSPECIFIED'] as const;
const statuses = ['COMPLIANT', 'NON_COMPLIANT'] as const;
const resourceType = 'ManagedInstance';
/** PutComplianceItems takes no more at once, and an upload holds all items of its type. */
const itemsMax = 10_000;

type Item = {
  readonly Id: string;
  readonly Title: string;
  readonly Severity: string;
  readonly Status: string;
  readonly Details: Readonly<Record<string, string>>;
};
/** `Item` is null where the node had none of that id. */
type Before = { readonly Item: Item | null };

const inputs = strictObject({
  Host: Type.String({
    description: 'A host of the inventory with an instanceId, or the id of a managed node.',
  }),
  Type: Type.String({
    pattern: '^Custom:[A-Za-z0-9_-]{1,93}$',
    description:
      'An upload holds all items of a type, so two runs at once under one type may lose one of the two items.',
  }),
  Id: Type.String({ minLength: 1, maxLength: 100 }),
  Title: Type.String({ maxLength: 500 }),
  Status: Type.Enum(statuses),
  Severity: Type.Optional(Type.Enum(severities, { default: 'UNSPECIFIED' })),
  Details: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 64 }), Type.String({ maxLength: 4_096 })),
  ),
});
type Inputs = Static<typeof inputs>;

export const complianceItem = defineAction({
  name: 'ssm:complianceItem',
  summary:
    'Puts one item of a managed node into SSM Compliance, and leaves the others of its type as they are.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutComplianceItems.html',
  example: `
- name: Report
  action: ssm:complianceItem
  inputs:
    Host: '{{ Host }}'
    Type: Custom:PostgreSQL
    Id: patch-level
    Title: PostgreSQL {{ Patch.Version }} is installed and answers
    Status: COMPLIANT
    Severity: HIGH
`,
  inputs,
  outputs: strictObject({ ResourceId: Type.String({ description: 'The managed node.' }) }),
  timeoutSeconds: 120,
  permissions: () => ['ssm:ListComplianceItems', 'ssm:PutComplianceItems'],
  targets: ({ Host }) => [Host],
  hasHostTargets: false,

  before: ['Item'],
  settled: ['Item'],
  observe: async (inputs, context): Promise<Before> => ({
    Item: (await read(inputs, context)).find(({ Id }) => Id === inputs.Id) ?? null,
  }),

  effect: {
    kind: 'repeatable',
    execute: async (inputs, { Item: before }, context) => {
      const item: Item = {
        Id: inputs.Id,
        Title: inputs.Title,
        Severity: inputs.Severity ?? 'UNSPECIFIED',
        Status: inputs.Status,
        Details: inputs.Details ?? {},
      };
      await replace(inputs, item, context);
      const ResourceId = nodeOf(inputs, context);
      return done({ ResourceId }, { changes: changesOf(inputs, before, item) });
    },
  },

  undo: {
    kind: 'restore',
    effect: restoring({
      look: async ({ inputs }: UndoInputs<Inputs, Before, null, JsonObject>, context): Promise<Item | null> =>
        (await read(inputs, context)).find(({ Id }) => Id === inputs.Id) ?? null,
      drive: async (found, { inputs, before }, context) => {
        if (same(found, before.Item)) return done({}, { changes: [] });
        await replace(inputs, before.Item, context);
        return done({}, { changes: changesOf(inputs, found, before.Item) });
      },
    }),
  },
});

function nodeOf({ Host }: Inputs, context: Pick<ActionContext, 'host'>): string {
  const { instanceId } = context.host(Host);
  if (instanceId !== undefined) return instanceId;
  throw new ActionFailure({
    code: 'NO_INSTANCE_ID',
    message: `${Host} has no instanceId, so SSM has no node of that name`,
  });
}

/** All items of the type. */
async function read(inputs: Inputs, context: ActionContext): Promise<Item[]> {
  const params = {
    ResourceIds: [nodeOf(inputs, context)],
    ResourceTypes: [resourceType],
    Filters: [{ Key: 'ComplianceType', Values: [inputs.Type], Type: 'EQUAL' }],
  };
  const items: Item[] = [];
  for await (const page of pages('ssm', 'ListComplianceItems', params, context))
    for (const item of objectsIn(page, 'ComplianceItems'))
      // A filter that a service leaves out of account must not carry items into another type.
      if (textIn(item, 'ComplianceType') === inputs.Type)
        items.push({
          Id: textIn(item, 'Id'),
          Title: textIn(item, 'Title'),
          Severity: textIn(item, 'Severity'),
          Status: textIn(item, 'Status'),
          Details: textsOf(objectIn(item, 'Details')),
        });
  return items;
}

function textsOf(details: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(details).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** An upload is the whole of its type. `item` null: the node is to have none of that id. */
async function replace(inputs: Inputs, item: Item | null, context: ActionContext): Promise<void> {
  const others = (await read(inputs, context)).filter(({ Id }) => Id !== inputs.Id);
  const Items = item === null ? others : [...others, item];
  if (Items.length > itemsMax)
    throw new ActionFailure({
      code: 'TOO_MANY_ITEMS',
      message: `${inputs.Host} has ${others.length} other items of ${inputs.Type}, and SSM takes ${itemsMax}`,
    });
  await callAws(context.aws, {
    service: 'ssm',
    operation: 'PutComplianceItems',
    params: {
      ResourceId: nodeOf(inputs, context),
      ResourceType: resourceType,
      ComplianceType: inputs.Type,
      ExecutionSummary: {
        ExecutionTime: new Date(context.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
        ExecutionId: context.executionId.slice(0, 100),
        ExecutionType: 'Automation',
      },
      Items,
      UploadType: 'COMPLETE',
    },
    signal: context.signal,
  });
}

function changesOf({ Host, Type: type, Id }: Inputs, from: Item | null, to: Item | null) {
  if (same(from, to)) return [];
  return [{ target: Host, subject: `compliance item ${type} ${Id}`, from: textOf(from), to: textOf(to) }];
}

function textOf(item: Item | null): string | null {
  return item === null ? null : `${item.Status}: ${item.Title}`;
}

function same(left: Item | null, right: Item | null): boolean {
  const words = (item: Item | null): string =>
    item === null
      ? ''
      : JSON.stringify([
          item.Title,
          item.Severity,
          item.Status,
          Object.entries(item.Details).toSorted(([a], [b]) => (a < b ? -1 : 1)),
        ]);
  return words(left) === words(right);
}
