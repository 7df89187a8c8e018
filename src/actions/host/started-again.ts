/** A unit that runs what was taken back below it, started once more: the second part of the undo of host:service and host:file. */
import { done, type BegunEffect, type UndoInputs } from '../define-action.ts';
import { detached, fieldsOrFailure, type DetachedHandle } from '../effects/detached.ts';
import { setService, stableSecondsDefault } from '../scripts/service.ts';
import type { JsonObject } from '../../json.ts';

export interface StartedUnit {
  readonly name: string;
  readonly by: 'restarted' | 'reloaded';
  readonly stableSeconds?: number | undefined;
}

export function startedAgain<I extends { readonly Host: string }, B, O>(
  unitOf: (inputs: I) => StartedUnit,
): BegunEffect<UndoInputs<I, B, DetachedHandle, O>, null, DetachedHandle, JsonObject> {
  return detached<UndoInputs<I, B, DetachedHandle, O>, null, JsonObject>({
    host: ({ inputs }) => inputs.Host,
    script: ({ inputs }) => {
      const { name, by, stableSeconds = stableSecondsDefault } = unitOf(inputs);
      return setService([name, `${by}-again`, '-', String(stableSeconds)]);
    },
    waitingFor: ({ inputs }) => `waiting for ${unitOf(inputs).name} to run what is back`,
    mayStartAnew: true,
    finish: (end, { inputs }) => {
      const said = fieldsOrFailure(end);
      if ('failure' in said) return said.failure;
      const { name, by } = unitOf(inputs);
      if (said.fields.one('again') === undefined) return done({}, { note: `${name} is not active, left so` });
      return done({}, { note: `${name} ${by} once more, with what is back` });
    },
  });
}
