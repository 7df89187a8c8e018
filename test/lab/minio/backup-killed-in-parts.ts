/**
 * A runner that begins a backup in parts in a lab that is up, and kills itself when a part begins: what it leaves at the target
 * is what a real one leaves. `node backup-killed-in-parts.ts LAB TOKEN BUCKET PART`.
 */
import { backupCutting } from '../../../src/actions/minio/backup.ts';
import { effectOf } from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import { Lab } from '../hosts/lab.ts';
import type { LabId } from '../hosts/command.ts';
import { MinioActions } from './actions.ts';
import { MinioLab } from './cluster.ts';
import { smallCut } from './small-cut.ts';

const [lab = '', token = '', bucket = '', part = ''] = process.argv.slice(2);
const minioActions = new MinioActions(await MinioLab.attach(Lab.attach(Number(lab) as LabId)));
const backup = backupCutting(smallCut);
const inputs = minioActions.inputs(backup, { Target: minioActions.target, Buckets: [bucket] });
const effect = effectOf(backup, inputs);
if (effect.kind !== 'repeatable') throw new Error(`backup is ${effect.kind}`);
await effect.execute(inputs, null, {
  ...(await contextOf(minioActions.world, token)),
  notice: (text) => {
    if (text.includes(`: part ${part} of `)) process.kill(process.pid, 'SIGKILL');
  },
});
