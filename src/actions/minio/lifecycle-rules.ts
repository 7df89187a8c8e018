/** S3 lifecycle rules as XML: read for what expires when, and extended by one rule that leaves the others as they are. */
import type { Versioning } from '../../transports/s3/versions.ts';
import { XmlReply, type XmlElement } from '../../transports/s3/xml.ts';

export interface ExpiryRule {
  readonly id: string;
  readonly isEnabled: boolean;
  /** Null: it expires by a date, or only old versions. */
  readonly days: number | null;
  /** From this day on it removes whatever it covers, also what was written that day; null: it names none. */
  readonly date: string | null;
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
  const expiration = rule.one('Expiration');
  const [days, date] = [expiration?.text('Days') ?? '', expiration?.text('Date') ?? ''];
  const noncurrent = rule.one('NoncurrentVersionExpiration');
  const noncurrentDays = noncurrent?.text('NoncurrentDays') ?? '';
  const narrowing = ['Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan'];
  return {
    id: rule.text('ID'),
    isEnabled: rule.text('Status') === 'Enabled',
    days: days === '' ? null : Number(days),
    date: date === '' ? null : date.slice(0, 10),
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
 * Why not everything under the prefix is kept for its time and gone then; empty: it is. Of several rules for the same
 * objects the shortest counts. Where versions are kept, expiry only lays a delete
 * marker over the object, and nothing is deleted without a rule for old versions. The rule by days takes markers, too,
 * once nothing is left below them.
 */
export function gapsIn(rules: readonly ExpiryRule[], wanted: Wanted): string[] {
  const { days, prefix, versioning, lockDays } = wanted;
  const forAll = rules.filter((rule) => rule.isEnabled && !rule.isNarrowed && prefix.startsWith(rule.prefix));
  const gaps: string[] = [];
  const shortest = Math.min(...forAll.flatMap((rule) => rule.days ?? []));
  if (shortest !== days) {
    const some = rules.filter((rule) => rule.isEnabled && rule.days !== null);
    if (shortest !== Infinity) gaps.push(`its objects expire after ${shortest} days`);
    else if (some.length > 0) gaps.push('only some of its objects expire');
    else gaps.push(rules.length === 0 ? 'it has no rules' : 'none of its rules expires objects after days');
  }
  const [dated] = forAll.filter((rule) => rule.date !== null);
  if (dated !== undefined)
    gaps.push(
      `its rule ${named(dated)} removes all of its objects from ${dated.date} on, however new they are`,
    );
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

/** What goes earlier than the rest, by rules for some of the objects: `all under tmp/ after 7 days`. No gap: somebody wants it so. */
export function earlierIn(rules: readonly ExpiryRule[], { days, prefix }: Wanted): string[] {
  const some = rules.filter(
    (rule) =>
      rule.isEnabled &&
      (rule.isNarrowed || !prefix.startsWith(rule.prefix)) &&
      (rule.prefix.startsWith(prefix) || prefix.startsWith(rule.prefix)),
  );
  return some.flatMap((rule) => {
    const under = rule.prefix === '' ? '' : ` under ${rule.prefix}`;
    const what = rule.isNarrowed ? `those of its rule ${named(rule)}${under}` : `all${under}`;
    if (rule.date !== null) return [`${what} from ${rule.date} on`];
    return rule.days !== null && rule.days < days ? [`${what} after ${rule.days} days`] : [];
  });
}

const named = ({ id }: ExpiryRule): string => (id === '' ? 'without a name' : id);

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
  return replaced(xml, id, '').replace('</LifecycleConfiguration>', () => `${rule}</LifecycleConfiguration>`);
}

export type TakenBack =
  /** `xml` undefined: none is left. */
  | { readonly kind: 'rules'; readonly xml: string | undefined }
  /** Somebody has changed the rule that was put, or taken it away. */
  | { readonly kind: 'theirs' };

/**
 * What stands there now without the rule that was put, and with the one of the same id that stood before. What somebody has added
 * since stays.
 */
export function takenBack(
  now: string | undefined,
  was: string | undefined,
  put: Pick<Wanted, 'days' | 'prefix'> & { readonly id: string },
): TakenBack {
  const ours = now === undefined ? undefined : rulesOf(now).find(({ id }) => id === put.id);
  if (now === undefined || ours === undefined || !ours.isEnabled || ours.isNarrowed)
    return { kind: 'theirs' };
  if (ours.days !== put.days || ours.prefix !== put.prefix) return { kind: 'theirs' };
  const othersOf = (xml = ''): string =>
    ruleTexts(xml)
      .filter((each) => !hasId(each, put.id))
      .toSorted()
      .join('');
  if (othersOf(now) === othersOf(was)) return { kind: 'rules', xml: was };
  const before = ruleTexts(was ?? '').filter((each) => hasId(each, put.id));
  const left = replaced(now, put.id, before.join(''));
  return { kind: 'rules', xml: ruleTexts(left).length === 0 ? undefined : left };
}

const ruleText = /<Rule>.*?<\/Rule>/gs;
const ruleTexts = (xml: string): readonly string[] => xml.match(ruleText) ?? [];
const hasId = (rule: string, id: string): boolean => rule.includes(`<ID>${escaped(id)}</ID>`);
const replaced = (xml: string, id: string, instead: string): string =>
  xml.replaceAll(ruleText, (each) => (hasId(each, id) ? instead : each));

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
