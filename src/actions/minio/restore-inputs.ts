/** What a restore is told. */
import { Type, type Static } from 'typebox';
import { strictObject } from '../strict-object.ts';
import { targetSchema } from './backup-target.ts';
import { keyedInputs } from './cluster.ts';

const timePattern = '^$|^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,3})?)?Z$';
export const sampleDefault = 100;

export const restoreInputs = strictObject({
  ...keyedInputs,
  Target: targetSchema,
  Manifest: Type.Optional(
    Type.String({
      pattern: '^$|^belay-manifests/[A-Za-z0-9-]+/?$',
      description: 'As the backup put it out. Left out or empty: by At.',
    }),
  ),
  At: Type.Optional(
    Type.String({
      pattern: timePattern,
      description:
        'The latest backup that had ended by then, as 2026-11-29T06:00Z. Left out or empty: the latest. An object that a later backup has updated is named, and not restored.',
    }),
  ),
  AsOf: Type.Optional(
    Type.String({
      pattern: timePattern,
      description:
        'Of a backup with Versions: each key as it was at that time. One that was deleted then is deleted again, one that was not yet written is left alone. Without Manifest and At, the first backup that was begun after it.',
    }),
  ),
  Versions: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Of a backup with Versions: all versions and delete markers of each key (up to AsOf), in their order, on top of what is there. They get new version ids.',
    }),
  ),
  Bucket: Type.Optional(Type.String({ description: 'Left out or empty: every bucket of the manifest.' })),
  Prefix: Type.Optional(Type.String({ description: 'Of the keys.' })),
  Key: Type.Optional(Type.String({ description: 'One object.' })),
  Verify: Type.Optional(
    Type.Union([Type.Literal('all'), Type.Literal('sample')], {
      default: 'all',
      description:
        '`sample`: a drill. Some copies are read at the backup and proven; the cluster is not touched.',
    }),
  ),
  SampleSize: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100_000, default: sampleDefault, description: 'Of a drill.' }),
  ),
});
export type Inputs = Static<typeof restoreInputs>;
