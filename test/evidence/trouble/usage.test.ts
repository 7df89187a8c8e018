/** Wrong words, values and files, through the real command line: each is named, nothing is started, the exit code is 2. */
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Desk } from '../../support/command-line.ts';
import { executionsIn, expectTrouble } from './expect-trouble.ts';

const desk = new Desk();
afterAll(() => desk[Symbol.dispose]());

const nap = { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT0S' } };

desk.write('kinds.yaml', {
  schemaVersion: '0.3',
  parameters: {
    Word: { type: 'String', default: 'abc', allowedPattern: '^[a-z]+$' },
    Choice: { type: 'String', default: 'one', allowedValues: ['one', 'two'] },
    Short: { type: 'String', default: 'ab', minChars: 2, maxChars: 3 },
    Count: { type: 'Integer', default: 1 },
    Flag: { type: 'Boolean', default: true },
    List: { type: 'StringList', default: ['a'], minItems: 1, maxItems: 2 },
    Map: { type: 'StringMap', default: {} },
    Maps: { type: 'MapList', default: [] },
    Volume: { type: 'AWS::EC2::Instance::Id', default: 'i-0123456789abcdef0' },
  },
  mainSteps: [nap],
});
desk.write('needs.yaml', {
  schemaVersion: '0.3',
  parameters: { Host: { type: 'String' }, Password: { type: 'String', secret: true } },
  mainSteps: [nap],
});
desk.write('plain.yaml', { schemaVersion: '0.3', mainSteps: [nap] });

describe.concurrent('a wrong parameter value', () => {
  const cases: readonly (readonly [given: string, code: string, ...says: string[]])[] = [
    ['Word=ABC', 'PATTERN_MISMATCH', 'Word', 'ABC', '^[a-z]+$'],
    ['Choice=three', 'VALUE_NOT_ALLOWED', 'Choice', 'three', 'one, two'],
    ['Short=x', 'OUT_OF_RANGE', 'Short', '2 to 3 characters'],
    ['Short=abcd', 'OUT_OF_RANGE', 'Short', '2 to 3 characters'],
    ['Count=many', 'WRONG_TYPE', 'Count', '"many" is not a whole number'],
    ['Count=1.5', 'WRONG_TYPE', 'Count', '"1.5" is not a whole number'],
    ['Count=99999999999999999999', 'WRONG_TYPE', 'Count', 'not a whole number'],
    ['Flag=maybe', 'WRONG_TYPE', 'Flag', '"maybe" is neither true nor false'],
    ['List=', 'OUT_OF_RANGE', 'List', '1 to 2 items'],
    ['List=["a","b","c"]', 'OUT_OF_RANGE', 'List', '3 items'],
    ['Map=text', 'WRONG_TYPE', 'Map', 'is not a map'],
    ['Map={"a":', 'WRONG_TYPE', 'Map', 'is not a map'],
    ['Maps=[{]', 'WRONG_TYPE', 'Maps', 'is not a list of maps'],
    ['Wrod=abc', 'UNKNOWN_PARAMETER', 'Wrod', 'Word'],
    ['Word', 'BAD_PAIR', '-p Word', 'NAME=VALUE'],
    ['=abc', 'BAD_PAIR', 'NAME=VALUE'],
  ];
  test.for(cases)('%s is %s', async ([given, ...says]) => {
    expectTrouble(await desk.belay(['run', 'kinds.yaml', '-p', given]), 2, ...says);
  });

  test('several wrong ones are told together', async () => {
    const said = await desk.belay(['run', 'kinds.yaml', '-p', 'Count=x', '-p', 'Flag=x', '-p', 'Map=x']);
    expectTrouble(said, 2, 'parameter Count', 'parameter Flag', 'parameter Map');
  });

  test('one that is given twice is refused', async () => {
    const said = await desk.belay(['run', 'kinds.yaml', '-p', 'Word=a', '-p', 'Word=b']);
    expectTrouble(said, 2, 'GIVEN_TWICE', '-p Word');
  });

  test('one that is missing is named with its type', async () => {
    const said = await desk.belay(['run', 'needs.yaml', '--secret', 'Password=env:NOT_ASKED_YET']);
    expectTrouble(said, 2, 'MISSING_PARAMETER', 'Host (String)');
  });

  test('one in a parameter file is shown where it stands', async () => {
    desk.write('wrong.params.yaml', 'Word: abc\nCount: 1.5\n');
    const said = await desk.belay(['run', 'kinds.yaml', '--params-file', 'wrong.params.yaml']);
    expectTrouble(said, 2, 'wrong.params.yaml:2:8', 'WRONG_TYPE', 'Count', '^^^', 'Nothing was started');
  });
});

describe.concurrent('a secret', () => {
  const cases: readonly (readonly [title: string, words: readonly string[], ...says: string[]])[] = [
    ['that is missing', [], 'MISSING_SECRET', 'Password', '--secret Password=env:VAR'],
    ['on -p', ['-p', 'Password=hunter22'], 'SECRET_ON_COMMAND_LINE', 'Password', '--secret Password=env:VAR'],
    ['given as a value', ['--secret', 'Password=hunter22'], 'BAD_SECRET_REFERENCE', 'use env:VAR'],
    ['for a parameter that there is not', ['--secret', 'Pasword=env:PW'], 'UNKNOWN_PARAMETER', 'Pasword'],
    ['for a parameter that is none', ['--secret', 'Host=env:PW'], 'NOT_SECRET', 'secret: true'],
  ];
  test.for(cases)('%s is refused', async ([, words, ...says]) => {
    const said = await desk.belay(['run', 'needs.yaml', ...words]);
    expectTrouble(said, 2, ...says);
    expect(said.stderr).not.toContain('hunter22');
  });

  test('in a parameter file is refused, and not shown', async () => {
    desk.write('secret.params.yaml', 'Host: db1\nPassword: hunter22\n');
    const said = await desk.belay(['run', 'needs.yaml', '--params-file', 'secret.params.yaml']);
    expectTrouble(said, 2, 'secret.params.yaml:2:1', 'SECRET_PARAMETER', '--secret Password=file:PATH');
    expect(said.stderr).not.toContain('hunter22');
  });
});

describe.concurrent('a wrong word', () => {
  const cases: readonly (readonly [words: string, ...says: string[]])[] = [
    ['rum plain.yaml', "unknown command 'rum'", 'Did you mean run?', 'belay -h'],
    [
      'run plain.yaml --fail-att Nap',
      "unknown option '--fail-att'",
      'Did you mean --fail-at?',
      'belay run -h',
    ],
    ['run plain.yaml --nope', "unknown option '--nope'", 'belay run -h'],
    ['run', "missing required argument 'FILE'", 'belay run -h'],
    ['run plain.yaml kinds.yaml', 'too many arguments', 'belay run -h'],
    ['run plain.yaml --rollback sometimes', "'sometimes' is invalid", 'onFailure, never, ask'],
    ['run plain.yaml --state', "'--state <DIR>' argument missing"],
    ['run plain.yaml --fail-at Nap', 'SANDBOX_ONLY', '--sandbox'],
    ['run plain.yaml --sandbox --fail-at Knap', 'UNKNOWN_STEP', 'Knap', 'it has Nap'],
    ['list --limit many', 'BAD_LIMIT', 'many'],
    ['show ZZZZ', 'UNKNOWN_EXECUTION', 'ZZZZ', 'belay list'],
    ['resume', 'NOTHING_TO_RESUME', 'waits to be resumed', 'belay list'],
    ['explain host:servise', 'UNKNOWN_ACTION', 'host:servise', 'host:service'],
    ['help me', 'no help on me'],
  ];
  test.for(cases)('belay %s', async ([words, ...says]) => {
    expectTrouble(await desk.belay(words.split(' ')), 2, ...says);
  });
});

describe.concurrent('a wrong file', () => {
  test('that is not there is named', async () => {
    expectTrouble(
      await desk.belay(['run', 'gone.yaml']),
      2,
      'UNREADABLE_FILE',
      'gone.yaml',
      'there is no such file',
    );
    const said = await desk.belay(['run', 'plain.yaml', '--params-file', 'gone.json']);
    expectTrouble(said, 2, 'UNREADABLE_FILE', 'gone.json', 'there is no such file');
  });

  test('that is a folder is named', async () => {
    mkdirSync(join(desk.folder, 'folder.yaml'));
    expectTrouble(await desk.belay(['run', 'folder.yaml']), 2, 'UNREADABLE_FILE', 'it is a folder');
  });

  const asRoot = process.getuid?.() === 0 ? 'root may read every file' : undefined;
  test.skipIf(asRoot)('that this user may not read is named', async () => {
    chmodSync(desk.write('closed.yaml', 'schemaVersion: "0.3"'), 0);
    expectTrouble(await desk.belay(['run', 'closed.yaml']), 2, 'UNREADABLE_FILE', 'you may not read it');
  });

  test('that is not YAML is shown where it breaks', async () => {
    desk.write('broken.yaml', "schemaVersion: '0.3'\nmainSteps: [\n");
    expectTrouble(
      await desk.belay(['run', 'broken.yaml']),
      2,
      /broken\.yaml:\d+:\d+ {2}YAML_SYNTAX/,
      'Nothing was started',
    );
  });

  test('that is not text at all is refused in words', async () => {
    desk.write('bytes.yaml', Buffer.from([0, 1, 2, 0xff, 0xfe, 0x80, 0x0a]).toString('latin1'));
    expectTrouble(await desk.belay(['run', 'bytes.yaml']), 2, 'bytes.yaml', 'Nothing was started');
  });

  test('with a wrong step is shown with what is meant', async () => {
    desk.write('typo.yaml', { schemaVersion: '0.3', mainSteps: [{ ...nap, action: 'aws:slep' }] });
    expectTrouble(
      await desk.belay(['run', 'typo.yaml']),
      2,
      'UNKNOWN_ACTION',
      'Did you mean aws:sleep?',
      'Nothing was started',
    );
    expectTrouble(await desk.belay(['validate', 'typo.yaml']), 2, 'UNKNOWN_ACTION', '1 error in 1 file');
  });
});

describe.concurrent('a wrong belay.yaml', () => {
  const runbook = {
    schemaVersion: '0.3',
    mainSteps: [
      {
        name: 'Look',
        action: 'host:command',
        inputs: { Host: 'db1', Script: 'true' },
        undo: { none: 'it reads' },
      },
    ],
  };
  const cases: readonly (readonly [title: string, hosts: object | string, ...says: (string | RegExp)[]])[] = [
    ['with a misspelt key', { db1: { adress: 'x' } }, /:2:3|:3:5/, 'UNKNOWN_KEY', 'Did you mean address?'],
    ['with a bastion that there is not', { db1: { address: 'x', via: 'b1' } }, 'UNKNOWN_BASTION', 'b1'],
    ['with bastions in a circle', { db1: { via: 'b1' }, b1: { via: 'db1' } }, 'VIA_CYCLE', 'b1'],
    [
      'with a host over SSM without an instance',
      { db1: { transport: 'ssm' } },
      'MISSING_INSTANCE',
      'instanceId',
    ],
    ['with a port that is none', { db1: { address: 'x', port: 'ssh' } }, 'WRONG_TYPE', 'port'],
    ['that is not a map', 'yes please', 'hosts'],
  ];
  test.for(cases)('%s is shown where it stands', async ([, hosts, ...says]) => {
    using own = new Desk();
    own.write('look.yaml', runbook);
    own.write('belay.yaml', { hosts });
    expectTrouble(await own.belay(['run', 'look.yaml']), 2, 'belay.yaml:', ...says, 'Nothing was started');
    expect(executionsIn(own.state)).toBe(0);
  });

  test('that does not name the host of a step is told before anything begins', async () => {
    using own = new Desk();
    own.write('look.yaml', runbook);
    own.write('belay.yaml', { hosts: { web1: { address: '127.0.0.1' } } });
    const said = await own.belay(['run', 'look.yaml']);
    expectTrouble(said, 2, 'UNKNOWN_HOST', 'step Look', 'no host is called db1', 'belay.yaml has web1');
    expect(executionsIn(own.state)).toBe(0);
  });
});

test('none of all this began an execution, or left a folder of one', () => {
  expect(executionsIn(desk.state)).toBe(0);
  const folders = join(desk.state, 'executions');
  expect(existsSync(folders) ? readdirSync(folders) : []).toEqual([]);
});
