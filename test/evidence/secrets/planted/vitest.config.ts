/** A run of tests of its own, for ../search.test.ts: what the search after all tests does with a leak. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.planted.ts'],
    globalSetup: ['../../../support/secret-search/global-setup.ts'],
    pool: 'forks',
  },
});
