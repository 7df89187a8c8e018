/** One pass of MinIO's heal over everything, asked past Belay: how many objects it found incomplete, or could not make whole. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MinioLab } from '../../lab/minio/cluster.ts';

interface Side {
  readonly drives?: readonly { readonly state: string }[];
}
interface Item {
  readonly type: string;
  readonly before?: Side;
  readonly after?: Side;
  readonly detail?: string;
}
interface Status {
  readonly clientToken?: string;
  readonly Summary?: string;
  readonly Items?: readonly Item[] | null;
}

const secondsMax = 120;
const path = '/minio/admin/v3/heal/';
const ok = (side?: Side): number => (side?.drives ?? []).filter(({ state }) => state === 'ok').length;

export async function incompleteObjects(minio: MinioLab): Promise<readonly Item[]> {
  const s3 = minio.s3('minio01');
  const ask = async (query: Record<string, string>, settings?: object): Promise<Status> => {
    const body = settings === undefined ? {} : { body: Buffer.from(JSON.stringify(settings)) };
    const answer = await s3.request({ method: 'POST', path, query, ...body });
    if (answer.status !== 200)
      throw new Error(`POST ${path}: ${answer.status} ${answer.body.toString('utf8')}`);
    return JSON.parse(answer.body.toString('utf8')) as Status;
  };
  const begun = await ask({ forceStart: 'true' }, { recursive: true, scanMode: 1 });
  const items: Item[] = [];
  const deadline = Date.now() + secondsMax * 1000;
  for (;;) {
    const status = await ask({ clientToken: begun.clientToken ?? '' });
    items.push(...(status.Items ?? []));
    if (status.Summary === 'finished') break;
    if (Date.now() > deadline || status.Summary === 'stopped')
      throw new Error(`the heal did not finish: ${status.Summary ?? 'it says nothing'}`);
    await sleep(200);
  }
  const objects = items.filter(({ type }) => type === 'object');
  if (objects.length === 0) throw new Error('the heal looked at no object, so it proves nothing');
  return objects.filter(({ before, after, detail = '' }) => ok(after) > ok(before) || detail !== '');
}
