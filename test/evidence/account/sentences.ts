/**
 * Every sentence of an ending, one pattern each, with what it may be said of: each is compared with the world's own state. A
 * line that no pattern knows fails, so that no new sentence goes unchecked.
 */

/** Where the things are that lines of a difference name: the sandbox's own state, or what stands for it elsewhere. */
export interface Places {
  readonly hosts: Readonly<Record<string, { readonly name: string; readonly instanceId: string }>>;
  readonly volumes: Readonly<
    Record<string, { readonly attachment?: { readonly instanceId: string } | null | undefined }>
  >;
  readonly instances: Readonly<Record<string, object>>;
}

/** What the world holds, beside the words. */
export interface Seen {
  /** Lines of `difference`: what is not as it was before the execution. */
  readonly changed: readonly string[];
  readonly places: Places;
  /** Steps that began, by what was told of their attempts. */
  readonly began: ReadonlySet<string>;
  /** Restore points by the execution's own record. */
  readonly restorePoints: readonly string[];
  /** By the word of the runbook's author something stays that needs no undo: then his word is not held against Belay. */
  readonly hasWord: boolean;
  /** An author's list takes something back. */
  readonly hasList: boolean;
}

type Check = (found: readonly string[], seen: Seen) => string | null;

/** Null: the sentence holds. */
const always: Check = () => null;

/** `volume ID`, `file ID PATH …` of a difference belong to the host whose disk it is, and to the volume and the instance. */
export function concerns(line: string, target: string, { hosts, volumes, instances }: Places): boolean {
  const [, kind = '', id = ''] = /^[+-] (\S+) (\S+)/.exec(line) ?? [];
  if (id === target) return true;
  const host = Object.values(hosts).find(({ name, instanceId }) => name === target || instanceId === target);
  if (host === undefined) return false;
  if (kind === 'runs') return id === host.name;
  if (kind === 'instance' || kind === 'tag') return id === host.instanceId && target === host.instanceId;
  if (!['file', 'package', 'unit', 'volume'].includes(kind)) return false;
  return volumes[id]?.attachment?.instanceId === host.instanceId && instances[host.instanceId] !== undefined;
}

const isUntouched: Check = (_, { changed, hasWord }) =>
  changed.length === 0 || hasWord ? null : 'something was changed';

const isNothingLeft: Check = (_, { changed, hasWord, restorePoints }) =>
  hasWord || changed.every((line) => restorePoints.some((id) => line.includes(id)))
    ? null
    : 'something is left changed';

const isAsItWas: Check = ([, names = ''], { changed, places, restorePoints }) => {
  // So many that they are only counted.
  if (/^\d+ (hosts|targets)$/.test(names)) return null;
  const wrong = changed.filter(
    (line) =>
      names.split(', ').some((name) => concerns(line, name, places)) &&
      !restorePoints.some((id) => line.includes(id)),
  );
  return wrong.length === 0 ? null : `${names} is not as it was: ${wrong.join(' | ')}`;
};

const hasWordThere: Check = (_, { hasWord, hasList }) =>
  hasWord || hasList ? null : 'no word of an author holds there';

const hasBegun: Check = ([, names = ''], { began }) => {
  const wrong = names
    .replace(/ and \d+ more$/, '')
    .split(', ')
    .filter((name) => !began.has(name));
  return wrong.length === 0 ? null : `${wrong.join(', ')} never began`;
};

const isThere = ([, ids = '']: readonly string[], { changed }: Pick<Seen, 'changed'>): string | null => {
  const names = ids.split(', ').map((id) => id.split(' ')[0] ?? '');
  const gone = names.filter((id) => !changed.some((line) => line.startsWith('+ ') && line.includes(id)));
  return gone.length === 0 ? null : `there is no ${gone.join(', ')}`;
};

const isThereAny: Check = (_, seen) => isThere(['', seen.restorePoints.join(', ')], seen);

const isDifferent: Check = (_, { changed }) => (changed.length > 0 ? null : 'nothing is different');

/** A leftover that was told: `web1  /etc/motd is sha256 …, was …`. */
const isSo: Check = ([, target = '', subject = ''], { changed, places }) => {
  const thing = subject.replace(/^tag |^snapshot | at boot$/g, '').replace(/…$/, '');
  const isNamed = (line: string): boolean =>
    thing.split(' ').some((word) => word !== '' && line.includes(word));
  const isIt = (line: string): boolean => line.includes(` ${target} `) || concerns(line, target, places);
  return changed.some((line) => isNamed(line) || (subject === 'state' && isIt(line)))
    ? null
    : `${target} ${subject} is as it was`;
};

const back = String.raw`belay rollback ([0-9A-Z]{12})`;

/** Sentences of the head, in the order in which they may come; the failure's own text is the tool's. Names of steps have no dot, so that none reaches into the next sentence. */
const sentences: readonly (readonly [RegExp, Check])[] = [
  [/^Done in [^.]+(?:\.\d+)? \w+(?: \d+ \w+)?\./, always],
  [/^Nothing was changed\./, isUntouched],
  [/^(\d+) changed on [^.]+\./, isDifferent],
  [/^Restore points? (.+?) stays?[.;]/, isThere],
  [new RegExp(`^${back} takes (?:everything back|back what has an undo)\\.`), always],
  [/^([^.]+?) left no change, by what (?:it|they) told\./, hasBegun],
  [/^([^.]+?) looked at again at [\d:]+: as before\./, hasBegun],
  [/^([^.]+?) ran(?: on .+?)?; by (?:its|their) undo: none there is nothing to take back\./, hasBegun],
  [
    /^([^.]+?) may have changed something(?: on .+?)?; by (?:its|their) undo: none nothing takes that back\./,
    hasBegun,
  ],
  [/^([^.]+?) may have changed something[.;]/, hasBegun],
  // Of a target on which nothing ran by an author's word, every line counts.
  [/^(?:By what its undo told, w|W)hat else was changed on .+? is as it was at [\d:]+\./, hasWordThere],
  [/^By what its undo told, (.+?) (?:is|are) as (?:it was|they were) at [\d:]+\./, isAsItWas],
  [/^What ([^.]+?) changed on .+? was put back, and a later undo changed it again\./, hasBegun],
  [/^What ([^.]+?) changed on .+? stays, by (?:its|their) undo: none\./, hasBegun],
  [/^What ([^.]+?) changed on .+? is as (?:its|their) undo list left it\./, hasBegun],
  [/^What ([^.]+?) did(?: on .+?)? is as (?:its|their) undo list left it\./, hasBegun],
  [/^(.+?) (?:is|are) as (?:it was|they were) at [\d:]+\./, isAsItWas],
];

const headOfUndone =
  /^(?:(?:Failed|Timed out|Cancelled)(?: at \S+)?, r|R)olled back clean in [^.]+(?:\.\d+)? \w+(?: \d+ \w+)?\./;

const lines: readonly (readonly [RegExp, Check])[] = [
  [/^Nothing is left changed\.$/, isNothingLeft],
  [/^ {2}(.+?) ran(?: on .+?)?; by (?:its|their) undo: none there is nothing to take back$/, hasBegun],
  [/^[0-9A-Z]{12} has left nothing to take back\.$/, isNothingLeft],
  [/^[0-9A-Z]{12} was rolled back at [\d:]+ already\.$/, always],
  [/^Looked again at [\d:]+:$/, always],
  [/^ {2}(\S+)(?: on \S+)? {2}as it was before$/, hasBegun],
  [/^ {2}(\S+)(?: on \S+)? {2}was not looked at$/, hasBegun],
  [/^ {2}(\S+)(?: on \S+)? {2}is not as it was before: /, isDifferent],
  [/^Nothing was done\.$/, always],
  [/^Refused: since the run ended, somebody changed what/, () => 'nobody changed anything'],
  [/^Refused: [A-Z_]+ /, always],
  [/^Nothing was undone\. (?:Still changed|What may be changed|Still there):$/, always],
  [
    /^(?:(?:Failed|Timed out|Cancelled)(?: at \S+)?, r|R)ollback (?:PARTIAL|FAILED)\. (?:Still changed|What may be changed):$/,
    always,
  ],
  [/^(?:Failed|Timed out|Cancelled)(?: at \S+)?(?:: .*)?$/, always],
  [/^ {2}why {3}belay logs [0-9A-Z]{12}/, always],
  [new RegExp(`^ {2}next {2}${back} takes (?:it back|back what has an undo)$`), always],
  [/^ {2}next {2}look at what (.+?) left, as nothing takes it back; belay show/, hasBegun],
  [/^ {2}next {2}remove what is kept once nobody needs it; belay show/, isThereAny],
  [
    /^ {2}next: (?:belay rollback|when that is put right|look at it; to overwrite|look at what |restart what still runs it)/,
    always,
  ],
  [/^ {2}kept: restore point (.+)$/, isThere],
  [/^ {2}only (?:its author knows|their authors know) what (?:it|they) changed: (.+)$/, hasBegun],
  [/^ {2}but (\S+) {2}(.+)$/, isDifferent],
  [
    /^ {2}(\S*) +(.+?) (?:was not undone|was undone in part|was left alone|may have left something behind)/,
    always,
  ],
  [
    /^ {2}(\S*) +(\S+(?:, \S+)*) may have changed something/,
    ([, , names = ''], seen) => hasBegun(['', names], seen),
  ],
  [/^ {2}(\S*) +(.+?) (?:is gone|is .+?), was /, isSo],
];

/** What of an ending the world does not hold; empty: all of it holds. */
export function untrueOf(ending: readonly string[], seen: Seen): string[] {
  return ending.flatMap((line) => untrueLine(line, seen).map((why) => `${JSON.stringify(line)}: ${why}`));
}

function untrueLine(line: string, seen: Seen): string[] {
  for (const [pattern, check] of lines) {
    const found = pattern.exec(line);
    if (found !== null) return [check(found, seen) ?? []].flat();
  }
  const rolled = headOfUndone.exec(line);
  const rest =
    rolled === null ? line.replace(/^Nothing is left changed: /, '') : line.slice(rolled[0].length);
  const why = line.startsWith('Nothing is left changed') ? isNothingLeft([], seen) : null;
  return [...(why === null ? [] : [why]), ...untrueSentences(rest.trim(), seen)];
}

function untrueSentences(text: string, seen: Seen): string[] {
  const wrong: string[] = [];
  let rest = text;
  while (rest !== '') {
    const hit = sentences
      .map(([pattern, check]) => ({ found: pattern.exec(rest), check }))
      .find(({ found }) => found !== null);
    if (hit === undefined || hit.found === null) return [...wrong, `no pattern knows "${rest}"`];
    const why = hit.check(hit.found, seen);
    if (why !== null) wrong.push(why);
    rest = rest.slice(hit.found[0].length).trimStart();
  }
  return wrong;
}
