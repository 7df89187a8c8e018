/** Undos of what never came to change anything: they succeed, whatever stands in the way of more. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyBackStandby } from '../../../src/actions/scripts/postgresql-rebuild.ts';
import { unfollowPrimary } from '../../../src/actions/scripts/postgresql-switch.ts';

test.each([
  ['postgresql:follow', unfollowPrimary(['key', 'postgres', '/nowhere/at/all'])],
  ['postgresql:rebuildStandby', copyBackStandby(['key', '/nowhere/at/all'])],
])('of %s, with a directory that is none', (_, { text, args }) => {
  const state = mkdtempSync(join(tmpdir(), 'belay-kept-'));
  try {
    const env = { ...process.env, BELAY_HOST_STATE: state };
    const { status, stdout } = spawnSync('sh', ['-c', text, 'sh', ...(args ?? [])], {
      env,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});
