/** A channel: a way to people, as belay.yaml names it. */
import type { EventName } from './events.ts';

export interface Channel {
  readonly name: string;
  readonly way: Way;
  readonly events: ReadonlySet<EventName>;
  /** It is told only of runs, windows and checks whose file names it. */
  readonly isOnlyNamed: boolean;
  /** Templates in the expression language of runbooks; left out, the usual text. */
  readonly subject?: string;
  readonly text?: string;
}

/** `env:VAR`, `file:PATH`, `ssm:/path` or `secretsmanager:ID`. */
export type SecretReference = string;

export type Way =
  | {
      readonly kind: 'sns';
      readonly topicArn: string;
      /** Of a FIFO topic: messages of one group arrive in order. */
      readonly group: string;
    }
  | {
      readonly kind: 'webhook';
      readonly url: { readonly kind: 'plain' | 'secret'; readonly value: string };
      readonly format: 'json' | 'slack';
      /** The key of the signature. */
      readonly signWith?: SecretReference;
      /** Sent as `Authorization: Bearer …`. */
      readonly bearer?: SecretReference;
      readonly caFile?: string;
    }
  | {
      readonly kind: 'email';
      readonly server: string;
      readonly port: number;
      readonly security: 'starttls' | 'tls' | 'none';
      readonly from: string;
      readonly to: readonly string[];
      readonly user?: string;
      readonly password?: SecretReference;
      readonly caFile?: string;
    }
  | {
      readonly kind: 'command';
      /** The program and its arguments; no shell reads them. */
      readonly argv: readonly string[];
      readonly format: 'text' | 'json';
      readonly timeoutSeconds: number;
    };

/** Every secret that a way needs, by what it is for. */
export function secretsOf(way: Way): Readonly<Record<string, SecretReference>> {
  switch (way.kind) {
    case 'webhook':
      return {
        ...(way.url.kind === 'secret' ? { url: way.url.value } : {}),
        ...(way.signWith === undefined ? {} : { signWith: way.signWith }),
        ...(way.bearer === undefined ? {} : { bearer: way.bearer }),
      };
    case 'email':
      return way.password === undefined ? {} : { password: way.password };
    case 'sns':
    case 'command':
      return {};
    default:
      return way satisfies never;
  }
}
