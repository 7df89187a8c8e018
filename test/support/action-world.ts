/** The world that a test gives to an action, and what stands in where it gives nothing. */
import { ActionFailure } from '../../src/actions/define-action.ts';
import { isJsonObject, type Json } from '../../src/json.ts';
import type { Aws } from '../../src/transports/aws.ts';
import type { Host } from '../../src/transports/host.ts';
import type { ScriptPlace } from '../../src/transports/scripts.ts';

export interface World {
  readonly hosts?: Readonly<Record<string, Host>>;
  /** In the place of `hosts`. Throws ActionFailure. */
  readonly host?: (name: string) => Host;
  readonly aws?: Aws;
  readonly fetch?: typeof globalThis.fetch;
  readonly targets?: (selectors: readonly string[]) => readonly string[];
  readonly scripts?: ScriptPlace;
  /** Values of secret parameters: where one stands in an input, the engine is given a placeholder. */
  readonly secrets?: readonly string[];
  readonly executionId?: string;
  /** Command documents beside the runbook, by name. */
  readonly documents?: Readonly<Record<string, string>>;
  /** The clock of a modelled world; left out: the real one. */
  readonly now?: () => number;
  /** Told of what a step waits for. */
  readonly onNotice?: (text: string) => void;
  /** How time passes there while something is waited for. */
  readonly wait?: (ms: number) => Promise<void>;
  /** For an effect; left out: an hour of a modelled world, two minutes of the real one. */
  readonly timeoutMs?: number;
}

/** Secrets of the test, in the place of which the engine is given placeholders. */
export function hidden<T extends Json>(
  value: T,
  secrets: readonly { readonly value: string; readonly placeholder: string }[],
): T;
export function hidden(
  value: Json,
  secrets: readonly { readonly value: string; readonly placeholder: string }[],
): Json {
  if (typeof value === 'string')
    return secrets.reduce((text, secret) => text.replaceAll(secret.value, () => secret.placeholder), value);
  if (Array.isArray(value)) return value.map((item: Json) => hidden(item, secrets));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, hidden(member, secrets)]));
}

export const noAws: Aws = {
  call: async () => {
    throw new Error('this test has no AWS');
  },
  identity: async () => {
    throw new Error('this test has no AWS');
  },
  assume: () => noAws,
};

export function hostOf({ hosts }: World, name: string): Host {
  const host = hosts?.[name];
  if (host === undefined) throw new ActionFailure({ code: 'UNKNOWN_HOST', message: `no host ${name}` });
  return host;
}

/** A port that no action may need here. */
export function missing(what: string): never {
  const port: object = new Proxy(
    {},
    {
      get: () => {
        throw new Error(`this test has no ${what}`);
      },
    },
  );
  return port as never;
}
