/** Bundles the command line into split ESM chunks, so that `belay --version` never loads an AWS client. */
import { defineConfig, type OutputOptions, type Plugin } from 'rolldown';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import manifest from './package.json' with { type: 'json' };

/** Read at run time, one service at a time: src/transports/aws/model-store.ts looks for them beside belay.js. */
const serviceModels: Plugin = {
  name: 'aws-service-models',
  writeBundle: ({ dir = 'dist' }) =>
    cpSync('src/transports/aws/models', join(dir, 'models'), { recursive: true }),
};

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
  plugins: [serviceModels],
  transform: { define: { BELAY_VERSION: JSON.stringify(manifest.version) } },
  output,
});
