/** EC2's filters: values of one filter are alternatives, filters add up; `*` and `?` stand for any characters. */
import { AwsNotModelled } from '../refusal.ts';
import type { Params } from '../params.ts';

/** What a resource answers to a filter's name; undefined: the sandbox does not model the filter. */
export type Facts = (filter: string) => readonly string[] | undefined;

/** Whether the resource passes every filter. Throws AwsNotModelled for a filter that is not modelled. */
export function passes(params: Params, tags: Readonly<Record<string, string>>, facts: Facts): boolean {
  return params.objects('Filters').every((filter) => {
    const name = filter.needText('Name');
    const found = tagFact(name, tags) ?? facts(name);
    if (!found) throw new AwsNotModelled(`the filter ${name} of this call`);
    return filter.texts('Values').some((pattern) => found.some((value) => fits(pattern, value)));
  });
}

function tagFact(name: string, tags: Readonly<Record<string, string>>): string[] | undefined {
  if (name === 'tag-key') return Object.keys(tags);
  if (!name.startsWith('tag:')) return undefined;
  const value = tags[name.slice('tag:'.length)];
  return value === undefined ? [] : [value];
}

export function fits(pattern: string, value: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === value;
  const expression = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(value);
}
