/** ebs:deleteSnapshots: snapshots that nobody needs any more go. */
import { Type } from 'typebox';
import { defineAction, done } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { bySnapshotId, deleteSnapshot, listSnapshots } from './ec2.ts';

export const deleteSnapshots = defineAction({
  name: 'ebs:deleteSnapshots',
  summary: 'Deletes EBS snapshots; in a rollback only when nothing needs them any more.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSnapshot.html',
  example: `
    - name: Drop
      action: ebs:deleteSnapshots
      inputs: { SnapshotIds: ['snap-0a17c2e4d6f801234'] }`,
  inputs: strictObject({
    SnapshotIds: Type.Union(
      [Type.Array(Type.String({ pattern: '^snap-[0-9a-f]+$' }), { maxItems: 200 }), Type.Null()],
      { description: 'Null, as of a step that did not happen: nothing to delete.' },
    ),
  }),
  outputs: strictObject({ Deleted: Type.Array(Type.String()) }),
  timeoutSeconds: 600,
  permissions: () => ['ec2:DescribeSnapshots', 'ec2:DeleteSnapshot'],
  targets: ({ SnapshotIds }) => SnapshotIds ?? [],
  hasHostTargets: false,
  removesRestorePoints: 'SnapshotIds',

  effect: {
    kind: 'repeatable',
    execute: async (
      { SnapshotIds }: { readonly SnapshotIds: readonly string[] | null },
      _before,
      context,
    ) => {
      const ids = SnapshotIds ?? [];
      const listed = ids.length === 0 ? [] : await listSnapshots(context, bySnapshotId(ids));
      const deleted: string[] = [];
      for (const id of ids) if (await deleteSnapshot(id, context)) deleted.push(id);
      return done(
        { Deleted: deleted },
        {
          changes: deleted.map((id) => ({
            target: listed.find((each) => each.id === id)?.volumeId ?? id,
            subject: 'snapshot',
            from: id,
            to: null,
          })),
        },
      );
    },
  },
  /** It takes a way back, which a rollback that follows has to name: nobody gets back what the snapshot held. */
  undo: { kind: 'none', reason: 'a deleted snapshot cannot be brought back', leavesChange: true },
});
