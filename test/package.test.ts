/** What users install: where every byte of it comes from, what is in it, and that it runs by itself. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'belay-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Locked {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: true;
  readonly hasInstallScript?: true;
}
interface Component {
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly unknown[];
}
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
const lock = readJson(join(root, 'package-lock.json')) as { readonly packages: Record<string, Locked> };
const manifest = readJson(join(root, 'package.json')) as Record<string, unknown>;
const ours = new Set(['', '.ci/node', 'node_modules/belay-node']);

/** A copy of what git knows and of what is not committed yet, with the dependencies of this checkout, built. */
function built(name: string): string {
  const copy = join(folder, name);
  mkdirSync(copy);
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.trim().split('\n')) {
    if (!/^(src|runbooks|schemas|[^/]+$)/.test(file)) continue;
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  execFileSync(process.execPath, [join(root, 'node_modules/rolldown/bin/cli.mjs'), '-c'], {
    cwd: copy,
    stdio: 'pipe',
  });
  return copy;
}

function filesBelow(base: string): string[] {
  return readdirSync(base, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(base, name)).isFile())
    .toSorted();
}

let one = '';
let packed: {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
};
beforeAll(() => {
  one = built('one');
  const said = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: one,
    encoding: 'utf8',
  });
  [packed] = JSON.parse(said) as [typeof packed];
}, 120_000);

test('every byte that npm ci installs has an integrity hash, and no package runs a script of its own', () => {
  const without = Object.entries(lock.packages).filter(
    ([path, { integrity, link }]) =>
      !ours.has(path) && link !== true && !/^sha512-.{86}==$/.test(integrity ?? ''),
  );
  expect(without.map(([path]) => path)).toEqual([]);
  expect(Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  expect(Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? [])).toEqual(['.ci/node']);
});

test('two builds in different folders give the same bytes', () => {
  const two = built('two');
  const [first, second] = [one, two].map((copy) => join(copy, 'dist'));
  if (first === undefined || second === undefined) throw new Error('not built');
  expect(filesBelow(second)).toEqual(filesBelow(first));
  for (const name of filesBelow(first)) {
    expect(readFileSync(join(second, name)).equals(readFileSync(join(first, name))), name).toBe(true);
  }
}, 60_000);

test('the package holds the bundle, schemas, runbooks and licences, and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths.filter((path) => !/^(dist|schemas|runbooks)\//.test(path)).toSorted()).toEqual([
    'LICENSE',
    'NOTICE',
    'README.md',
    'package.json',
  ]);
  expect(paths).toEqual(
    expect.arrayContaining(['dist/belay.js', 'dist/THIRD-PARTY.txt', 'dist/sbom.cdx.json']),
  );
  expect(paths.filter((path) => /\.(map|ts|test\.\w+|env|log|db)$/.test(path))).toEqual([]);
  for (const path of paths.filter((each) => each.startsWith('dist/') && !each.endsWith('.br'))) {
    const text = readFileSync(join(one, path), 'latin1');
    expect(text.includes(root) || text.includes(folder), `${path} names a folder of this machine`).toBe(
      false,
    );
  }
  expect(packed.unpackedSize).toBeLessThan(25 * 1024 * 1024);
});

test('every package of the bundle is listed for scanners, with its licence, and its terms are in the package', () => {
  const { components, bomFormat } = readJson(join(one, 'dist', 'sbom.cdx.json')) as {
    readonly bomFormat: string;
    readonly components: readonly Component[];
  };
  const terms = readFileSync(join(one, 'dist', 'THIRD-PARTY.txt'), 'utf8');
  expect(bomFormat).toBe('CycloneDX');
  for (const { name, group, version, licenses, purl } of components) {
    const full = group === undefined ? name : `${group}/${name}`;
    const locked = lock.packages[`node_modules/${full}`];
    expect(locked, `${full} is not in the lock file`).toBeDefined();
    expect(terms).toContain(`${full} ${version} (`);
    expect(licenses.length, full).toBeGreaterThan(0);
    expect(purl).toContain(`@${version}`);
  }
  const named = [...terms.matchAll(/^(\S+) \d\S* \([\w.-]+\)$/gm)].map(([, name]) => name);
  expect(
    new Set(components.map(({ name, group }) => (group === undefined ? name : `${group}/${name}`))),
  ).toEqual(new Set(named));
  expect(named).toEqual(expect.arrayContaining(['yaml', 'ajv', 'execa', 'ical.js']));
});

test('the package needs no other: installed without a network it runs the first runbook of the README', () => {
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).not.toHaveProperty('optionalDependencies');
  const place = join(folder, 'user');
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), '{}');
  const npm = [
    'install',
    '--offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    join(folder, packed.filename),
  ];
  execFileSync('npm', npm, { cwd: place, stdio: 'pipe' });
  expect(readdirSync(join(place, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['belay']);
  const belay = (...words: string[]) =>
    execFileSync(process.execPath, [join(place, 'node_modules/.bin/belay'), ...words], {
      cwd: place,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { PATH: process.env['PATH'], HOME: place },
    });
  expect(belay('--version').trim()).toBe(manifest['version']);
  expect(belay('run', 'node_modules/belay/runbooks/patch-postgresql.yaml', '--sandbox')).toContain(
    'VerifyData.ServerVersion: 15.20',
  );
}, 60_000);
