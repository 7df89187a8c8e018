/** A stage whose AWS answers by functions, one for each operation; what has none is a mistake of the test. */
import { newMemory, type ActionContext } from '../../../src/actions/define-action.ts';
import type { JsonObject } from '../../../src/json.ts';
import { AwsFailure, type Aws } from '../../../src/transports/aws.ts';
import { fakeClock } from '../../world/fake-clock.ts';
import type { Stage } from '../aws/support/drive.ts';

export type Answers = Readonly<Record<string, (params: JsonObject) => JsonObject>>;

export interface FakeStage extends Stage {
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
  const context = (token: string): ActionContext => ({
    executionId: '01JCASE',
    step: 'Step',
    token,
    signal: new AbortController().signal,
    aws,
    fetch: globalThis.fetch,
    targets: () => [],
    host: () => {
      throw new Error('there is no host');
    },
    log: () => ({ write: () => undefined }),
    notice: () => undefined,
    now: () => clock.now(),
    startedAt: clock.now(),
    kept: newMemory(),
    isSecret: () => false,
  });
  return {
    calls,
    context,
    now: () => clock.now(),
    wait: (ms) => Promise.resolve(clock.pass(ms)),
  };
}

export function refused(code: string): AwsFailure {
  return new AwsFailure({ code, message: `it says ${code}`, retryable: false, effect: 'none' });
}
