/** Approvals by AWS identities: somebody who is another one, who lets AWS be played, or who says one thing and has another count. */
import { request as forward, type ServerResponse } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isIdentity } from '../../src/runtime/approvals/aws-caller.ts';
import { askCaller, endpointOf, proveCaller } from '../../src/transports/aws/caller-proof.ts';
import { readProof } from '../../src/transports/aws/caller-proof-shape.ts';
import { BelayFolder, idIn } from '../cli/belay-process.ts';
import { motoMissing, startMoto } from '../transports/aws/moto-server.ts';
import { identityReply, startSmallSts, type SmallSts } from './small-sts.ts';

const account = '111122223333';
const carol = {
  key: 'AKIA00000000CAROL000',
  secret: 'secret-of-carol',
  arn: `arn:aws:iam::${account}:user/carol`,
};
const dave = {
  key: 'ASIA000000000DAVE000',
  secret: 'secret-of-dave',
  arn: `arn:aws:sts::${account}:assumed-role/Dba/dave`,
  sessionToken: 'token+of/dave==',
};
const mallory = {
  key: 'AKIA0000000MALLORY00',
  secret: 'secret-of-mallory',
  arn: `arn:aws:iam::${account}:user/mallory`,
};
const all = { [carol.key]: carol, [dave.key]: dave, [mallory.key]: mallory };
type Caller = { readonly key: string; readonly secret: string; readonly sessionToken?: string };
const as = ({ key, secret, sessionToken }: Caller) => ({
  AWS_ACCESS_KEY_ID: key,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_REGION: 'eu-west-1',
  ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
});
const credentials =
  ({ key, secret, sessionToken }: Caller) =>
  () =>
    Promise.resolve({
      accessKeyId: key,
      secretAccessKey: secret,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    });

let sts: SmallSts;
beforeAll(async () => {
  sts = await startSmallSts(all);
});
afterAll(() => sts.close());
afterEach(() => {
  sts.misbehave = undefined;
  sts.asked.length = 0;
});

describe('an approval by an AWS identity', { timeout: 60_000 }, () => {
  let folder: BelayFolder;
  beforeEach(() => {
    folder = new BelayFolder();
  });
  afterEach(() => folder.clear());

  const asking = (more: object) =>
    JSON.stringify({
      schemaVersion: '0.3',
      mainSteps: [{ name: 'Ask', action: 'aws:approve', inputs: { Message: 'May I?', ...more } }],
      outputs: ['Ask.ApproverDecisions'],
    });

  async function started(approvers: object, more: object, approvals: object = {}) {
    folder.write(
      'belay.yaml',
      JSON.stringify({ approvers, approvals: { stsEndpoint: sts.url, ...approvals } }),
    );
    const running = folder.start(['run', folder.write('ask.yaml', asking(more)), '-y']);
    return { running, id: idIn(await running.says('belay approve')) };
  }

  test('counts when AWS itself says who it is, and the journal has its answer', async () => {
    const { running, id } = await started({ carol: { arns: [carol.arn] } }, { Approvers: ['carol'] });
    const refused = await folder.run(['approve', id, '--aws'], as(mallory));
    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('mallory is not among the approvers'),
    });
    expect(await folder.run(['approve', id, '--aws', '--comment', 'go'], as(carol))).toMatchObject({
      code: 0,
    });
    expect((await running.ended).stdout).toContain(`"SignedBy":"carol","Key":"${carol.arn}"`);
    const db = new DatabaseSync(join(folder.state, 'journal.db'));
    const value = String(db.prepare('SELECT value FROM inbox').get()?.['value']);
    db.close();
    expect(JSON.parse(value)).toMatchObject({
      aws: { answer: { arn: carol.arn, account, requestId: '01234567-89ab-cdef-0123-456789abcdef' } },
    });
    expect(value).not.toContain(carol.secret);
    for (const { headers } of sts.asked) expect(headers['x-belay-decision-sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  test('counts for a session of a role, by the role and by the ARN that a runbook of AWS names', async () => {
    const role = `arn:aws:iam::${account}:role/ops/Dba`;
    const { running, id } = await started({ dba: { arns: [role] } }, { Approvers: [role] });
    expect(await folder.run(['reject', id, '--aws', '--comment', 'no'], as(dave))).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('rejected Ask: no'),
    });
  });

  test('is not given by an STS that the environment names', async () => {
    const { running, id } = await started({ carol: { arns: [carol.arn] } }, { Approvers: ['carol'] });
    const fake = await startSmallSts({ [mallory.key]: { ...mallory, arn: carol.arn } });
    try {
      const said = await folder.run(['approve', id, '--aws'], {
        ...as(mallory),
        AWS_ENDPOINT_URL: fake.url,
        AWS_ENDPOINT_URL_STS: fake.url,
        HTTP_PROXY: fake.url,
        HTTPS_PROXY: fake.url,
      });
      expect(said).toMatchObject({ code: 5, stderr: expect.stringContaining('mallory is not among') });
      expect(fake.asked).toEqual([]);
    } finally {
      await fake.close();
    }
    running.child.kill('SIGKILL');
  });

  test('is refused of whoever started the execution, where the step wants that', async () => {
    const { userInfo } = await import('node:os');
    const me = { arns: [carol.arn], user: [userInfo().username, 'carol-admin'] };
    const { running, id } = await started(
      { me, dave: { arns: dave.arn } },
      { Approvers: ['me', 'dave'], Separate: true },
    );
    expect(await folder.run(['approve', id, '--aws'], as(carol))).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('me started the execution, and Separate of the step'),
    });
    expect(await folder.run(['approve', id, '--aws'], as(dave))).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test('is not what somebody wrote into the journal about another decision', async () => {
    const { running, id } = await started({ carol: { arns: [carol.arn] } }, { Approvers: ['carol'] });
    const db = new DatabaseSync(join(folder.state, 'journal.db'));
    db.exec('PRAGMA busy_timeout = 5000');
    const aws = {
      sha256: '0'.repeat(64),
      region: 'eu-west-1',
      date: '20261130T000000Z',
      accessKeyId: carol.key,
      at: 1,
      answer: { arn: carol.arn, account, userId: 'x', requestId: '' },
    };
    db.prepare('INSERT INTO inbox (execution, name, at, value, dedupe) VALUES (?, ?, ?, ?, ?)').run(
      ...([
        id,
        'approve:Ask',
        Date.now(),
        JSON.stringify({ approver: 'carol', decision: 'approve', comment: '', aws }),
        'x',
      ] as const),
    );
    db.close();
    expect(await running.says('did not count')).toContain('what AWS was asked is not over this decision');
    running.child.kill('SIGKILL');
  });
});

describe('a proof of an identity', () => {
  const digest = 'a'.repeat(64);
  const prove = async (caller: Caller, of = digest) => {
    const proof = await proveCaller(of, 'eu-west-1', sts.url, credentials(caller));
    if (proof === undefined) throw new Error('there is none');
    return proof;
  };
  const ask = (proof: Awaited<ReturnType<typeof prove>>, of = digest, now = Date.now()) =>
    askCaller(proof, of, sts.url, now);

  test('says who signed, with and without a session', async () => {
    expect(await ask(await prove(carol))).toMatchObject({
      kind: 'known',
      answer: { arn: carol.arn, account },
    });
    expect(await ask(await prove(dave))).toMatchObject({ kind: 'known', answer: { arn: dave.arn } });
  });

  test('proves one digest alone, and none of its parts can be exchanged', async () => {
    const proof = await prove(dave);
    expect(await ask(proof, 'b'.repeat(64))).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('SignatureDoesNotMatch'),
    });
    for (const other of [
      { region: 'us-east-1' },
      { accessKeyId: carol.key },
      { signature: proof.signature.replace(/^./, (letter) => (letter === '0' ? '1' : '0')) },
      { date: `${proof.date.slice(0, -2)}${proof.date.at(-2) === '9' ? '8' : '9'}Z` },
      { sessionToken: 'another' },
    ])
      expect(await ask({ ...proof, ...other }), JSON.stringify(other)).toMatchObject({ kind: 'refused' });
  });

  test('has expired after 15 minutes, and nobody is asked any more', async () => {
    const proof = await prove(carol);
    sts.asked.length = 0;
    expect(await ask(proof, digest, Date.now() + 15.1 * 60_000)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('expired'),
    });
    expect(sts.asked).toEqual([]);
  });

  test('is not followed to another address, and no strange, endless or silent answer counts', async () => {
    const target = await startSmallSts({ [mallory.key]: { ...mallory, arn: carol.arn } });
    const answers: readonly ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(302, { location: `${target.url}/` }).end(),
      (response) => response.writeHead(200).end('<html>Welcome</html>'),
      (response) => response.writeHead(200).end(`${identityReply(carol.arn)}${'x'.repeat(100_000)}`),
      (response) => response.writeHead(200).end(identityReply('arn:aws-cn:iam::111122223333:user/carol')),
      (response) =>
        response
          .writeHead(200)
          .end(identityReply(carol.arn).replace('<Account>111122223333', '<Account>999999999999')),
      (response) => response.writeHead(200).end(identityReply(carol.arn) + identityReply(mallory.arn)),
      (response) => response.writeHead(200).end(identityReply(`${carol.arn}<!--`)),
      (response) =>
        response.writeHead(200).end('{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{}}}'),
      (response) => response.writeHead(500, { 'x-y': 'z'.repeat(20_000) }).end(),
      (response) => response.socket?.destroy(),
      (response) => response.writeHead(403).end('<Code>\u001B[2Jevil</Code>'),
    ];
    try {
      const proof = await prove(mallory);
      for (const [index, misbehave] of answers.entries()) {
        sts.misbehave = misbehave;
        const verdict = await ask(proof);
        expect(verdict, String(index)).toMatchObject({ kind: 'refused' });
        expect(JSON.stringify(verdict)).not.toContain('evil');
      }
      expect(target.asked).toEqual([]);
    } finally {
      await target.close();
    }
  });

  test('goes to a region of the list of the SDK, and to no name that somebody may own', () => {
    expect(endpointOf('eu-west-1', null)?.href).toBe('https://sts.eu-west-1.amazonaws.com/');
    expect(endpointOf('cn-north-1', null)?.href).toBe('https://sts.cn-north-1.amazonaws.com.cn/');
    expect(endpointOf('us-gov-west-1', null)?.href).toBe('https://sts.us-gov-west-1.amazonaws.com/');
    for (const region of [
      's3',
      's3-website-us-east-1',
      'evil.com/',
      'eu-west-1.evil.com',
      'aws-global',
      'zz-nowhere-1',
      '',
      'eu-west-1\n',
      '__proto__',
    ])
      expect(endpointOf(region, null), region).toBeUndefined();
  });

  test('is read strictly, whatever is given as one', () => {
    const good = {
      region: 'eu-west-1',
      accessKeyId: carol.key,
      date: '20261130T101500Z',
      signature: 'a'.repeat(64),
    };
    expect(readProof(good)).toEqual(good);
    fc.assert(
      fc.property(
        fc.constantFrom('region', 'accessKeyId', 'date', 'signature', 'sessionToken'),
        fc.oneof(fc.anything(), fc.string()),
        (name, value) => {
          const read = readProof({ ...good, [name]: value });
          if (read === undefined) return;
          expect(JSON.stringify(read)).not.toMatch(/[\s<>&#?%]/);
        },
      ),
    );
  });
});

test('names of identities are compared whole: a role means its sessions, and nobody else', () => {
  const role = `arn:aws:iam::${account}:role/Dba`;
  expect(isIdentity(carol.arn, carol.arn)).toBe(true);
  expect(isIdentity(role, dave.arn)).toBe(true);
  expect(isIdentity(`arn:aws:iam::${account}:role/a/b/Dba`, dave.arn)).toBe(true);
  for (const [entry, called] of [
    [carol.arn, mallory.arn],
    [role, `arn:aws:sts::${account}:assumed-role/Dba2/dave`],
    [role, `arn:aws:sts::${account}:assumed-role/x/Dba/dave`],
    [role, `arn:aws:sts::444455556666:assumed-role/Dba/dave`],
    [role, `arn:aws-cn:sts::${account}:assumed-role/Dba/dave`],
    [`arn:aws:iam::${account}:role/D.a`, dave.arn],
    [`arn:aws:iam::${account}:role/*`, dave.arn],
    [dave.arn, `${dave.arn}2`],
    [dave.arn, role],
  ] as const)
    expect(isIdentity(entry, called), `${entry} ${called}`).toBe(false);
});

test.skipIf(motoMissing)(
  `the answer of moto is read as AWS's own${motoMissing === undefined ? '' : ` (skipped: ${motoMissing})`}`,
  async () => {
    const moto = await startMoto();
    // It knows a service by the header of another kind of signature.
    sts.misbehave = (response) => {
      const scope = `${carol.key}/20261130/eu-west-1/sts/aws4_request`;
      const headers = {
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      };
      const { url = '' } = sts.asked.at(-1) ?? {};
      forward(`${moto.endpoint}${url}`, { headers }, (reply) => reply.pipe(response)).end();
    };
    try {
      const proof = await proveCaller('a'.repeat(64), 'eu-west-1', sts.url, credentials(carol));
      if (proof === undefined) throw new Error('there is no proof');
      const verdict = await askCaller(proof, 'a'.repeat(64), sts.url, Date.now());
      expect(verdict).toMatchObject({ kind: 'known', answer: { account: '123456789012' } });
    } finally {
      await moto.close();
    }
  },
  60_000,
);
