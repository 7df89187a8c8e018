/** Answers in the shape of the protocol that asked, errors included. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../src/json.ts';
import type { ApiCall } from './api-call.ts';
import { element, printXml, type Element } from './xml.ts';

export interface Reply {
  readonly status: number;
  /** Names and values alternating. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** A refusal as AWS words it. Whoever throws it has changed nothing. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, message: string, status = 400, retryAfterSeconds?: number) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function jsonReply(body: JsonObject | readonly JsonObject[], status = 200): Reply {
  return textReply(JSON.stringify(body), 'application/x-amz-json-1.1', status);
}

export function plainReply(text: string): Reply {
  return textReply(text, 'text/plain;charset=UTF-8', 200);
}

/** `<SubscribeResponse><SubscribeResult>…`, as the query services answer. */
export function queryReply(operation: string, members: readonly Element[]): Reply {
  return xmlReply(
    element(`${operation}Response`, [
      element(`${operation}Result`, members),
      element('ResponseMetadata', [element('RequestId', randomUUID())]),
    ]),
  );
}

export function xmlReply(root: Element, status = 200): Reply {
  return textReply(printXml(root), 'text/xml;charset=UTF-8', status);
}

const ec2Namespace = ' xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"';

/** `<CreateVolumeResponse>` around the members, with a request id. */
export function ec2Reply(operation: string, members: readonly Element[]): Reply {
  return xmlReply(
    element(`${operation}Response`, [element('requestId', randomUUID()), ...members], ec2Namespace),
  );
}

export function errorReply(call: Pick<ApiCall, 'protocol' | 'service'>, error: ApiError): Reply {
  const reply = errorBody(call, error);
  if (error.retryAfterSeconds === undefined) return reply;
  return { ...reply, headers: [...reply.headers, 'Retry-After', String(error.retryAfterSeconds)] };
}

function errorBody(call: Pick<ApiCall, 'protocol' | 'service'>, error: ApiError): Reply {
  const requestId = randomUUID();
  const cause = [element('Code', error.code), element('Message', error.message)];
  if (call.protocol === 'json' || call.protocol === 'cbor') {
    const body = JSON.stringify({ __type: error.code, message: error.message, Message: error.message });
    const reply = textReply(body, 'application/x-amz-json-1.1', error.status);
    return { ...reply, headers: [...reply.headers, 'x-amzn-ErrorType', error.code] };
  }
  if (call.service === 'ec2') {
    const errors = element('Errors', [element('Error', cause)]);
    return xmlReply(element('Response', [errors, element('RequestID', requestId)]), error.status);
  }
  if (call.protocol === 'query') {
    const sender = element('Type', error.status < 500 ? 'Sender' : 'Receiver');
    return xmlReply(
      element('ErrorResponse', [element('Error', [sender, ...cause]), element('RequestId', requestId)]),
      error.status,
    );
  }
  return xmlReply(element('Error', [...cause, element('RequestId', requestId)]), error.status);
}

function textReply(text: string, type: string, status: number): Reply {
  const body = Buffer.from(text);
  const headers = [
    'Content-Type',
    type,
    'Content-Length',
    String(body.length),
    'x-amzn-RequestId',
    randomUUID(),
  ];
  return { status, headers, body };
}
