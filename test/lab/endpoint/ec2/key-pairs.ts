/** Key pairs as EC2 has them: named by id too, and with the fingerprints that AWS gives. Moto keeps them. */
import { createHash } from 'node:crypto';
import { listParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError } from '../reply.ts';
import { element, items, put, textAt, type Element } from '../xml.ts';
import { askMoto, refuseDryRun, rewritten } from './forward.ts';

export const importKeyPair: Handler = async (call, cell) => {
  const root = await askMoto(call, cell);
  const id = textAt(root, 'keyPairId');
  const pair = (await allKeyPairs(call, cell)).find((one) => textAt(one, 'keyPairId') === id);
  if (pair !== undefined) put(root, element('keyFingerprint', fingerprint(pair)));
  cell.journal.addEffect('keyPairImported', { keyPairId: id, keyName: textAt(root, 'keyName') });
  return rewritten(root);
};

/** Moto knows no KeyPairId, and its fingerprints of ED25519 keys are not AWS's. */
export const describeKeyPairs: Handler = async (call, cell) => {
  const ids = listParam(call.params, 'KeyPairId');
  const root = await askMoto(without(call, 'KeyPairId.'), cell);
  const asked = items(root, 'keySet');
  const all = new Map((await allKeyPairs(call, cell)).map((one) => [textAt(one, 'keyPairId'), one]));
  const unknown = ids.find((id) => !asked.some((one) => textAt(one, 'keyPairId') === id));
  if (unknown !== undefined)
    throw new ApiError('InvalidKeyPair.NotFound', `The key pair ID '${unknown}' does not exist`);
  const kept = asked.filter((one) => ids.length === 0 || ids.includes(textAt(one, 'keyPairId')));
  for (const one of kept) {
    const known = all.get(textAt(one, 'keyPairId'));
    if (known !== undefined) put(one, element('keyFingerprint', fingerprint(known)));
  }
  put(root, element('keySet', kept));
  return rewritten(root);
};

/** A key pair that is not there is no error to EC2. */
export const deleteKeyPair: Handler = async (call, cell) => {
  refuseDryRun(call);
  const id = textParam(call.params, 'KeyPairId');
  const name = textParam(call.params, 'KeyName');
  const pair = (await allKeyPairs(call, cell)).find(
    (one) => textAt(one, 'keyPairId') === id || textAt(one, 'keyName') === name,
  );
  const KeyName = pair === undefined ? (name ?? '-') : textAt(pair, 'keyName');
  const root = await cell.moto.ec2(call.caller, 'DeleteKeyPair', { KeyName });
  if (pair !== undefined) cell.journal.addEffect('keyPairDeleted', { keyPairId: textAt(pair, 'keyPairId') });
  return rewritten(root);
};

async function allKeyPairs(call: ApiCall, cell: Cell): Promise<Element[]> {
  return items(await cell.moto.ec2(call.caller, 'DescribeKeyPairs', { IncludePublicKey: 'true' }), 'keySet');
}

/** ED25519: OpenSSH's SHA-256, with its padding. RSA: as moto has it. */
function fingerprint(pair: Element): string {
  const [type, body = ''] = textAt(pair, 'publicKey').trim().split(/\s+/);
  if (type !== 'ssh-ed25519') return textAt(pair, 'keyFingerprint');
  return createHash('sha256').update(Buffer.from(body, 'base64')).digest('base64');
}

function without(call: ApiCall, prefix: string): ApiCall {
  const sent = [...new URLSearchParams(call.request.body.toString('utf8'))];
  const form = new URLSearchParams(sent.filter(([name]) => !name.startsWith(prefix)));
  return { ...call, request: { ...call.request, body: Buffer.from(form.toString()) } };
}
