/** What AWS's refusals and the endings of a SendCommand invocation mean for the host. */
import type { AwsFailure } from '../aws.ts';
import type { HostFailure, HostFailureCode } from '../host.ts';
import { hostFailure } from './failure.ts';

interface Wanted {
  readonly host: string;
  readonly name: string;
}

const refusedCredentials =
  /^(?:NO_CREDENTIALS|AccessDenied|UnauthorizedOperation|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|InvalidSignature|AuthFailure|OptInRequired)/;

/** SSM's API refused, or could not be reached. `began`: whether a command had been sent before. */
export function apiFailure(
  wanted: Wanted,
  attempted: string,
  failure: AwsFailure,
  began: boolean,
): HostFailure {
  const { code, hint } = apiMeaning(failure);
  return hostFailure({
    ...wanted,
    code,
    what: `${attempted} over SSM failed: ${failure.message}`,
    ...(hint === undefined ? {} : { next: hint }),
    retryable: failure.retryable,
    effect: began ? 'unknown' : failure.effect,
    cause: failure,
  });
}

function apiMeaning({ code }: AwsFailure): { readonly code: HostFailureCode; readonly hint?: string } {
  if (refusedCredentials.test(code)) {
    return {
      code: 'AUTH_REFUSED',
      hint: 'The caller needs ssm:SendCommand, ssm:GetCommandInvocation, ssm:ListCommandInvocations and ssm:ListCommands on the instance.',
    };
  }
  if (code === 'InvalidInstanceId') {
    return {
      code: 'UNREACHABLE',
      hint: 'The instance is not connected to Systems Manager: it may be stopped, in another region or account, or without the agent and its role.',
    };
  }
  if (code === 'NO_REPLY') return { code: 'NO_REPLY' };
  return { code: 'UNREACHABLE' };
}

/** The invocation ended without an answer of the protocol. */
export function invocationFailure(wanted: Wanted, status: string, stderr: string): HostFailure {
  const said = stderr.trim() === '' ? '' : `: ${stderr.trim().slice(0, 500)}`;
  switch (status) {
    case 'Undeliverable':
    case 'DeliveryTimedOut':
    case 'Delivery Timed Out':
      return hostFailure({
        ...wanted,
        code: 'NO_REPLY',
        what: `the SSM agent did not take the command (${status})${said}`,
        next: 'The instance may be stopped, frozen or cut off. Its ping status:  aws ssm describe-instance-information',
        retryable: true,
        effect: status === 'Undeliverable' ? 'none' : 'unknown',
      });
    case 'AccessDenied':
    case 'Access Denied':
      return hostFailure({
        ...wanted,
        code: 'AUTH_REFUSED',
        what: `SSM refused the command (${status})${said}`,
      });
    case 'InvalidPlatform':
    case 'Invalid Platform':
      return hostFailure({
        ...wanted,
        code: 'TOOL_MISSING',
        what: `AWS-RunShellScript does not run on it (${status})`,
      });
    default:
      return hostFailure({
        ...wanted,
        code: 'CONNECTION_LOST',
        what: `the command over SSM ended without an answer (${status})${said}`,
        next: 'A command that had begun goes on under its token.',
        retryable: true,
        effect: 'unknown',
      });
  }
}
