/** What is looked at before the first effect may be anything that the parameters make of it. */
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BelayFolder } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => folder.clear());

test.each([
  { written: '{{ Number }}', says: 'UNSUPPORTED_DOCUMENT' },
  { written: '{{ Map }}', says: 'INVALID_INPUT' },
])('a name that $written makes no text of is not a bug', async ({ written, says }) => {
  const file = folder.write(
    'ask.yaml',
    `schemaVersion: '0.3'
parameters: { Number: { type: Integer, default: 5 }, Map: { type: StringMap, default: { a: b } } }
mainSteps:
  - name: Ask
    action: aws:runCommand
    inputs: { DocumentName: '${written}', InstanceIds: [web1] }
`,
  );
  const said = await folder.run(['run', file, '--sandbox']);
  expect(said.stderr).toContain(says);
  expect(said.stderr).not.toContain('A bug in Belay');
});

const keys = { AccessKey: 'ADMIN', SecretKey: '{{ Secret }}' };

test.each([
  { action: 'minio:health', more: {} },
  { action: 'minio:info', more: keys },
  { action: 'minio:heal', more: keys },
])(
  'a host that nobody knows among the Hosts of $action is found before the first step acts',
  async ({ action, more }) => {
    folder.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
    const made = `${folder.dir}/made`;
    const file = folder.write(
      'ask.yaml',
      JSON.stringify({
        schemaVersion: '0.3',
        parameters: { Secret: { type: 'String', secret: true } },
        mainSteps: [
          { name: 'Write', action: 'host:file', inputs: { Host: 'here', Path: made, Content: 'x' } },
          { name: 'Ask', action, inputs: { Hosts: ['here', 'heer'], ...more } },
        ],
      }),
    );
    const said = await folder.run(['run', file, '-y', '--secret', 'Secret=env:PW'], { PW: 'not-looked-at' });
    expect([said.code, said.stderr]).toEqual([
      2,
      expect.stringMatching(/UNKNOWN_HOST {2}step Ask: no host is called heer.*Nothing was started/s),
    ]);
    expect(existsSync(made)).toBe(false);
  },
);
