/** One call from arrival to answer: fault, owned operation or moto, journal. */
import { readCall, type ApiCall, type ArrivedRequest } from './api-call.ts';
import type { Cell, Handler } from './cell.ts';
import { configOperations } from './config/operations.ts';
import { ec2Operations } from './ec2/operations.ts';
import { faultName, refusal, type Fault, type FaultPlayer } from './faults.ts';
import { idsIn } from './journal.ts';
import { ApiError, errorReply, type Reply } from './reply.ts';
import { snsOperations } from './sns/operations.ts';
import { ssmOperations } from './ssm/operations.ts';
import { createStaleReads } from './stale.ts';
import { textParam } from './api-call.ts';

const owned: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  ec2: ec2Operations,
  ssm: ssmOperations,
  config: configOperations,
  sns: snsOperations,
};
const staleReadsUsual = 3;

/** The answer to a request; `cut` when the connection is to be cut without one. */
export type Dispatch = (request: ArrivedRequest) => Promise<Reply | 'cut'>;

export function createDispatch(cell: Cell, faults: FaultPlayer): Dispatch {
  const answerFresh = async (call: ApiCall): Promise<Reply> => {
    const handler = owned[call.service]?.[call.operation];
    return handler === undefined ? await cell.moto.forward(call.request) : await handler(call, cell);
  };
  const staleReads = createStaleReads(answerFresh);

  const act = async (call: ApiCall, fault: Fault | undefined): Promise<Reply> => {
    const refused = fault === undefined ? undefined : refusal(fault.do, call);
    if (refused !== undefined) throw refused;
    if (typeof fault?.do === 'object' && 'delayMs' in fault.do) await cell.pause(fault.do.delayMs);
    const makesStale =
      fault?.do === 'stale' || (fault?.do === 'lost-reply' && fault.staleReads !== undefined);
    if (!makesStale) return staleReads.age(call, await answerFresh(call));
    const changed = await staleReads.remember(call, cell, fault.staleReads ?? staleReadsUsual);
    const answer = await answerFresh(call);
    changed(answer);
    return answer;
  };

  return async (request) => {
    const call = readCall(request);
    const fault = faults.next(call);
    const isCut = fault?.do === 'reset' || fault?.do === 'lost-reply';
    let answer: Reply | undefined;
    let errorCode: string | undefined;
    if (fault?.do !== 'reset') {
      try {
        answer = await act(call, fault);
        if (answer.status >= 400) errorCode = codeIn(answer);
      } catch (error) {
        const refused = error instanceof ApiError ? error : internal(call, error);
        errorCode = refused.code;
        answer = errorReply(call, refused);
      }
    }
    if (call.mutating) {
      const clientToken = textParam(call.params, 'ClientToken');
      cell.journal.addCall({
        service: call.service,
        operation: call.operation,
        accessKey: call.caller.accessKey,
        params: call.params,
        ...(clientToken === undefined ? {} : { clientToken }),
        status: answer?.status ?? 0,
        ...(errorCode === undefined ? {} : { errorCode }),
        ids: answer === undefined || errorCode !== undefined ? [] : idsIn(answer.body),
        reply: isCut ? 'cut' : 'sent',
        ...(fault === undefined ? {} : { fault: faultName(fault) }),
      });
    }
    return isCut || answer === undefined ? 'cut' : answer;
  };
}

/** The hands failed: that is AWS's internal error to the caller, and the sentence says what broke. */
function internal(call: ApiCall, error: unknown): ApiError {
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(
    call.service === 'ec2' ? 'InternalError' : 'InternalServerError',
    `${call.operation} in the lab: ${message}`,
    500,
  );
}

function codeIn({ status, body }: Reply): string {
  const text = body.subarray(0, 4096).toString('utf8');
  return (
    /<Code>([^<]+)<|"__type"\s*:\s*"([^"]+)"/
      .exec(text)
      ?.slice(1)
      .find((code) => code !== undefined) ?? `HTTP ${status}`
  );
}
