/** Every secret of an execution, read by its reference. */
import { checkArgument, type Document } from '../../document/index.ts';
import { own } from '../../json.ts';
import { readSecret, type SecretSources } from './references.ts';

export interface ReadSecrets {
  /** By the parameter's name. */
  readonly values: ReadonlyMap<string, string>;
  /** Why some cannot be read, each a sentence without the value. */
  readonly troubles: readonly string[];
}

export async function readSecrets(
  references: Readonly<Record<string, string>>,
  { parameters }: Document,
  from: SecretSources,
): Promise<ReadSecrets> {
  const values = new Map<string, string>();
  const troubles: string[] = [];
  for (const [name, reference] of Object.entries(references)) {
    const reading = await readSecret(reference, from);
    if ('trouble' in reading) {
      troubles.push(`${name}: ${reading.trouble}`);
      continue;
    }
    const { value } = reading;
    const parameter = own(parameters, name);
    const problems = parameter === undefined ? [] : checkArgument(name, parameter, value);
    troubles.push(...problems.map(({ message }) => `${reference}: ${message}`));
    values.set(name, value);
  }
  return { values, troubles };
}
