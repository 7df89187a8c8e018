/**
 * The sandbox's ports with one thing going wrong: the n-th effect is refused, throttled, or happens and nobody hears of
 * it. Counting starts at 1 over both ports, in the order of the calls; reading never counts.
 */
import { AwsFailure, type Aws } from '../transports/aws.ts';
import { HostFailure, type Host } from '../transports/host.ts';
import { changesWorld } from './aws.ts';

export interface Fault {
  readonly effect: number;
  readonly kind: FaultKind;
}

export type FaultKind =
  /** It does not happen, and will not. */
  | 'refused'
  /** It does not happen this time. */
  | 'throttled'
  /** It happens, and the reply is lost. */
  | 'lostReply';

export interface FaultyPorts {
  readonly aws: Aws;
  host(name: string): Host | undefined;
  /** How many effects were asked for so far. */
  effects(): number;
  /** What the fault met: `ec2:CreateSnapshot`, `service/set on db1`; undefined while it met nothing. */
  met(): string | undefined;
}

export function withFault(
  ports: { readonly aws: Aws; host(name: string): Host | undefined },
  fault: Fault,
): FaultyPorts {
  let effects = 0;
  let met: string | undefined;

  /** Carries the effect out, unless the fault says otherwise. */
  const deliver = async <T>(
    what: string,
    act: () => Promise<T>,
    failure: (kind: FaultKind) => Error,
  ): Promise<T> => {
    effects += 1;
    if (effects !== fault.effect) return act();
    met = what;
    if (fault.kind === 'lostReply') await act();
    throw failure(fault.kind);
  };

  const faultyAws = (aws: Aws): Aws => ({
    call: (call, options) => {
      if (!changesWorld(call)) return aws.call(call, options);
      const what = `${call.service}:${call.operation}`;
      return deliver(
        what,
        () => aws.call(call, options),
        (kind) => awsFailure(what, kind),
      );
    },
    identity: (signal) => aws.identity(signal),
    assume: (roleArn, region) => faultyAws(aws.assume(roleArn, region)),
  });

  const faultyHost = (host: Host): Host => ({
    ...host,
    start: (token, script, options) => {
      const what = `${script.name ?? 'shell text'} on ${host.name}`;
      return deliver(
        what,
        () => host.start(token, script, options),
        (kind) => hostFailure(host, what, kind),
      );
    },
  });

  return {
    aws: faultyAws(ports.aws),
    host: (name) => {
      const host = ports.host(name);
      return host && faultyHost(host);
    },
    effects: () => effects,
    met: () => met,
  };
}

function awsFailure(what: string, kind: FaultKind): AwsFailure {
  switch (kind) {
    case 'refused':
      return new AwsFailure({
        code: 'UnauthorizedOperation',
        message: `${what} was refused: a simulated fault. Nothing was changed.`,
        retryable: false,
        effect: 'none',
        httpStatus: 403,
      });
    case 'throttled':
      return new AwsFailure({
        code: 'RequestLimitExceeded',
        message: `${what} was refused: too many requests, a simulated fault. Nothing was changed.`,
        retryable: true,
        effect: 'none',
        httpStatus: 503,
      });
    case 'lostReply':
      return new AwsFailure({
        code: 'NO_REPLY',
        message: `${what} was sent, but the reply was lost: a simulated fault.`,
        retryable: true,
        effect: 'unknown',
      });
    default:
      return kind satisfies never;
  }
}

function hostFailure(host: Host, what: string, kind: FaultKind): HostFailure {
  switch (kind) {
    case 'refused':
      return new HostFailure({
        code: 'AUTH_REFUSED',
        message: `${host.label}: ${what} was refused: a simulated fault. Nothing was changed.`,
        retryable: false,
        effect: 'none',
      });
    case 'throttled':
      return new HostFailure({
        code: 'UNREACHABLE',
        message: `${host.label}: ${what} did not get through: a simulated fault. Nothing was changed.`,
        retryable: true,
        effect: 'none',
      });
    case 'lostReply':
      return new HostFailure({
        code: 'CONNECTION_LOST',
        message: `${host.label}: the connection broke after ${what} was sent: a simulated fault.`,
        retryable: true,
        effect: 'unknown',
      });
    default:
      return kind satisfies never;
  }
}
