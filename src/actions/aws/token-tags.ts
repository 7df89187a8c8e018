/** The tags by which what a step makes in AWS is found again, where the call that makes it takes tags. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { tokenTagKey, type ActionContext } from '../define-action.ts';
import { objectsIn, textIn } from './reply.ts';

type Tag = { readonly Key: string; readonly Value: string };

export function tokenTags({ token, executionId, step }: ActionContext): readonly Tag[] {
  return [
    { Key: tokenTagKey, Value: token },
    { Key: 'belay:execution', Value: executionId },
    { Key: 'belay:step', Value: step },
  ];
}

/** The filter that finds what was made under the token. */
export function madeUnder(token: string): JsonObject {
  return { Name: `tag:${tokenTagKey}`, Values: [token] };
}

/** The token that a described resource carries; empty: none. */
export function tokenOn(described: JsonObject): string {
  const tag = objectsIn(described, 'Tags').find((each) => textIn(each, 'Key') === tokenTagKey);
  return tag === undefined ? '' : textIn(tag, 'Value');
}

/** The author's TagSpecifications, with the token's tags on each of the resource types. */
export function withTokenTags(
  written: readonly Json[],
  types: readonly string[],
  context: ActionContext,
): readonly JsonObject[] {
  const specifications = written.filter(isJsonObject);
  const others = specifications.filter((each) => !types.includes(textIn(each, 'ResourceType')));
  return [
    ...others,
    ...types.map((type) => ({
      ResourceType: type,
      Tags: [
        ...specifications
          .filter((each) => textIn(each, 'ResourceType') === type)
          .flatMap((each) => objectsIn(each, 'Tags')),
        ...tokenTags(context),
      ],
    })),
  ];
}
