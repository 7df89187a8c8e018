/** Key pairs through the real AWS client against the lab's endpoint, whose fingerprints and ids are those of EC2. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deleteKeyPair } from '../../../src/actions/ec2/delete-key-pair.ts';
import { importedFingerprint } from '../../../src/actions/ec2/key-pairs.ts';
import { rotateKeyPair } from '../../../src/actions/ec2/rotate-key-pair.ts';
import { iamActions, iamActionsOfCall } from '../../../src/actions/permissions.ts';
import { parsePublicKey } from '../../../src/actions/public-key.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { credentials, raiseTestBed, region, type TestBed } from '../../lab/endpoint/test-bed.ts';
import { observe, run, undo, type World } from '../../support/action-bed.ts';
import { blankKey } from '../host/keys.ts';

const reason = motoMissing();

test('an imported RSA key has the MD5 of its DER form, as openssl gives it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'belay-rsa-'));
  const file = join(folder, 'rsa');
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '', '-f', file]);
  const der = execFileSync('openssl', ['rsa', '-in', file, '-pubout', '-outform', 'DER'], { stdio: 'pipe' });
  const digest = execFileSync('openssl', ['md5', '-c'], { input: der }).toString().trim().split(' ').at(-1);
  const key = parsePublicKey(readFileSync(`${file}.pub`, 'utf8'));
  rmSync(folder, { recursive: true });
  expect(key && importedFingerprint(key)).toBe(digest);
});

describe.skipIf(reason)(
  `key pairs${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let bed: TestBed;
    let aws: Aws;
    let world: World;
    const called = new Set<string>();
    const call = (operation: string, params: JsonObject) => aws.call({ service: 'ec2', operation, params });
    const names = async () => {
      const { KeyPairs } = await call('DescribeKeyPairs', {});
      return (KeyPairs as { KeyName: string }[]).map(({ KeyName }) => KeyName).sort();
    };
    const rotate = (byte: number, more: JsonObject = {}) => ({
      Name: 'ops',
      PublicKey: blankKey(byte).line,
      ...more,
    });

    beforeAll(async () => {
      bed = await raiseTestBed();
      const real = createAws({ endpoint: bed.endpoint.url, region, credentials: async () => credentials });
      aws = {
        ...real,
        identity: () => real.identity(),
        assume: (role) => real.assume(role),
        call: (request) => {
          for (const needed of iamActionsOfCall(request.service, request.operation, request.params ?? {}))
            called.add(needed);
          return real.call(request);
        },
      };
      world = { aws };
    }, 90_000);
    afterEach(() => bed?.endpoint.faults.clear());
    afterAll(async () => {
      await bed?.close();
    });

    test('versions follow one another; undo deletes its own alone; permissions are what is called', async () => {
      called.clear();
      const first = await run(rotateKeyPair, rotate(1, { Tags: { Team: 'ops' } }), world);
      expect(first.ending).toMatchObject({
        kind: 'done',
        outputs: { KeyName: 'ops-v1', PreviousKeyName: null },
        changes: [{ target: 'ops', from: null, to: 'ops-v1' }],
      });
      const second = await run(rotateKeyPair, rotate(2), world);
      expect(second.ending).toMatchObject({ outputs: { KeyName: 'ops-v2', PreviousKeyName: 'ops-v1' } });
      const again = await run(rotateKeyPair, rotate(2), world);
      expect(again.ending).toMatchObject({ outputs: { KeyName: 'ops-v2' }, changes: [] });
      expect(await undo(rotateKeyPair, again, world)).toMatchObject({ kind: 'done' });
      expect(await names()).toEqual(['ops-v1', 'ops-v2']);

      expect(await undo(rotateKeyPair, second, world, { knowing: 'nothing' })).toMatchObject({
        changes: [{ from: 'ops-v2', to: 'ops-v1' }],
      });
      expect(await names()).toEqual(['ops-v1']);
      expect(await observe(rotateKeyPair, rotate(2), world)).toEqual(second.before);
      expect(await undo(rotateKeyPair, second, world)).toMatchObject({ kind: 'done' });
      expect(await names()).toEqual(['ops-v1']);
      expect([...called].sort()).toEqual(iamActions(rotateKeyPair.permissions(rotate(1))));
    });

    test('a lost reply imports nothing twice', async () => {
      bed.endpoint.faults.add({ match: { op: 'ImportKeyPair', nth: 1 }, do: 'lost-reply' });
      const before = bed.endpoint.journal.effects('keyPairImported').length;
      const inputs = rotate(3, { Name: 'lost' });
      const ended = await run(rotateKeyPair, inputs, world);
      expect(ended.ending).toMatchObject({ kind: 'done', outputs: { KeyName: 'lost-v1' } });
      expect(bed.endpoint.journal.effects('keyPairImported')).toHaveLength(before + 1);
      const adopted = await run(rotateKeyPair, rotate(6, { Name: 'lost' }), world, { lostReply: true });
      expect(adopted.ending).toMatchObject({ kind: 'done', changes: [{ to: 'lost-v2' }] });
      expect(bed.endpoint.journal.effects('keyPairImported')).toHaveLength(before + 2);
    });

    test('a name that somebody has taken meanwhile is refused, and theirs is not undone', async () => {
      const inputs = rotate(4, { Name: 'race' });
      const before = await observe(rotateKeyPair, inputs, world);
      const theirs = Buffer.from(blankKey(5).line).toString('base64');
      await call('ImportKeyPair', { KeyName: 'race-v1', PublicKeyMaterial: theirs });
      const late = { ...rotateKeyPair, observe: async () => before };
      await expect(run(late, inputs, world)).rejects.toMatchObject({ code: 'KEY_NAME_TAKEN' });
      const started = {
        inputs,
        before,
        handle: null,
        token: 't-none',
        ending: { kind: 'failed' as const, code: 'X', message: 'x' },
        logged: '',
      };
      await undo(rotateKeyPair, started, world, { knowing: 'nothing' });
      expect(await names()).toContain('race-v1');
    });

    test('an old pair goes when nothing names it, and comes back with its public key', async () => {
      called.clear();
      const inputs = { KeyName: 'ops-v1' };
      const { KeyPairs: before } = await call('DescribeKeyPairs', {
        KeyNames: ['ops-v1'],
        IncludePublicKey: true,
      });
      const gone = await run(deleteKeyPair, inputs, world);
      expect(gone.ending).toMatchObject({ kind: 'done', outputs: { Deleted: true } });
      expect(await names()).not.toContain('ops-v1');
      expect(await undo(deleteKeyPair, gone, world)).toMatchObject({
        kind: 'done',
        changes: [{ from: null }],
      });
      const { KeyPairs: after } = await call('DescribeKeyPairs', {
        KeyNames: ['ops-v1'],
        IncludePublicKey: true,
      });
      const shown = (pairs: unknown) =>
        (pairs as JsonObject[]).map(({ PublicKey, KeyFingerprint, Tags }) => ({
          PublicKey,
          KeyFingerprint,
          Tags: (Tags as { Key: string }[]).toSorted((a, b) => a.Key.localeCompare(b.Key)),
        }));
      expect(shown(after)).toEqual(shown(before));
      expect(await undo(deleteKeyPair, gone, world)).toMatchObject({ kind: 'done', changes: [] });
    });

    test('a pair that an old version of a launch template or an instance names stays', async () => {
      const PublicKeyMaterial = Buffer.from(blankKey(7).line).toString('base64');
      await call('ImportKeyPair', { KeyName: 'used', PublicKeyMaterial });
      await call('CreateLaunchTemplate', {
        LaunchTemplateName: 'web',
        LaunchTemplateData: { KeyName: 'used' },
      });
      await call('CreateLaunchTemplateVersion', {
        LaunchTemplateName: 'web',
        LaunchTemplateData: { KeyName: 'ops-v1' },
      });
      const refused = await run(deleteKeyPair, { KeyName: 'used', AllowInstances: true }, world);
      expect(refused.ending).toMatchObject({
        kind: 'failed',
        code: 'KEY_PAIR_IN_USE',
        message: expect.stringContaining('launch template web version 1'),
      });
      expect(await names()).toContain('used');
      const stated = iamActions(deleteKeyPair.permissions({ KeyName: 'used' }));
      expect([...stated].filter((each) => !called.has(each))).toEqual([]);
    });

    test('what EC2 does not import is refused before anything is asked', async () => {
      const ecdsa = 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==';
      for (const PublicKey of [ecdsa, 'nonsense']) {
        await expect(run(rotateKeyPair, { Name: 'x', PublicKey }, world)).rejects.toMatchObject({
          code: 'NOT_A_KEY',
        });
      }
    });
  },
);
