/** Asking moto first: it checks the parameters and makes the ids and the XML that the endpoint then makes true. */
import { textParam, type ApiCall } from '../api-call.ts';
import type { Cell } from '../cell.ts';
import { ec2Answer } from '../moto.ts';
import { ApiError, type Reply } from '../reply.ts';
import { printXml, type Element } from '../xml.ts';

/** Moto's answer to the call as it came. Throws ApiError when moto refuses. */
export async function askMoto(call: ApiCall, cell: Cell): Promise<Element> {
  const { status, body } = await cell.moto.forward(call.request);
  const root = ec2Answer(call.operation, body);
  if (status >= 300)
    throw new ApiError('InternalError', `moto answered ${status} to ${call.operation}`, status);
  return root;
}

/** Moto's answer printed again after a rewrite. */
export function rewritten(root: Element): Reply {
  const body = Buffer.from(printXml(root));
  return {
    status: 200,
    headers: ['Content-Type', 'text/xml;charset=UTF-8', 'Content-Length', String(body.length)],
    body,
  };
}

/** Refuses a call that only asks whether it would be allowed, as EC2 does. */
export function refuseDryRun({ params }: ApiCall): void {
  if (textParam(params, 'DryRun')?.toLowerCase() === 'true')
    throw new ApiError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
}
