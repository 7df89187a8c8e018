/**
 * Bundles the command line into split ESM chunks, so that `belay --version` never loads an AWS client. The package has no
 * dependencies: what it needs is in the bundle, with the licences of all that (THIRD-PARTY.txt) and a list of it for
 * scanners (sbom.cdx.json, CycloneDX).
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type OutputOptions, type Plugin } from 'rolldown';
import licensePlugin, { type Dependency, type Options } from 'rollup-plugin-license';
import sbom from 'rollup-plugin-sbom';
import manifest from './package.json' with { type: 'json' };

/** Read at run time, one service at a time: src/transports/aws/model-store.ts looks for them beside belay.js. */
export const serviceModels: Plugin = {
  name: 'aws-service-models',
  writeBundle: ({ dir = 'dist' }) =>
    cpSync('src/transports/aws/models', join(dir, 'models'), { recursive: true }),
};

/** Its types name a default export of an ES module; it is a CommonJS function. */
const license = licensePlugin as unknown as (options: Options) => Plugin;

/** What may be in the bundle without a thought. */
const allowedLicences = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
]);
/** What may be in it for a reason. MPL-2.0 asks that people can get its source; NOTICE says where. */
const allowedPackages: Readonly<Record<string, string>> = { 'ical.js': 'MPL-2.0' };

function isAllowed({ name, license: licence }: Dependency): boolean {
  return licence !== null && (allowedLicences.has(licence) || allowedPackages[name ?? ''] === licence);
}

/** Fails the build on a licence that nobody has thought about. */
function notices(): Plugin[] {
  let text = '';
  const collect = license({
    thirdParty: {
      allow: { test: isAllowed, failOnUnlicensed: true, failOnViolation: true },
      output: (dependencies) => {
        text = dependencies
          .toSorted((a, b) => (a.name ?? '').localeCompare(b.name ?? ''))
          .map(
            (each) =>
              `${each.name} ${each.version} (${each.license})\n\n${each.licenseText ?? each.text()}\n${each.noticeText ?? ''}`,
          )
          .join(`\n${'-'.repeat(72)}\n\n`);
      },
    },
  });
  const emit: Plugin = {
    name: 'third-party-notices',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY.txt', source: text });
    },
  };
  return [collect, emit];
}

export const output: OutputOptions = {
  dir: 'dist',
  format: 'esm',
  cleanDir: true,
  minify: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  banner: (chunk) => (chunk.isEntry ? '#!/usr/bin/env node' : ''),
};

export default defineConfig({
  input: { belay: 'src/cli/main.ts' },
  platform: 'node',
  plugins: [
    serviceModels,
    ...notices(),
    sbom({
      outDir: '',
      outFilename: 'sbom.cdx',
      includeWellKnown: false,
      saveTimestamp: false,
      generateSerial: false,
    }),
  ],
  transform: { define: { BELAY_VERSION: JSON.stringify(manifest.version) } },
  output,
});
