/** Filters on what the endpoint rewrites cannot be left to moto: they are taken out of the call and applied to the answer. */
import { objectsParam, listParam, textParam, type ApiCall } from '../api-call.ts';

export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Splits the call: what moto may filter, and what is to be filtered here. `page` is never given to moto, which ignores it. */
export function splitFilters(
  call: ApiCall,
  ours: ReadonlySet<string>,
): { readonly forwarded: ApiCall; readonly filters: readonly Filter[]; readonly page: Page } {
  const all = objectsParam(call.params, 'Filter').map((filter) => ({
    name: textParam(filter, 'Name') ?? '',
    values: listParam(filter, 'Value'),
  }));
  const page = {
    size: Number(textParam(call.params, 'MaxResults') ?? 0),
    start: Number(textParam(call.params, 'NextToken')?.replace(/^lab-page-/, '') ?? 0),
  };
  const filters = all.filter(({ name }) => ours.has(name));
  if (filters.length === 0 && page.size === 0 && page.start === 0) return { forwarded: call, filters, page };
  const sent = [...new URLSearchParams(call.request.body.toString('utf8'))];
  const dropped = /^(?:Filter\.|MaxResults$|NextToken$)/;
  const form = new URLSearchParams(sent.filter(([name]) => !dropped.test(name)));
  all
    .filter(({ name }) => !ours.has(name))
    .forEach(({ name, values }, index) => {
      form.set(`Filter.${index + 1}.Name`, name);
      values.forEach((value, at) => form.set(`Filter.${index + 1}.Value.${at + 1}`, value));
    });
  const body = Buffer.from(form.toString());
  return { forwarded: { ...call, request: { ...call.request, body } }, filters, page };
}

/** MaxResults and NextToken; size 0 is everything. */
export interface Page {
  readonly size: number;
  readonly start: number;
}

/** The entries of the asked page, and the token of the next one. */
export function cutPage<T>(
  entries: readonly T[],
  { size, start }: Page,
): { readonly entries: T[]; readonly nextToken?: string } {
  if (size === 0) return { entries: entries.slice(start) };
  const end = start + size;
  const page = { entries: entries.slice(start, end) };
  return end < entries.length ? { ...page, nextToken: `lab-page-${end}` } : page;
}

/** Whether a value passes an EC2 filter: any of its values, with * and ? as wildcards. */
export function passes(value: string, { values }: Filter): boolean {
  return values.some((pattern) => {
    const expression = pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${expression}$`, 's').test(value);
  });
}
