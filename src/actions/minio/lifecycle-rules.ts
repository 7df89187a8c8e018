/** S3 lifecycle rules as XML: read for what expires when, and extended by one rule that leaves the others as they are. */
import type { Versioning } from '../../transports/s3/versions.ts';
import { XmlReply, type XmlElement } from '../../transports/s3/xml.ts';

export interface ExpiryRule {
  readonly id: string;
  readonly isEnabled: boolean;
  /** Null: it expires by a date, or only old versions. */
  readonly days: number | null;
  readonly prefix: string;
  /** Tags or sizes narrow it: it does not cover every object under the prefix. */
  readonly isNarrowed: boolean;
  /** After how many days as an old version one goes; null: never by this rule. */
  readonly noncurrentDays: number | null;
  /** So many of the newest old versions are kept for ever. */
  readonly newerKept: number;
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
  const noncurrent = rule.one('NoncurrentVersionExpiration');
  const noncurrentDays = noncurrent?.text('NoncurrentDays') ?? '';
  const narrowing = ['Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan'];
  return {
    id: rule.text('ID'),
    isEnabled: rule.text('Status') === 'Enabled',
    days: days === '' ? null : Number(days),
    prefix: and?.text('Prefix') || filter?.text('Prefix') || rule.text('Prefix'),
    noncurrentDays: noncurrentDays === '' ? null : Number(noncurrentDays),
    newerKept: Number(noncurrent?.text('NewerNoncurrentVersions') ?? 0),
    isNarrowed: narrowing.some((name) => [filter, and].some((place) => place?.has(name) === true)),
  };
}

/** What a bucket is asked to do with its objects, and what else it does with them. */
export interface Wanted {
  readonly days: number;
  readonly prefix: string;
  readonly versioning: Versioning;
  /** For so many days its object lock lets nothing be deleted; undefined: it has no such default. */
  readonly lockDays: number | undefined;
}

/**
 * Why not everything under the prefix is gone in time; empty: it is. Where versions are kept, expiry only lays a delete
 * marker over the object, and nothing is deleted without a rule for old versions. The rule by days takes markers, too,
 * once nothing is left below them.
 */
export function gapsIn(rules: readonly ExpiryRule[], wanted: Wanted): string[] {
  const { days, prefix, versioning, lockDays } = wanted;
  const forAll = rules.filter((rule) => rule.isEnabled && !rule.isNarrowed && prefix.startsWith(rule.prefix));
  const gaps: string[] = [];
  if (!forAll.some((rule) => rule.days === days)) {
    const others = forAll.flatMap((rule) => (rule.days === null ? [] : [rule.days]));
    const some = rules.filter((rule) => rule.isEnabled && rule.days !== null);
    if (others.length > 0) gaps.push(`its objects expire after ${others.join(' and ')} days`);
    else if (some.length > 0) gaps.push('only some of its objects expire');
    else gaps.push(rules.length === 0 ? 'it has no rules' : 'none of its rules expires objects');
  }
  if (versioning !== 'off') {
    const old = forAll.filter((rule) => rule.noncurrentDays !== null);
    if (old.length === 0) gaps.push('its old versions never expire');
    else if (!old.some((rule) => (rule.noncurrentDays ?? Infinity) <= days && rule.newerKept === 0)) {
      const [{ noncurrentDays, newerKept }] = old as [ExpiryRule];
      gaps.push(
        newerKept > 0
          ? `${newerKept} old versions of each object are kept for ever`
          : `its old versions expire after ${noncurrentDays} days`,
      );
    }
  }
  if (lockDays !== undefined && lockDays > days)
    gaps.push(`its object lock keeps every version ${lockDays} days`);
  return gaps;
}

/** The same configuration with one rule more, also for old versions where the bucket keeps them, in place of one of the same id. `xml` undefined: it is the only one. */
export function withRule(
  xml: string | undefined,
  { id, days, prefix, versioning }: Pick<Wanted, 'days' | 'prefix' | 'versioning'> & { readonly id: string },
): string {
  const old =
    versioning === 'off'
      ? ''
      : `<NoncurrentVersionExpiration><NoncurrentDays>${days}</NoncurrentDays></NoncurrentVersionExpiration>`;
  const rule = `<Rule><ID>${escaped(id)}</ID><Status>Enabled</Status><Filter><Prefix>${escaped(prefix)}</Prefix></Filter><Expiration><Days>${days}</Days></Expiration>${old}</Rule>`;
  if (xml === undefined) return `<LifecycleConfiguration>${rule}</LifecycleConfiguration>`;
  const others = xml.replaceAll(/<Rule>.*?<\/Rule>/gs, (each) =>
    each.includes(`<ID>${escaped(id)}</ID>`) ? '' : each,
  );
  return others.replace('</LifecycleConfiguration>', `${rule}</LifecycleConfiguration>`);
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
