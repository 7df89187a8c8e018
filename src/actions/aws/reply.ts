/** Reading AWS replies: members that are absent or of another type read as nothing. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { callAws, type ParamsOf, type ReplyOf, type Shaped } from '../../transports/aws-calls.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';

/** Pages of one listing; more means that the filter is not doing its work. */
const pagesMax = 1000;

/**
 * A listing, page by page. `params` must not hold NextToken. Throws ActionFailure HALF_ANSWER where a page leads back to itself, or there is
 * no end: what was listed until then is a part, and must not pass for the whole.
 */
export async function* pages<const Service extends string, const Operation extends string>(
  service: Service,
  operation: Operation,
  params: ParamsOf<Service, Operation>,
  { aws, signal }: Pick<ActionContext, 'aws' | 'signal'>,
): AsyncGenerator<ReplyOf<Service, Operation>> {
  let next: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const asked = next === undefined ? params : Object.assign({}, params, { NextToken: next });
    const reply = await callAws(aws, { service, operation, params: asked, signal });
    yield reply;
    const token = textIn<unknown>(reply, 'NextToken');
    if (token === '') return;
    if (token === next) break;
    next = token;
  }
  const message = `${service} ${operation} says that there is more, and gives no further page`;
  throw new ActionFailure({ code: 'HALF_ANSWER', message });
}

/** Of a reply whose shape is known, its members; of any other JSON, every name. */
type MemberOf<Shape> = unknown extends Shape ? string : keyof Shape & string;
type Inner<Shape, Member> = Member extends keyof Shape ? NonNullable<Shape[Member]> : unknown;
type Item<List> = List extends readonly (infer Element)[] ? Element : unknown;

export function textIn<Shape>(of: Shaped<Shape>, member: MemberOf<Shape>): string {
  const value = of[member];
  return typeof value === 'string' ? value : '';
}

export function numberIn<Shape>(of: Shaped<Shape>, member: MemberOf<Shape>): number | null {
  const value = of[member];
  return typeof value === 'number' ? value : null;
}

export function objectIn<Shape, const Member extends MemberOf<Shape>>(
  of: Shaped<Shape>,
  member: Member,
): Shaped<Inner<Shape, Member>> {
  const value = of[member];
  return isJsonObject(value) ? value : {};
}

export function objectsIn<Shape, const Member extends MemberOf<Shape>>(
  of: Shaped<Shape>,
  member: Member,
): readonly Shaped<Item<Inner<Shape, Member>>>[] {
  return listIn(of, member).filter(isJsonObject);
}

export function textsIn<Shape>(of: Shaped<Shape>, member: MemberOf<Shape>): readonly string[] {
  return listIn(of, member).filter((entry) => typeof entry === 'string');
}

function listIn(of: JsonObject, member: string): readonly Json[] {
  const value = of[member];
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
