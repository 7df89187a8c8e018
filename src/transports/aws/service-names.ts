/** The names under which AWS knows a service, besides its boto3 client name. Pure; runs when the models are written. */
import type { BotocoreModel } from './botocore-format.ts';
import { lettersOf } from './names.ts';

/** Names that boto3 itself accepts for another (botocore: SERVICE_NAME_ALIASES). */
const BOTO3_ALIASES: Readonly<Record<string, readonly string[]>> = {
  'sagemaker-runtime': ['runtime.sagemaker'],
};

type Metadata = BotocoreModel['metadata'];

/**
 * Client name → further names, letters only: the service id (`elasticloadbalancingv2`, `cloudwatchlogs`), then the endpoint's
 * (`monitoring`, `states`) and the signing name. A name that two services have counts for the one whose id it is, else for none.
 */
export function otherNames(services: ReadonlyMap<string, Metadata>): Record<string, readonly string[]> {
  const owners = new Map([...services.keys()].map((service) => [lettersOf(service), service]));
  const claim = (namesOf: (service: string, metadata: Metadata) => readonly string[]): void => {
    const claims = new Map<string, Set<string>>();
    for (const [service, metadata] of services) {
      for (const name of namesOf(service, metadata)) {
        const letters = lettersOf(name);
        claims.set(letters, (claims.get(letters) ?? new Set()).add(service));
      }
    }
    for (const [letters, [service, ...others]] of claims) {
      if (service !== undefined && others.length === 0 && !owners.has(letters)) owners.set(letters, service);
    }
  };
  claim((_, { serviceId }) => [serviceId]);
  claim((service) => BOTO3_ALIASES[service] ?? []);
  claim((_, { endpointPrefix }) => [endpointPrefix]);
  claim((_, { signingName }) => (signingName === undefined ? [] : [signingName]));

  const names: Record<string, string[]> = {};
  for (const service of [...services.keys()].sort()) names[service] = [];
  for (const [letters, service] of owners) if (letters !== lettersOf(service)) names[service]?.push(letters);
  return names;
}
