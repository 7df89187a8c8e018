/** check:associations: State Manager associations have succeeded everywhere. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { objectIn, objectsIn, pages, textIn } from '../aws/reply.ts';
import { defineAccountCheck } from './define-check.ts';
import { broken, isFuture, kept, unknown } from './judging.ts';

export const checkAssociations = defineAccountCheck({
  name: 'check:associations',
  summary:
    'Looks whether State Manager associations have succeeded on all of their targets, and how long ago they ran.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListAssociations.html',
  example: `
    - name: AgentIsUpdated
      action: check:associations
      inputs: { Names: [update-agent], MaxAgeHours: 200 }`,
  inputs: {
    Names: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        uniqueItems: true,
        description: 'Their AssociationName, or the document of those without one; left out: all.',
      }),
    ),
    MaxAgeHours: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  permissions: () => ['ssm:ListAssociations'],
  look: async ({ Names, MaxAgeHours }, context) => {
    const judged: Judged[] = [];
    const seen = new Set<string>();
    for await (const page of pages('ssm', 'ListAssociations', {}, context)) {
      for (const association of objectsIn(page, 'Associations')) {
        const id = textIn(association, 'AssociationId');
        const name = textIn(association, 'AssociationName') || textIn(association, 'Name');
        if (Names !== undefined && !Names.includes(name)) continue;
        seen.add(name);
        const subject = `${name} ${id}`.trim();
        const status = textIn(objectIn(association, 'Overview'), 'Status');
        const ranAt = Date.parse(textIn(association, 'LastExecutionDate'));
        const hours = (context.now() - ranAt) / 3_600_000;
        if (status === 'Failed')
          judged.push(
            broken(
              subject,
              'Success',
              `Failed${countsText(objectIn(objectIn(association, 'Overview'), 'AssociationStatusAggregatedCount'))}`,
            ),
          );
        else if (status !== 'Success')
          judged.push(unknown(subject, 'NOT_ENDED', `its status is ${status || 'not told'}`));
        else if (MaxAgeHours === undefined) judged.push(kept(subject, 'Success'));
        else if (Number.isNaN(ranAt) || isFuture(ranAt, context.now()))
          judged.push(unknown(subject, 'BAD_REPLY', 'SSM does not say when it ran last'));
        else
          judged.push(
            hours <= MaxAgeHours
              ? kept(subject, 'Success')
              : broken(subject, `a run within ${MaxAgeHours} h`, `${Math.floor(hours)} h since its last run`),
          );
      }
    }
    for (const name of Names ?? [])
      if (!seen.has(name))
        judged.push(unknown(name, 'NO_ASSOCIATION', 'SSM lists no association of that name'));
    if (judged.length === 0) judged.push(unknown('', 'NOTHING_JUDGED', 'SSM lists no association'));
    return { judged, isWhole: false };
  },
});

/** ` (Failed 2, Success 7)`. */
function countsText(counts: Parameters<typeof textIn>[0]): string {
  const parts = Object.entries(counts).flatMap(([status, count]) =>
    typeof count === 'number' ? [`${status} ${count}`] : [],
  );
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
