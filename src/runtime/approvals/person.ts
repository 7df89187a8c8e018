/** Who is asking at this terminal, as far as a prompt believes it. */
import type { ExecutionRow } from '../../journal/index.ts';
import { AwsFailure } from '../../transports/aws.ts';
import { createAws } from '../../transports/aws/client.ts';
import { Refusal } from '../refusal.ts';
import { hasStarted } from './starter.ts';

export interface Person {
  readonly user: string;
  /** Known where the execution uses AWS, and approvals are prompts. */
  readonly arn: string | null;
  /** Whether the execution was started by the same person. */
  readonly isStarter: boolean;
}

/** `user`: of the operating system. Throws Refusal where AWS does not say who that is. */
export async function personAsking(row: ExecutionRow, user: string, env: NodeJS.ProcessEnv): Promise<Person> {
  const { sandbox, usesAws } = row.settings;
  // Where approvals are signed, nobody is known by what an endpoint of the environment says.
  const isAsked = usesAws && !sandbox && row.input.signedApprovals !== true;
  return {
    user,
    arn: isAsked ? await ownArn() : null,
    isStarter: hasStarted(row, user, env),
  };
}

async function ownArn(): Promise<string> {
  try {
    return (await createAws().identity()).arn;
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    const text = `AWS does not say who you are: ${error.message}`;
    throw new Refusal('refused', 'NO_IDENTITY', text, { hint: 'nothing was recorded' });
  }
}
