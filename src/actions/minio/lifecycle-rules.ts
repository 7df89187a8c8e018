/** S3 lifecycle rules as XML: read for what expires when, and extended by one rule that leaves the others as they are. */
import { XmlReply, type XmlElement } from '../../transports/s3/xml.ts';

export interface ExpiryRule {
  readonly id: string;
  readonly isEnabled: boolean;
  /** Null: it expires by a date, or only old versions. */
  readonly days: number | null;
  readonly prefix: string;
  /** Tags or sizes narrow it: it does not cover every object under the prefix. */
  readonly isNarrowed: boolean;
}

/** Throws Error for what is no lifecycle configuration. */
export function rulesOf(xml: string): ExpiryRule[] {
  const root = new XmlReply(xml).root('LifecycleConfiguration');
  if (root === undefined) throw new TypeError('the server answers no LifecycleConfiguration');
  return root.all('Rule').map(ruleOf);
}

function ruleOf(rule: XmlElement): ExpiryRule {
  const filter = rule.one('Filter');
  const and = filter?.one('And');
  const days = rule.one('Expiration')?.text('Days') ?? '';
  const narrowing = ['Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan'];
  return {
    id: rule.text('ID'),
    isEnabled: rule.text('Status') === 'Enabled',
    days: days === '' ? null : Number(days),
    prefix: and?.text('Prefix') || filter?.text('Prefix') || rule.text('Prefix'),
    isNarrowed: narrowing.some((name) => [filter, and].some((place) => place?.has(name) === true)),
  };
}

/** Whether every object under the prefix expires after exactly so many days. */
export function covers(rules: readonly ExpiryRule[], days: number, prefix: string): boolean {
  return rules.some(
    (rule) => rule.isEnabled && !rule.isNarrowed && rule.days === days && prefix.startsWith(rule.prefix),
  );
}

/** The same configuration with one rule more, in place of one of the same id. `xml` undefined: it is the only one. */
export function withRule(
  xml: string | undefined,
  { id, days, prefix }: { readonly id: string; readonly days: number; readonly prefix: string },
): string {
  const rule = `<Rule><ID>${escaped(id)}</ID><Status>Enabled</Status><Filter><Prefix>${escaped(prefix)}</Prefix></Filter><Expiration><Days>${days}</Days></Expiration></Rule>`;
  if (xml === undefined) return `<LifecycleConfiguration>${rule}</LifecycleConfiguration>`;
  const others = xml.replaceAll(/<Rule>.*?<\/Rule>/gs, (each) =>
    each.includes(`<ID>${escaped(id)}</ID>`) ? '' : each,
  );
  return others.replace('</LifecycleConfiguration>', `${rule}</LifecycleConfiguration>`);
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
