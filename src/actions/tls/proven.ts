/** An effect that is done only when a TLS handshake with the host's own port shows the certificate that it installed. */
import { peerCertificate } from '../../transports/http/connection.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import type { Host } from '../../transports/host.ts';
import { pending, type ActionContext, type BegunEffect, type Poll } from '../define-action.ts';

/** How long a service may take to show what it was told to read, in seconds. MinIO and nginx take less than one. */
const patienceSeconds = 20;
const handshakeMs = 10_000;

export interface Door {
  readonly Address?: string;
  readonly Port: number;
  /** SNI. */
  readonly ServerName: string;
}

/** Serial number and fingerprint of what the port shows; or why it shows nothing. */
export type Shown =
  | { readonly kind: 'certificate'; readonly serial: string; readonly fingerprint: string }
  | { readonly kind: 'nothing'; readonly why: string };

/** Dialled from the host itself. Throws where no connection can be made from there at all. */
export async function shownBy(host: Host, door: Door, context: ActionContext): Promise<Shown> {
  const { Address = '127.0.0.1', Port, ServerName } = door;
  const endpoint = {
    label: `${host.label}, ${Address} port ${Port}`,
    authority: `${ServerName}:${Port}`,
    dial: (options: { readonly signal: AbortSignal; readonly timeoutMs: number }) =>
      host.dial({ address: Address, port: Port }, options),
    tls: { serverName: ServerName },
  };
  try {
    const { serialNumber, fingerprint256 } = await peerCertificate(endpoint, {
      signal: context.signal,
      timeoutMs: handshakeMs,
    });
    return { kind: 'certificate', serial: serialNumber, fingerprint: fingerprint256 };
  } catch (error) {
    if (error instanceof HttpFailure && error.code !== 'CANCELLED') {
      return { kind: 'nothing', why: error.message };
    }
    throw error;
  }
}

export interface Proof<I, B> {
  host(inputs: I): string;
  door(inputs: I): Door;
  /** The fingerprint that must be shown; null: nothing is to be proven. */
  wanted(inputs: I, before: B): string | null;
  /** It is not shown, and patience is over. May act, and answers `pending` until it has. */
  notShown(shown: Shown, inputs: I, before: B, context: ActionContext): Promise<Poll<never>>;
}

export function proven<I, B, H extends { readonly Host: string; readonly Token: string }, O>(
  effect: BegunEffect<I, B, H, O>,
  handleOf: (inputs: I, context: ActionContext) => H,
  proof: Proof<I, B>,
): BegunEffect<I, B, H, O> {
  return {
    ...effect,
    adopt: async (inputs, before, context) => {
      const found = await effect.adopt(inputs, before, context);
      return found.kind === 'done' ? { kind: 'running', handle: handleOf(inputs, context) } : found;
    },
    poll: async (handle, inputs, before, context) => {
      const answer = await effect.poll(handle, inputs, before, context);
      if (answer.kind !== 'done') return answer;
      const wanted = proof.wanted(inputs, before);
      if (wanted === null) return answer;
      const shown = await shownBy(context.host(proof.host(inputs)), proof.door(inputs), context);
      if (shown.kind === 'certificate' && shown.fingerprint === wanted) return answer;
      // Counted from the end of what made it read, however long that took.
      const since = context.kept('not shown since', () => context.now());
      if (context.now() - since < patienceSeconds * 1_000) {
        return pending(250, 'waiting for the new certificate to be shown');
      }
      return proof.notShown(shown, inputs, before, context);
    },
  };
}

/** What a port shows, in words. */
export function spoken(shown: Shown): string {
  return shown.kind === 'certificate' ? `shows the serial ${shown.serial}` : `shows none (${shown.why})`;
}
