/** What the endpoint rules of a service are told about one operation, besides region and configuration. Pure. */
import type { EndpointParameterInstructions } from '@smithy/core/endpoints';
import type { ServiceModel } from './model-format.ts';

/** Every rule set of AWS takes these. */
export const commonInstructions: EndpointParameterInstructions = {
  UseFIPS: { type: 'builtInParams', name: 'useFipsEndpoint' },
  Endpoint: { type: 'builtInParams', name: 'endpoint' },
  Region: { type: 'builtInParams', name: 'region' },
  UseDualStack: { type: 'builtInParams', name: 'useDualstackEndpoint' },
};

export function operationInstructions(
  { endpointRules, operations, shapes }: ServiceModel,
  operation: string,
  { isCustomEndpoint }: { readonly isCustomEndpoint: boolean },
): EndpointParameterInstructions {
  const { input, staticContextParams = {} } = operations[operation] ?? {};
  const instructions: EndpointParameterInstructions = {};
  const fix = (name: string, value: string | boolean): void => {
    if (name in endpointRules.parameters) instructions[name] = { type: 'staticContextParams', value };
  };
  // A stand-in for S3 is reached by one name; a bucket or an account before it would be another host. GetBucketLocation is asked where a
  // bucket is, so its caller cannot know the region that the bucket's own name leads to.
  if (isCustomEndpoint || operation === 'GetBucketLocation') fix('ForcePathStyle', true);
  // A session for directory buckets is a call of its own; a plain signature is accepted too.
  fix('DisableS3ExpressSessionAuth', true);
  for (const [name, value] of Object.entries(staticContextParams)) fix(name, value);
  if (isCustomEndpoint) fix('RequiresAccountId', false);

  const shape = input === undefined ? undefined : shapes[input];
  const members = shape?.type === 'structure' ? Object.entries(shape.members) : [];
  for (const [name, { contextParam }] of members)
    if (contextParam !== undefined) instructions[contextParam] = { type: 'contextParams', name };
  return instructions;
}
