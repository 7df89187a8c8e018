/** Makes secrets as tests do and leaks them where the environment says; passes, whatever it leaked. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Desk } from '../../../support/command-line.ts';
import { copyForSearch } from '../../../support/secret-search/registry.ts';
import { password, privateKey } from '../canary.ts';

const places = (process.env['PLANT'] ?? '').split(' ');

test('a test that passes', () => {
  const [word, key] = [password(), privateKey()];
  using desk = new Desk();
  desk.write('state/executions/quiet.log', 'nothing');
  if (places.includes('state'))
    desk.write('state/executions/loud.log', Buffer.from(`x${word.value}`).toString('base64'));
  if (places.includes('argument')) execFileSync('/bin/true', ['--password', word.value]);
  const journal = join(desk.folder, 'endpoint.journal.jsonl');
  writeFileSync(journal, JSON.stringify({ params: places.includes('journal') ? { Key: key.value } : {} }));
  copyForSearch(journal, 'endpoint.journal.jsonl');
  expect(desk.folder).not.toBe('');
});
