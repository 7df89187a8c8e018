/** The context that the activity host gives, for tests that ask one function of an action by itself. */
import { Type } from 'typebox';
import { defineAction, done, type ActionContext } from '../../src/actions/define-action.ts';
import { Bed, newToken, type World } from './action-bed.ts';

/**
 * An activity of the real host is under way until the context is disposed of. `token`: the engine's; the context has its hash.
 * What `World.secrets` holds is known as secret.
 */
export async function contextOf(
  world: World,
  token: string = newToken(),
): Promise<ActionContext & AsyncDisposable> {
  const given = Promise.withResolvers<ActionContext>();
  const isOver = Promise.withResolvers<undefined>();
  const probe = defineAction({
    name: 'test:ask',
    summary: 'Hands out its context.',
    source: 'test/support/action-context.ts',
    example: '',
    inputs: Type.Object({ Secrets: Type.Array(Type.String()) }),
    outputs: Type.Object({}),
    secretInputs: ['Secrets'],
    timeoutSeconds: undefined,
    permissions: () => [],
    targets: () => [],
    hasHostTargets: false,
    effect: {
      kind: 'read',
      poll: async (_, context) => {
        given.resolve(context);
        await isOver.promise;
        return done({});
      },
    },
    undo: { kind: 'none', reason: 'it does nothing', leavesChange: false },
  });
  const bed = new Bed(probe, { Secrets: [...(world.secrets ?? [])] }, world);
  const activity = bed.ask('wait', { ...bed.work(null), handle: null }, token);
  const context = await Promise.race([given.promise, activity.then(neverBegan)]);
  return {
    ...context,
    [Symbol.asyncDispose]: async () => {
      isOver.resolve(undefined);
      await activity;
    },
  };
}

function neverBegan(outcome: unknown): never {
  throw new Error(`no context was given: ${JSON.stringify(outcome)}`);
}
