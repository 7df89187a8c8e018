/** runbooks/minio/rotate-access-key.yaml: what each node answers to a request signed with the old key, and with the new one. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { encryptedBody } from '../../../src/actions/minio/encrypted-body.ts';
import { rotateAccessKey } from '../../../src/actions/minio/rotate-access-key.ts';
import { MinioActions } from '../../lab/minio/actions.ts';
import { contextOf } from '../../support/action-context.ts';
import { effectOf, newToken, undoEffectOf } from '../../support/action-bed.ts';
import { S3Refusal, type KeyPair } from '../../lab/minio/s3.ts';
import { idOf, type Said } from '../../support/command-line.ts';
import { undoResults } from '../patch/command.ts';
import { registerSecret } from '../../support/secret-search/registry.ts';
import { beginWatch } from '../secrets/process-watch.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { drawn } from '../sample.ts';
import { limitedUser } from './limited-user.ts';
import { placesOf, shipped, type Parameters, type Stand } from './stand.ts';

const name = 'rotate-access-key';
const caseMs = 120_000;
/** Whom a run takes the person at its terminal for. */
const approver = 'root';

export function rotateAccessKeyCases(stand: () => Stand): void {
  let count = 0;

  /** MinIO's admin API; rejects unless it is done. */
  async function admin(path: string, query: Record<string, string>, body?: object | string): Promise<void> {
    const { minio } = stand();
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await minio.s3('minio01').request({
      method: 'PUT',
      path: `/minio/admin/v3/${path}`,
      query,
      ...(body === undefined ? {} : { body: encryptedBody(minio.root.secretKey, Buffer.from(text)) }),
    });
    if (answer.status >= 300) throw new S3Refusal(path, answer);
  }

  /** A user with an access key that an application uses, and a new one for it. */
  async function application(): Promise<{ user: string; old: KeyPair; next: KeyPair; given: Parameters }> {
    const user = `app${(count += 1)}`;
    const secret = (): string => {
      const value = randomBytes(30).toString('hex').slice(0, 40);
      stand().secrets.push({ value, cores: [value] });
      registerSecret(`an application's key of ${user}`, [value]);
      return value;
    };
    const [old, next] = [
      { accessKey: `${user}-2025`, secretKey: secret() },
      { accessKey: `${user}-2026`, secretKey: secret() },
    ];
    await admin('add-user', { accessKey: user }, { secretKey: secret(), status: 'enabled' });
    await admin('set-user-or-group-policy', {
      policyName: 'readwrite',
      userOrGroup: user,
      isGroup: 'false',
    });
    await admin('add-service-account', {}, { targetUser: user, ...old });
    stand().env['NEW_SECRET'] = next.secretKey;
    const given = {
      ...stand().cluster,
      AdminKey: stand().minio.root.accessKey,
      User: user,
      OldAccessKey: old.accessKey,
      NewAccessKey: next.accessKey,
      Bake: 'PT1S',
      WatchSeconds: 2,
    };
    return { user, old, next, given };
  }

  const run = (given: Parameters, file = shipped(name)): Promise<Said> =>
    stand().run(file, given, { AdminSecret: 'env:MINIO_SECRET', NewSecret: 'env:NEW_SECRET' });

  /** What the nodes answer: `works`, or the reason for which it is refused; one word where all agree. */
  async function answers(key: KeyPair): Promise<string> {
    const { minio } = stand();
    const all = await Promise.all(
      minio.nodes.map(async (node) => {
        const { status, body } = await minio.s3(node, key).request({ path: '/' });
        if (status === 200) return 'works';
        const text = body.toString('utf8');
        return text.includes('disabled') ? 'disabled' : /<Code>(\w+)</.exec(text)?.[1];
      }),
    );
    return [...new Set(all)].join(', ');
  }
  const unknown = 'InvalidAccessKeyId';

  test(
    'key: added, switched over, disabled, approved, removed; each shown by every node; no secret is anywhere',
    async () => {
      const { old, next, given } = await application();
      const watch = await beginWatch(stand().secrets.map(({ value }) => value));
      const waiting = await run({ ...given, Remove: true, Approvers: [approver] });
      expectTrouble(waiting, 6, `Switch every application from ${old.accessKey} to ${next.accessKey}`);
      expect([await answers(old), await answers(next)]).toEqual(['works', 'works']);
      const id = idOf(waiting);

      expect((await stand().belay(['continue', id])).code).toBe(0);
      const asking = await stand().belay(['resume', id, '--no-wait']);
      expectTrouble(asking, 6, 'Remove it for good? This cannot be undone.');
      expect([await answers(old), await answers(next)]).toEqual(['disabled', 'works']);

      expect((await stand().belay(['approve', id])).code).toBe(0);
      const done = await stand().belay(['resume', id]);
      expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: done.stderr });
      expect([await answers(old), await answers(next)]).toEqual([unknown, 'works']);
      expect((await watch.end()).caught).toEqual([]);
      stand().expectNowhere();
    },
    caseMs,
  );

  test(
    'key: whoever still uses the old one is named before it is disabled, and is not refused a single request',
    async () => {
      const { old, next, given } = await application();
      const over = new AbortController();
      const refused: number[] = [];
      const user = (async () => {
        const deadline = Date.now() + caseMs;
        while (!over.signal.aborted && Date.now() < deadline) {
          const { status } = await stand().minio.s3('lb', old).request({ path: '/' });
          if (status !== 200) refused.push(status);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      })();
      try {
        const waiting = await run(given);
        const id = idOf(waiting);
        await stand().belay(['continue', id]);
        const asking = await stand().belay(['resume', id, '--no-wait']);
        expectTrouble(asking, 6, 'KEY_IN_USE', `${old.accessKey} signed`, 's3.ListBuckets');
        await stand().belay(['continue', id]);
        const ended = await stand().belay(['resume', id, '--no-wait']);
        // Climbing down asks to switch back before the new key goes.
        expectTrouble(ended, 6, 'KEY_IN_USE', `${old.accessKey} works again`);
        expect([await answers(old), await answers(next)]).toEqual(['works', 'works']);
        await stand().belay(['continue', id]);
        expectTrouble(await stand().belay(['resume', id]), 3, 'Failed at WatchAgain');
      } finally {
        over.abort();
        await user;
      }
      expect(refused).toEqual([]);
      stand().expectNowhere();
    },
    caseMs * 2,
  );

  test(
    'key: a rejected removal undoes the rotation; the old key works before anybody is asked to switch back, then the new one goes',
    async () => {
      const { old, next, given } = await application();
      const waiting = await run({ ...given, Remove: true, Approvers: [approver] });
      const id = idOf(waiting);
      await stand().belay(['continue', id]);
      await stand().belay(['resume', id, '--no-wait']);
      expect((await stand().belay(['reject', id])).code).toBe(0);
      const back = await stand().belay(['resume', id, '--no-wait']);
      expectTrouble(back, 6, `${old.accessKey} works again. Switch every application`);
      expect([await answers(old), await answers(next)]).toEqual(['works', 'works']);
      expect((await stand().belay(['continue', id])).code).toBe(0);
      const ended = await stand().belay(['resume', id]);
      expectTrouble(ended, 3, 'AskRemove');
      expect([await answers(old), await answers(next)]).toEqual(['works', unknown]);
    },
    caseMs,
  );

  const beforeRemoval = placesOf(name).filter(
    (place) => !['SwitchOver', 'WatchOld', 'AskStillUsed', 'RemoveOld'].includes(place),
  );
  for (const place of drawn(name, beforeRemoval)) {
    test(
      `key: failed after ${place}, before the removal, the old one works on every node and the new one is gone`,
      async () => {
        const { old, next, given } = await application();
        const removing = { ...given, Switch: 'none', Remove: true, Approvers: [approver] };
        let said = await run(removing, stand().failingAfter(name, place));
        if (said.code === 6) {
          await stand().belay(['approve', idOf(said)]);
          said = await stand().belay(['resume', idOf(said)]);
        }
        const { rollbackStatus } = await stand().show(said);
        expectTrouble(said, rollbackStatus === 'notRequested' ? 1 : 3, 'FailHere');
        expect([await answers(old), await answers(next)]).toEqual(['works', unknown]);
      },
      caseMs * 2,
    );
  }

  test(
    'key: failed after the removal, the old key is named as what cannot come back, and the new one goes on working',
    async () => {
      const { old, next, given } = await application();
      const file = stand().failingAfter(name, 'RemoveOld');
      const asking = await run({ ...given, Switch: 'none', Remove: true, Approvers: [approver] }, file);
      await stand().belay(['approve', idOf(asking)]);
      const said = await stand().belay(['resume', idOf(asking)]);
      expectTrouble(
        said,
        4,
        'FailHere',
        'OLD_KEY_REMOVED',
        `${old.accessKey} was removed for good`,
        'RemoveOld',
      );
      expect(undoResults(await stand().show(said))).toMatchObject({
        RemoveOld: 'leftOver',
        AddNew: 'failed',
      });
      expect([await answers(old), await answers(next)]).toEqual([unknown, 'works']);
    },
    caseMs,
  );

  test(
    'key: killed while the old one is disabled, it is resumed and ends the same',
    async () => {
      const { old, next, given } = await application();
      const going = stand().start(
        shipped(name),
        { ...given, Switch: 'none' },
        {
          AdminSecret: 'env:MINIO_SECRET',
          NewSecret: 'env:NEW_SECRET',
        },
      );
      await going.writes(/▸ DisableOld/);
      going.process.kill('SIGKILL');
      const id = idOf(stand().heard(await going.said));
      const resumed = await stand().belay(['resume', id]);
      expect({ code: resumed.code, stderr: resumed.stderr }).toEqual({ code: 0, stderr: resumed.stderr });
      expect([await answers(old), await answers(next)]).toEqual(['disabled', 'works']);
      const back = await stand().belay(['rollback', id, '--yes']);
      expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
      expect([await answers(old), await answers(next)]).toEqual(['works', unknown]);
    },
    caseMs,
  );

  test(
    'key: a name that is taken, an old key that nobody has, a user in its place: refused, and nothing is changed',
    async () => {
      const { user, old, next, given } = await application();
      const none = { ...given, Switch: 'none' };
      expectTrouble(await run({ ...none, OldAccessKey: 'nobody-has-it' }), 1, 'NO_SUCH_KEY', 'Nothing was');
      await admin(
        'add-service-account',
        {},
        { targetUser: user, accessKey: next.accessKey, secretKey: 'another-secret-of-it' },
      );
      expectTrouble(await run(none), 1, 'KEY_TAKEN', 'exists with another secret', 'Nothing was changed');
      const asUser = { ...none, OldAccessKey: user, NewAccessKey: `${user}-fresh` };
      expectTrouble(await run(asUser), 3, 'NOT_AN_ACCESS_KEY', 'an access key of its own first');
      const fresh = { ...next, accessKey: `${user}-fresh` };
      expect([await answers(old), await answers(fresh)]).toEqual(['works', unknown]);
    },
    caseMs,
  );

  test(
    'key: one that belongs to another user is refused before anything is changed, as the old and as the new one',
    async () => {
      const mine = await application();
      const theirs = await application();
      stand().env['NEW_SECRET'] = mine.next.secretKey;
      expectTrouble(
        await run({ ...mine.given, OldAccessKey: theirs.old.accessKey }),
        1,
        'KEY_OF_ANOTHER',
        `${theirs.old.accessKey} belongs to ${theirs.user}, not to ${mine.user}`,
        'Nothing was changed',
      );
      stand().env['NEW_SECRET'] = theirs.old.secretKey;
      expectTrouble(
        await run({ ...mine.given, NewAccessKey: theirs.old.accessKey }),
        1,
        'KEY_OF_ANOTHER',
        'Nothing was changed',
      );
      expect([await answers(mine.old), await answers(theirs.old)]).toEqual(['works', 'works']);
      expect([await answers(mine.next), await answers(theirs.next)]).toEqual([unknown, unknown]);
    },
    caseMs,
  );

  test(
    'key: a key that may add and change access keys and not see whose they are is refused with nothing changed, by the right that it lacks; with that right it rotates',
    async () => {
      const mine = await application();
      const theirs = await application();
      const may = ['admin:CreateServiceAccount', 'admin:UpdateServiceAccount', 'admin:RemoveServiceAccount'];
      const runAs = async (actions: readonly string[], old: KeyPair): Promise<Said> => {
        const { accessKey, secretKey } = await limitedUser(stand().minio, [
          { Action: [...may, 'admin:ServerTrace', ...actions] },
        ]);
        stand().secrets.push({ value: secretKey, cores: [secretKey] });
        stand().env['LIMITED_SECRET'] = secretKey;
        stand().env['NEW_SECRET'] = mine.next.secretKey;
        return stand().run(
          shipped(name),
          { ...mine.given, AdminKey: accessKey, OldAccessKey: old.accessKey, Switch: 'none' },
          { AdminSecret: 'env:LIMITED_SECRET', NewSecret: 'env:NEW_SECRET' },
        );
      };
      for (const { old } of [mine, theirs]) {
        expectTrouble(
          await runAs([], old),
          1,
          'OWNER_NOT_SHOWN',
          `may not see to whom the access key ${old.accessKey} belongs`,
          'admin:ListServiceAccounts',
          'Nothing was changed',
        );
      }
      expect([await answers(mine.old), await answers(theirs.old)]).toEqual(['works', 'works']);
      expect(await answers(mine.next)).toBe(unknown);

      const look = ['admin:ListServiceAccounts'];
      expectTrouble(await runAs(look, theirs.old), 1, 'KEY_OF_ANOTHER', 'Nothing was changed');
      const done = await runAs(look, mine.old);
      expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: done.stderr });
      expect([await answers(mine.old), await answers(mine.next)]).toEqual(['disabled', 'works']);
      expect(await answers(theirs.old)).toBe('works');
      stand().expectNowhere();
    },
    caseMs,
  );

  test(
    'key: a name that somebody else takes between the look and the adding is refused with nothing changed, and no undo removes the key of somebody else',
    async () => {
      const { user, old, next, given } = await application();
      const theirs = { accessKey: next.accessKey, secretKey: randomBytes(20).toString('hex') };
      registerSecret(`the key of somebody else under ${user}`, [theirs.secretKey]);
      await admin('add-service-account', {}, { targetUser: user, ...theirs });
      const actions = new MinioActions(stand().minio);
      try {
        const inputs = actions.inputs(rotateAccessKey, {
          // A certificate that a case before has rotated in is of this name only.
          ServerName: 'minio.lab',
          User: user,
          OldAccessKey: old.accessKey,
          NewAccessKey: next.accessKey,
          NewSecretKey: String(stand().env['NEW_SECRET']),
          State: 'added',
        });
        const before = { Old: 'enabled', New: 'absent' };
        const effect = effectOf(rotateAccessKey, inputs);
        const undone = undoEffectOf(rotateAccessKey, inputs);
        if (effect.kind !== 'repeatable' || undone.kind !== 'repeatable')
          throw new Error('it can be done and undone again and again');
        await using context = await contextOf({ ...actions.world, executionId: newToken() });
        await expect(effect.execute(inputs, before, context)).rejects.toMatchObject({
          code: 'KEY_TAKEN',
          effect: 'none',
          message: expect.stringContaining('Nothing was changed'),
        });
        const back = await undone.execute(
          { inputs, before, outputs: null, handle: null, token: newToken() },
          null,
          context,
        );
        expect(back).toMatchObject({ kind: 'failed', code: 'CHANGED_MEANWHILE' });
      } finally {
        await actions.close();
      }
      expect([await answers(old), await answers(theirs)]).toEqual(['works', 'works']);
      expect(given['NewAccessKey']).toBe(theirs.accessKey);
    },
    caseMs,
  );
}
