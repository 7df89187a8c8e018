/** Hosts, groups and URLs that nobody can reach are refused before the first effect, wherever they are written. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { urlProblem } from '../../src/actions/http/url.ts';
import { BelayFolder } from '../cli/belay-process.ts';

let folder: BelayFolder;
beforeAll(() => {
  folder = new BelayFolder();
  const hosts = { web1: { transport: 'local' }, web2: { transport: 'local' } };
  folder.write('belay.yaml', JSON.stringify({ hosts, groups: { web: ['web{1..2}'] } }));
});
afterAll(() => folder?.clear());

const touch = {
  name: 'Touch',
  action: 'host:command',
  inputs: { Host: 'web1', Script: 'touch "$PWD/touched" /tmp/none 2>/dev/null; true' },
  undo: { none: 'the test looks at it' },
};
const look = {
  name: 'Look',
  action: 'host:command',
  inputs: { Host: 'web1', Script: 'true' },
  undo: { none: 'looks' },
};
const parameters = (type: string, value: unknown) => ({ P: { type, default: value } });
const rolling = (targets: unknown) => ({
  name: 'Roll',
  action: 'belay:rolling',
  inputs: { Targets: targets, Steps: [{ ...look, inputs: { Host: '{{ Roll.Target }}', Script: 'true' } }] },
});
const minio = (hosts: unknown) => ({ name: 'Health', action: 'minio:health', inputs: { Hosts: hosts } });
const ask = (url: string, more: object = {}) => ({
  name: 'Ask',
  action: 'http:check',
  inputs: { Url: url, ...more },
});

const cases: readonly (readonly [title: string, step: object, parameters: object, ...says: string[]])[] = [
  [
    'a group of a rolling',
    rolling(['group:wbe']),
    {},
    'UNKNOWN_TARGET',
    'no group is called wbe. Did you mean web?',
  ],
  ['a host of a rolling', rolling(['web{1..3}']), {}, 'UNKNOWN_TARGET', 'no host is called web3'],
  [
    'targets from a parameter',
    rolling('{{ P }}'),
    parameters('StringList', ['group:wbe']),
    'UNKNOWN_TARGET',
    'Did you mean web?',
  ],
  ['a tag', rolling(['tag:role=web']), {}, 'UNKNOWN_TARGET', 'no host has a tag role'],
  [
    'one of several hosts',
    minio(['web1', 'wbe2']),
    {},
    'UNKNOWN_HOST',
    'no host is called wbe2',
    'Did you mean web2?',
  ],
  [
    'hosts from a parameter',
    minio('{{ P }}'),
    parameters('StringList', ['web1', 'wbe2']),
    'UNKNOWN_HOST',
    'Did you mean web2?',
  ],
  ['a group where a host is wanted', minio(['web']), {}, 'UNKNOWN_HOST', 'web is a group'],
  [
    'the host that asks',
    ask('http://127.0.0.1:1/', { Host: 'wbe1' }),
    {},
    'UNKNOWN_HOST',
    'Did you mean web1?',
  ],
  [
    'a host in a step of an undo',
    { ...look, undo: [{ name: 'Back', action: 'host:command', inputs: { Host: 'wbe1', Script: 'true' } }] },
    {},
    'UNKNOWN_HOST',
    'step Back',
    'Did you mean web1?',
  ],
  ['a URL as written', ask('http://db1:99999/'), {}, 'BAD_URL', 'port 99999'],
  [
    'a URL from a parameter',
    ask('{{ P }}'),
    parameters('String', 'http:/db1/'),
    'BAD_URL',
    'does not begin with http:// or https://',
  ],
];

test.each(cases)('%s', async (_, step, declared, ...says) => {
  const touched = { ...touch, inputs: { Host: 'web1', Script: `touch '${join(folder.dir, 'touched')}'` } };
  const document = { schemaVersion: '0.3', parameters: declared, mainSteps: [touched, step] };
  const file = folder.write('case.yaml', JSON.stringify(document));
  const said = await folder.run(['run', file, '-y']);
  for (const text of says) expect(said.stderr).toContain(text);
  expect(said.code).toBe(2);
  expect(said.stderr).toContain('Nothing was started.');
  expect(existsSync(join(folder.dir, 'touched'))).toBe(false);
});

test.each([
  ['String', '*'],
  ['StringList', ['']],
  ['StringList', ['all of them']],
])('what is not a host is the business of the branch before the step: %s %j', async (type, value) => {
  const [Ids, All] = ['{{ P }}', 'all'];
  const document = {
    schemaVersion: '0.3',
    parameters: { P: { type, default: value }, Way: { type: 'String', default: All } },
    mainSteps: [
      {
        name: 'Fork',
        action: 'aws:branch',
        isEnd: true,
        inputs: { Choices: [{ NextStep: 'Run', Not: { Variable: '{{ Way }}', StringEquals: All } }] },
      },
      {
        name: 'Run',
        action: 'aws:runCommand',
        inputs: {
          DocumentName: 'AWS-RunShellScript',
          InstanceIds: type === 'String' ? [Ids] : Ids,
          Parameters: { commands: ['true'] },
        },
      },
    ],
  };
  const file = folder.write('fork.yaml', JSON.stringify(document));
  const { code, stderr } = await folder.run(['run', file, '-y', '--sandbox']);
  expect(code, stderr).toBe(0);
  const run = await folder.run(['run', file, '-y', '--sandbox', '-p', 'Way=one']);
  expect(run.code).toBe(1);
});

test.each([
  'http://db1/',
  'https://db1.example:8443/path?q=%20#x',
  'http://127.0.0.1:9000',
  'http://[::1]:9000/minio/health/live',
  'HTTPS://db1',
])('%s can be asked', (url) => {
  expect(urlProblem(url)).toBeUndefined();
});

test.each([
  ['db1:9000', 'does not begin with'],
  ['ftp://db1/', 'begins with ftp://'],
  ['htps://db1/', 'begins with htps://'],
  ['http:///path', 'names no host'],
  ['http://', 'names no host'],
  ['http://ops:pw@db1/', 'a header'],
  ['http://::1:9000/', 'http://[::1]:9000/'],
  ['http://db1:port/', 'the port port'],
  ['http://db1:70000/', 'the port 70000'],
  ['http://db1/a b', '%-code'],
  ['http://[::1/', 'names no host that there can be'],
  ['http://256.0.0.1/', 'names no host that there can be'],
])('%s is refused: it %s', (url, says) => {
  expect(urlProblem(url)).toContain(says);
});
