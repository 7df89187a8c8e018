/** Bundles the command line into split ESM chunks, so that `belay --version` never loads an AWS client. */
import { defineConfig } from 'rolldown';
import { cpSync } from 'node:fs';
import manifest from './package.json' with { type: 'json' };

export default defineConfig({
  input: { belay: 'src/cli/main.ts' },
  platform: 'node',
  plugins: [
    {
      // Read at run time, one service at a time: src/transports/aws/model-store.ts looks for them beside belay.js.
      name: 'aws-service-models',
      writeBundle: () => cpSync('src/transports/aws/models', 'dist/models', { recursive: true }),
    },
  ],
  transform: { define: { BELAY_VERSION: JSON.stringify(manifest.version) } },
  output: {
    dir: 'dist',
    format: 'esm',
    cleanDir: true,
    minify: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    banner: (chunk) => (chunk.isEntry ? '#!/usr/bin/env node' : ''),
  },
});
