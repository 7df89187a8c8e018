import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeMin, nodeTooOld } from '../../src/cli/node-version.ts';

test('a Node that is too old is told so, by its number and its file', () => {
  for (const old of ['20.20.2', '24.14.9', '0.12.0', 'nonsense'])
    expect(nodeTooOld(old, '/usr/bin/node')).toBe(
      `Belay needs Node 24.15 or newer, and /usr/bin/node is ${old}. Nothing was started.`,
    );
  for (const fit of ['24.15.0', '24.16.1', '25.0.0', '26.10.0', process.versions.node])
    expect(nodeTooOld(fit, '/usr/bin/node')).toBeUndefined();
});

test('it is what package.json asks for', () => {
  const { engines } = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
  ) as { engines: { node: string } };
  expect(engines.node).toBe(`>=${nodeMin.major}.${nodeMin.minor}`);
});
