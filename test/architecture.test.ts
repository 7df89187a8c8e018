/** Holds the table of docs/ARCHITECTURE.md: reads every import of src/ and asks whether its room may. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', 'src');

/** Room → rooms it may import. `types:` and `file:` narrow it. */
const allowed: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'json.ts': [],
  document: ['json.ts'],
  engine: ['json.ts', 'document'],
  transports: ['json.ts'],
  world: ['json.ts', /^transports\/(aws|host)\.ts$/],
  actions: [
    'json.ts',
    'document',
    'engine',
    // What checks find is in its words; it has no other.
    'compliance',
    /^transports\/(aws|aws-calls|host|scripts)\.ts$/,
    /^transports\/aws\/read-only\.ts$/,
    // They speak over connections that the host port dialled, and reach nothing by themselves.
    /^transports\/(http|s3)\/(client|connection|failure|multipart|object-lock|sign|tags|versions|xml)\.ts$/,
  ],
  journal: ['json.ts', 'engine', 'compliance'],
  schedule: [],
  windows: ['json.ts', 'document', 'schedule'],
  compliance: ['json.ts', 'document'],
  notify: ['json.ts', 'document'],
  inventory: ['json.ts', 'document', 'notify', /^transports\/host\.ts$/],
  runtime: [
    'json.ts',
    'document',
    'engine',
    'actions',
    'transports',
    'world',
    'journal',
    'inventory',
    'schedule',
    'windows',
    'compliance',
    'notify',
  ],
  cli: [
    'json.ts',
    'windows',
    'compliance',
    'notify',
    'runtime',
    'document',
    'engine',
    'actions',
    'journal',
    'inventory',
  ],
};

/** Rooms from which only types may come. */
const typesOnly: readonly (readonly [string, string])[] = [
  ['actions', 'engine'],
  ['journal', 'engine'],
  ['journal', 'compliance'],
];

/** What must not be named in rooms that are deterministic or pure. */
const forbidden: Readonly<Record<string, RegExp>> = {
  document: /'node:|\bDate\.now\b|\bMath\.random\b|\bsetTimeout\b|\bprocess\./,
  engine: /'node:|\bDate\.now\b|\bMath\.random\b|\bsetTimeout\b|\bsetInterval\b|\bprocess\.|\bperformance\./,
  compliance: /'node:|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\b|\bprocess\./,
  notify: /'node:|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\b|\bprocess\./,
  windows: /'node:|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\b|\bprocess\./,
  schedule: /'node:|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\b|\bprocess\./,
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly isType: boolean;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const importPattern =
  /^(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(importPattern)].map((match) => ({
    file,
    target: normalize(relative(root, join(root, dirname(file), match[3] ?? match[4] ?? ''))),
    isType: match[1] !== undefined || isAllTypes(match[2] ?? ''),
  }));
}

/** `{ type A, type B }`. */
function isAllTypes(clause: string): boolean {
  const names = clause.replaceAll(/[{}\s]+/g, ' ').trim();
  return (
    names !== '' && names.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '))
  );
}

/** Without what is said about it. */
const codeOf = (file: string): string =>
  readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

const roomOf = (file: string): string => file.split('/')[0] ?? file;
const imports = files.flatMap(importsOf);

test('every room imports only what the table allows', () => {
  const wrong = imports.filter(({ file, target }) => {
    const room = roomOf(file);
    if (room === roomOf(target)) return false;
    const may = allowed[room];
    return (
      may === undefined ||
      !may.some((entry) => (typeof entry === 'string' ? roomOf(target) === entry : entry.test(target)))
    );
  });
  expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
});

test('ports are imported as types only', () => {
  const wrong = imports.filter(
    ({ file, target, isType }) =>
      !isType && typesOnly.some(([from, to]) => roomOf(file) === from && roomOf(target) === to),
  );
  expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
});

/** A pattern that RE2 cannot run is stopped after a time: the one clock of document, and it decides nothing but a refusal. */
const stopsPatterns = "import { runInNewContext } from 'node:vm';";

test('document, engine, schedule, windows, compliance and notify know no clock, no chance, no files and no process', () => {
  const wrong = files.filter((file) => {
    const pattern = forbidden[roomOf(file)];
    return pattern !== undefined && pattern.test(codeOf(file).replace(stopsPatterns, ''));
  });
  expect(wrong).toEqual([]);
});

/** The rooms that time passes in by itself: what they measure and bound are real connections and processes. */
const timed = /^transports\//;

/** Where the machine's clock comes in, and the one place that compares it with what else the machine has stamped. */
const clockComesFrom: readonly string[] = [
  'cli/start.ts',
  // What `Belay` takes where its caller gives none.
  'runtime/belay.ts',
  // Times of files, which are of the machine's clock whatever clock a test gives.
  'runtime/windows/chores.ts',
];

test('the machine is asked for the time where the clock comes in, and nowhere else', () => {
  const wrong = files.filter(
    (file) => !timed.test(file) && /\bDate\.now\b|\bnew Date\(\)/.test(codeOf(file)),
  );
  expect(wrong.toSorted()).toEqual(clockComesFrom.toSorted());
});

/** As with the clock; OpenSSH takes the same name where nobody gives it another one. */
const callerComesFrom: readonly string[] = [
  'cli/start.ts',
  'runtime/belay.ts',
  'transports/hosts/ssh-prove.ts',
];

test('the machine is asked who calls where the caller comes in, and nowhere else', () => {
  const wrong = files.filter((file) => /\buserInfo\(/.test(codeOf(file)));
  expect(wrong.toSorted()).toEqual(callerComesFrom.toSorted());
});

/** What follows from its key alone, whoever asks and when: it is only not worked out twice. */
const notWorkedOutTwice: readonly string[] = [
  'compliance/check-inputs.ts',
  'document/selector.ts',
  'document/validate/inputs.ts',
  'document/validate/known-types.ts',
  'document/validate/names.ts',
  'journal/shape.ts',
  'runtime/activities/inputs.ts',
  'runtime/recorded-outcomes.ts',
  'schedule/zone.ts',
  'transports/aws/member-names.ts',
  // What is installed on this machine, looked for once.
  'transports/scripts/tools.ts',
];

test('a module remembers nothing: what belongs to a look, a link or an execution is kept there', () => {
  const remembering =
    /^(?:export )?(?:let |const \w+(?:: (?!Readonly)[^=]+)? = (?:new (?:WeakMap|WeakSet|Map|Set|Array)(?:<[^;]*>)?\(\)|\[\]|\{\});)/m;
  const wrong = files.filter((file) => remembering.test(codeOf(file)));
  expect(wrong.toSorted()).toEqual(notWorkedOutTwice.toSorted());
});

test('no room is called utils, helpers or common, and no file is longer than 400 lines', () => {
  expect(files.filter((file) => /(^|\/)(utils?|helpers?|common)(\/|\.ts$)/.test(file))).toEqual([]);
  expect(files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 400)).toEqual([]);
});

/**
 * Files that import each other in a circle, by type only or not. A circle hides which of two came first, and neither can
 * be read, moved or tested alone. What is listed here must get shorter.
 */
const knownCircles: readonly string[] = [];

test('every file that the page names is there', () => {
  const page = readFileSync(join(root, '..', 'docs', 'ARCHITECTURE.md'), 'utf8');
  const named = [...page.matchAll(/`(?:src\/)?((?:[\w-]+\/)*[\w-]+\.ts)`/g)].flatMap(
    ([, name]) => name ?? [],
  );
  expect(named.length).toBeGreaterThan(80);
  const isThere = (name: string): boolean =>
    name.startsWith('test/')
      ? existsSync(join(root, '..', name))
      : files.some((file) => file === name || file.endsWith(`/${name}`));
  expect(named.filter((name) => !isThere(name))).toEqual([]);
});

test('no files import each other in a circle', () => {
  expect(circles(files, imports)).toEqual(knownCircles);
});

test('a circle is found, also one of types and one through other files', () => {
  const importing = (file: string, target: string, isType = false): Import => ({ file, target, isType });
  const graph = [importing('a', 'b'), importing('b', 'c'), importing('c', 'a', true), importing('d', 'a')];
  expect(circles(['a', 'b', 'c', 'd'], graph)).toEqual(['a, b, c']);
  expect(circles(['a', 'd'], graph)).toEqual([]);
});

/** Strongly connected parts of more than one file (R. Tarjan, 1972), each as its files in order. */
function circles(all: readonly string[], edges: readonly Import[]): string[] {
  const targets = Map.groupBy(edges, ({ file }) => file);
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const found: string[] = [];
  const visit = (file: string): number => {
    const own = index.size;
    index.set(file, own);
    lowest.set(file, own);
    open.push(file);
    for (const { target } of targets.get(file) ?? []) {
      if (!all.includes(target)) continue;
      const reached = index.has(target)
        ? open.includes(target)
          ? (index.get(target) ?? own)
          : own
        : visit(target);
      lowest.set(file, Math.min(lowest.get(file) ?? own, reached));
    }
    const low = lowest.get(file) ?? own;
    if (low === own) {
      const part = open.splice(open.indexOf(file));
      if (part.length > 1) found.push(part.toSorted().join(', '));
    }
    return low;
  };
  for (const file of all) if (!index.has(file)) visit(file);
  return found.toSorted();
}
