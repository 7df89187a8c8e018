/** What a decision that was laid into the inbox comes to: it is judged as `belay approve` judges one, and then recorded the same way. */
import { foldEvents } from '../../engine/index.ts';
import { DamagedExecution, type Journal } from '../../journal/index.ts';
import type { Json } from '../../json.ts';
import type { Configurations } from '../configuration.ts';
import { Refusal } from '../refusal.ts';
import { headOf } from '../summary.ts';
import type { ApprovalWait } from './answer.ts';
import { waitOf } from './approval-judge.ts';
import { askAws, statementSha256 } from './aws-caller.ts';
import { allowedSignersOf, checkDecision } from './check-decision.ts';
import { readDecision } from './decision-file.ts';
import { policyOf, textOf } from './give.ts';
import { recordSigned } from './record-signed.ts';

export interface TakePorts {
  readonly journal: Journal;
  readonly configurations: Configurations;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
}

/** How often AWS is asked for others, at most, in one minute. */
const asksMax = 20;

export class Taker {
  readonly #ports: TakePorts;
  #asks: number[] = [];

  constructor(ports: TakePorts) {
    this.#ports = ports;
  }

  /** Undefined: it counts and is recorded. A sentence says why it does not. */
  async take(text: string): Promise<string | undefined> {
    try {
      return await this.#take(text);
    } catch (error) {
      if (error instanceof Refusal || error instanceof DamagedExecution) return error.message;
      throw error;
    }
  }

  async #take(text: string): Promise<string | undefined> {
    const { journal, configurations, env, now } = this.#ports;
    const said = readDecision(text);
    if ('wrong' in said) return said.wrong;
    const { executionId, step, approver, decision, comment, signed } = said;
    const row = await journal.execution(executionId);
    if (row === undefined) return `there is no execution ${executionId} here`;
    const state = foldEvents(await journal.events(executionId, 0));
    const { waits, endedAt } = headOf(state);
    const waiting = waits.find(
      (each): each is { readonly at: string; readonly waiting: ApprovalWait } =>
        each.at === step && each.waiting.kind === 'approval',
    )?.waiting;
    if (endedAt !== null || row.closing !== null || waiting?.signed !== true || waiting.wait !== said.wait)
      return `${executionId} does not wait for it`;
    const policy = policyOf(row, configurations);
    if (policy === null) return 'belay.yaml names no approvers any more';
    const wait = waitOf(row, step, { ...waiting, wait: said.wait });
    if (!wait.approvers.includes(approver)) return 'it names no approver';
    const signers = allowedSignersOf(policy, env);
    const value: Record<string, Json> = { approver, decision, comment };
    if (signed.kind === 'ssh') value['signature'] = signed.signature;
    else {
      if (!this.#mayAsk()) return 'AWS was asked too often within a minute; lay it there again';
      const sha256 = statementSha256(textOf({ policy, wait, signers }, { decision, comment }, approver));
      const asked = await askAws(signed.proof, sha256, policy.stsEndpoint, now());
      if (asked.kind === 'refused') return asked.why;
      value['aws'] = asked.word;
    }
    const verdict = await checkDecision(policy, wait, value, signers);
    if (verdict.kind === 'bad') return verdict.why;
    const known = { executionId, at: step, steps: state.steps, rollback: state.rollback };
    const recorded = { value: { ...value, by: verdict.person }, person: verdict.person };
    return (await recordSigned(journal, known, recorded, now()))
      ? undefined
      : `${verdict.person} has answered ${step} already`;
  }

  #mayAsk(): boolean {
    const at = this.#ports.now();
    this.#asks = this.#asks.filter((each) => Math.abs(at - each) < 60_000);
    this.#asks.push(at);
    return this.#asks.length <= asksMax;
  }
}
