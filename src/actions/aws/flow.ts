/** Flow actions stand in the registry for their inputs, docs and names; the engine runs the steps itself. */
import type { JsonObject } from '../../json.ts';
import type { ReadEffect } from '../define-action.ts';

export const runByTheEngine: ReadEffect<unknown, JsonObject> = {
  kind: 'read',
  poll: () => {
    throw new Error('a flow step reached its action: the engine runs it itself');
  },
};
