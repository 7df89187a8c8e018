import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPair, type Pair } from '../../../src/actions/tls/check-pair.ts';
import { CertificateAuthority, pairOfKind, type PairKind } from '../../lab/minio/certificates.ts';

describe('a certificate and its key', () => {
  const subject = { commonName: 'minio01', names: ['minio01.lab', '*.s3.lab'], addresses: ['10.0.0.1'] };
  let folder: string;
  let authority: CertificateAuthority;
  const pair = (kind: PairKind): Promise<Pair> =>
    pairOfKind(authority, join(folder, 'foreign'), subject, kind);
  const judge = (
    given: Pair,
    names: readonly string[] = ['minio01.lab'],
    ca: string | undefined = authority.certificate,
  ) => checkPair(given, { names, ca, now: Date.now() });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'belay-pair-'));
    authority = await CertificateAuthority.open(join(folder, 'own'), 'The lab');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('are good for every name and address that they hold, by wildcard too', async () => {
    const good = await pair('good');
    expect(judge(good, ['minio01.lab', 'bucket.s3.lab', '10.0.0.1'])).toMatchObject({ kind: 'good' });
    // The common name is not a name.
    expect(judge(good, ['minio01'])).toMatchObject({ code: 'WRONG_NAME' });
  });

  test.each<[PairKind, string, RegExp]>([
    ['wrong-name', 'WRONG_NAME', /not for minio01\.lab: it names DNS:elsewhere\.lab/],
    ['expired', 'CERTIFICATE_EXPIRED', /of CN=minio01 expired at \d{4}-/],
    ['not-yet-valid', 'CERTIFICATE_NOT_YET_VALID', /is not valid before \d{4}-.*; here it is \d{4}-/],
    [
      'foreign-authority',
      'CHAIN_BROKEN',
      /was issued by CN=Somebody else, which is neither among the authorities \(CN=The lab\)/,
    ],
    ['mismatched-key', 'KEY_MISMATCH', /does not belong to the certificate of CN=minio01/],
  ])('that are %s are refused as %s', async (kind, code, message) => {
    expect(judge(await pair(kind))).toMatchObject({
      kind: 'bad',
      code,
      message: expect.stringMatching(message),
    });
  });

  test('without Ca must lead to a public authority', async () => {
    expect(
      checkPair(await pair('good'), { names: ['minio01.lab'], ca: undefined, now: Date.now() }),
    ).toMatchObject({
      code: 'CHAIN_BROKEN',
    });
  });

  test('that cannot be read are told apart, and the key is not quoted', async () => {
    const { certificate, privateKey } = await pair('good');
    expect(judge({ certificate: 'nonsense', privateKey })).toMatchObject({ code: 'CERTIFICATE_UNREADABLE' });
    const broken = judge({ certificate, privateKey: privateKey.slice(0, 60) });
    expect(broken).toMatchObject({ code: 'KEY_UNREADABLE' });
    expect(JSON.stringify(broken)).not.toContain(privateKey.slice(30, 50));
  });
});
