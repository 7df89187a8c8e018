/** The effect of actions whose steps the engine runs itself (flow steps): the registry has them for their inputs, docs and names. */
import type { JsonObject } from '../json.ts';
import type { ReadEffect } from './define-action.ts';

export const runByTheEngine: ReadEffect<unknown, JsonObject> = {
  kind: 'read',
  poll: () => {
    throw new Error('a flow step reached its action: the engine runs it itself');
  },
};
