/** A secret with the value of somebody's word must not change what an execution does, undoes or finds again. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newPlaceholder } from '../../src/runtime/secrets/placeholder.ts';
import { Desk, idOf } from '../support/command-line.ts';
import { rowsOf } from '../support/secret-search/forms.ts';
import { runToy, runbook, step, temporaryJournal } from '../support/run-toy.ts';
import { Crash, ToyWorld } from '../support/toy-world.ts';

/** Members and values of outcomes, events and activities; names of packages and users. */
const words =
  'status value code failed message effect outputs changes targets note observed Value Stdout found running handle null true daemon 5432 Success'.split(
    ' ',
  );

describe('with a runner that dies at each of its writes, an undo puts back what was there', () => {
  test.each(words)('where that is the word %s', async (word) => {
    for (const cutAt of [Infinity, 8]) {
      using store = temporaryJournal();
      const world = new ToyWorld();
      world.values.set(word, word);
      let writes = 0;
      const ran = await runToy(
        runbook([
          step({ name: 'A', action: 'toy:put', inputs: { Key: word, Value: 'new' } }),
          step({ name: 'B', action: 'toy:check', inputs: { Key: word, Equals: '{{ P }}' } }),
        ]),
        store,
        {
          world,
          input: { parameters: { P: newPlaceholder('P') } },
          secrets: new Map([['P', word]]),
          wrap: (journal) =>
            new Proxy(journal, {
              get: (target, name) => {
                const member: unknown = Reflect.get(target, name);
                if (typeof member !== 'function') return member;
                return (...args: unknown[]): unknown => {
                  if (name === 'end' || name === 'begin') {
                    writes += 1;
                    if (writes === cutAt) throw new Crash();
                  }
                  return Reflect.apply(member, target, args);
                };
              },
            }),
        },
      );
      expect(ran.result).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
      expect(world.state()).toEqual({ values: { [word]: word }, snapshots: 0 });
    }
  });
});

describe('at the command line', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
  });
  afterEach(() => desk[Symbol.dispose]());

  const command = (name: string, inputs: object, more: object = {}) => ({
    name,
    action: 'host:command',
    inputs: { Host: 'here', ...inputs },
    undo: { none: 'a test' },
    ...more,
  });

  test.each(['Stdout', 'true'])(
    'the word %s of a host is compared, passed on and resumed as it is, and shown to nobody',
    async (word) => {
      const file = join(desk.folder, 'passed-on');
      desk.write('word.yaml', {
        schemaVersion: '0.3',
        parameters: { Pw: { type: 'String', secret: true } },
        outputs: ['Look.State'],
        mainSteps: [
          command(
            'Look',
            { Script: `printf '{"State": "%s", "%s": 1}' "$P" "$P"`, Env: { P: '{{ Pw }}' } },
            { outputs: [{ Name: 'State', Selector: '$.Stdout', Type: 'String' }] },
          ),
          { name: 'Wait', action: 'aws:pause', inputs: {} },
          command('Pass', { Env: { STATE: '{{ Look.State }}' }, Script: `printf %s "$STATE" >'${file}'` }),
          command('Tell', { Script: 'printf %s "$P"', Env: { P: '{{ Pw }}' } }),
          {
            name: 'Branch',
            action: 'aws:branch',
            inputs: { Choices: [{ Variable: '{{ Tell.Stdout }}', StringEquals: word, NextStep: 'Right' }] },
          },
          command('Wrong', { Script: 'exit 1' }, { isEnd: true }),
          command('Right', { Script: 'true' }),
        ],
      });
      const env = { PW: word };
      const run = await desk.belay(['run', 'word.yaml', '--secret', 'Pw=env:PW', '-y', '--no-wait'], { env });
      expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 6 });
      const id = idOf(run);
      await desk.belay(['continue', id]);
      const resumed = await desk.belay(['resume', id], { env });
      expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
      expect(readFileSync(file, 'utf8')).toBe(`{"State": "${word}", "${word}": 1}`);
      const shown = await desk.belay(['show', id, '--json']);
      expect(JSON.parse(shown.stdout)).toMatchObject({
        status: 'Success',
        parameters: { Pw: '***' },
        outputs: { 'Look.State': '{"State": "***", "***": 1}' },
      });
      expect(rowsOf(join(desk.state, 'journal.db')).toString()).not.toContain(`"State": \\"${word}`);
    },
  );

  test('a message to people shows no secret, although what is sent elsewhere holds it', async () => {
    const file = desk.write('pw', 'a-strong-pass-phrase');
    desk.write('fail.yaml', {
      schemaVersion: '0.3',
      parameters: { Pw: { type: 'String', secret: true } },
      mainSteps: [
        command('Say', { Script: 'echo "no: $P" >&2; exit 3', Env: { P: '{{ Pw }}' }, ShowOutput: true }),
      ],
    });
    const run = await desk.belay(['run', 'fail.yaml', '--secret', `Pw=file:${file}`, '-y', '--json']);
    expect(run.code).toBe(1);
    expect(run.stdout + run.stderr).not.toContain('a-strong-pass-phrase');
    expect(run.stdout + run.stderr).toContain('no: ***');
    expect(existsSync(join(desk.state, 'journal.db'))).toBe(true);
    expect(rowsOf(join(desk.state, 'journal.db')).toString()).not.toContain('a-strong-pass-phrase');
  });
});
