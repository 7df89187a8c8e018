/** A world whose AWS answers by functions, one for each operation; what has none is a mistake of the test. */
import type { JsonObject } from '../../../src/json.ts';
import { AwsFailure, type Aws } from '../../../src/transports/aws.ts';
import { fakeClock } from '../../world/fake-clock.ts';
import type { World } from '../../support/action-bed.ts';

export type Answers = Readonly<Record<string, (params: JsonObject) => JsonObject>>;

export interface FakeStage extends World {
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
  /** `config:DescribeConfigRules`, in order. */
  readonly calls: string[];
}

export function fakeStage(answers: Answers): FakeStage {
  const clock = fakeClock();
  const calls: string[] = [];
  const aws: Aws = {
    call: ({ service, operation, params }) => {
      const name = `${service}:${operation}`;
      calls.push(name);
      const answer = answers[name];
      if (answer === undefined) throw new Error(`nobody answers ${name}`);
      return Promise.resolve().then(() => answer(params));
    },
    identity: () =>
      Promise.resolve({
        account: '123456789012',
        arn: 'arn:aws:iam::123456789012:user/ann',
        region: 'eu-west-1',
        partition: 'aws',
      }),
    assume: () => aws,
  };
  return {
    calls,
    aws,
    now: () => clock.now(),
    wait: async (ms) => clock.pass(ms),
  };
}

export function refused(code: string): AwsFailure {
  return new AwsFailure({ code, message: `it says ${code}`, retryable: false, effect: 'none' });
}
