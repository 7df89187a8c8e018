/** Own actions reach AWS through `callAws` and `pages`, which hold them to the SDK's types. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const actions = path.join(import.meta.dirname, '../../src/actions');
const TYPED = /\baws\.call\(\s*\{[^}]*service: '(?:cloudwatch|config|ec2|sns|ssm)'/;

it('no action calls the services that the types know past them', () => {
  const past = globSync('**/*.ts', { cwd: actions }).filter((file) =>
    TYPED.test(readFileSync(path.join(actions, file), 'utf8')),
  );
  expect(past).toEqual([]);
});
