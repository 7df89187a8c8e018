/** `Except`: one of the Hosts that is not asked, because it is ill itself. */
import { Type } from 'typebox';
import { ActionFailure } from '../define-action.ts';
import type { ClusterInputs } from './cluster.ts';

export const exceptInput = Type.Optional(
  Type.String({
    minLength: 1,
    description:
      'One of the Hosts that is not asked: whether all the others serve, before this one is stopped because it is ill.',
  }),
);

/** Throws ActionFailure INVALID_INPUT where it is none of the Hosts, or the only one. */
export function withoutExcept<I extends ClusterInputs & { readonly Except?: string }>(inputs: I): I {
  const { Hosts, Except } = inputs;
  if (Except === undefined) return inputs;
  const asked = Hosts.filter((host) => host !== Except);
  if (asked.length > 0 && asked.length < Hosts.length) return { ...inputs, Hosts: asked };
  const what = asked.length === 0 ? 'the only one' : 'not one';
  const message = `Except names ${Except}, which is ${what} of the Hosts (${Hosts.join(', ')})`;
  throw new ActionFailure({ code: 'INVALID_INPUT', message });
}
