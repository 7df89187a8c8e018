/** Scripts run for real, through all of Belay: src/actions/aws/execute-script.ts. */
import { afterAll, describe, expect, test } from 'vitest';
import { failureOf, ScriptDesk, scriptRunbook, type Ran } from '../../../support/script-desk.ts';

const desk = new ScriptDesk();
afterAll(() => desk[Symbol.dispose]());

/** The step's outputs. */
const outputsOf = ({ view }: Ran) => view.steps[0]?.outputs;
const run = (script: string, inputs = {}, more = {}) => desk.run(scriptRunbook(script, inputs, more));

describe('a Python script', () => {
  test('gets its payload with the types of the document, and gives back what the handler returns', async () => {
    const payload = {
      text: 'Zoë 🧗 "quoted"\n',
      whole: 9_007_199_254_740_991,
      part: 1.5,
      yes: true,
      nothing: null,
      list: [1, 'two', [3]],
      map: { a: { b: {} } },
    };
    const ran = await run(
      `def main(events, context):
    kinds = {k: type(v).__name__ for k, v in events.items()}
    return {'kinds': kinds, 'same': events, 'context': context}`,
      { InputPayload: payload },
    );
    expect(outputsOf(ran)).toEqual({
      Payload: {
        kinds: {
          text: 'str',
          whole: 'int',
          part: 'float',
          yes: 'bool',
          nothing: 'NoneType',
          list: 'list',
          map: 'dict',
        },
        same: payload,
        context: {},
      },
    });
  });

  test('gives OutputPayload, JSON text of all that it returned, to a document that reads it', async () => {
    const ran = await run(
      'def main(e, c):\n  return {"a": [1, "b"]}',
      {},
      {
        document: { outputs: ['Run.OutputPayload'] },
      },
    );
    expect(outputsOf(ran)).toEqual({
      Payload: { a: [1, 'b'] },
      OutputPayload: '{"Payload":{"a":[1,"b"]}}',
    });
  });

  test('without a payload gets an empty map, and returning nothing gives null', async () => {
    const ran = await run('def main(events, context):\n  assert events == {}, events');
    expect(outputsOf(ran)).toEqual({ Payload: null });
  });

  test('gets a payload of JSON text as what the text means', async () => {
    const ran = await run('def main(e, c):\n  return e["a"][0] + 1', { InputPayload: '{"a": [41]}' });
    expect(outputsOf(ran)).toEqual({ Payload: 42 });
  });

  test('gets a payload of YAML text as what the text means, and other text as it is', async () => {
    const echo = 'def main(e, c):\n  return e';
    expect(outputsOf(await run(echo, { InputPayload: 'a: [1, b]' }))).toEqual({ Payload: { a: [1, 'b'] } });
    expect(outputsOf(await run(echo, { InputPayload: 'plain: [' }))).toEqual({ Payload: 'plain: [' });
  });

  test('is selected from by declared outputs, also without $ and as the whole response', async () => {
    const ran = await run(
      'def main(e, c):\n  return {"n": 3, "l": ["a"], "deep": {"x": [{"y": "z"}]}}',
      {},
      {
        outputs: [
          { Name: 'N', Selector: '$.Payload.n', Type: 'Integer' },
          { Name: 'L', Selector: '$.Payload.l', Type: 'StringList' },
          { Name: 'Y', Selector: '$.Payload.deep.x[0].y', Type: 'String' },
          { Name: 'All', Selector: '$', Type: 'StringMap' },
        ],
      },
    );
    expect(outputsOf(ran)).toMatchObject({
      N: 3,
      L: ['a'],
      Y: 'z',
      All: { Payload: { n: 3 } },
    });
  });

  test('is a module of its own: top-level code runs, __main__ does not, and it may import what it is', async () => {
    const ran = await run(
      `import sys
A = [__name__]
if __name__ == '__main__':
    raise RuntimeError('never')
class Answer:
    def give(self, events, context): return [A, sys.modules['customer_script'].A is A]
main = Answer().give`,
    );
    expect(outputsOf(ran)).toEqual({ Payload: [['customer_script'], true] });
  });

  test('keeps whole numbers that are larger than is exact as their digits, and says where', async () => {
    const ran = await run('def main(e, c):\n  return {"id": 2**80, "ids": [-2**60, 5]}');
    expect(outputsOf(ran)).toEqual({
      Payload: { id: '1208925819614629174706176', ids: ['-1152921504606846976', 5] },
    });
    expect(ran.view.steps[0]?.note).toContain('$.id, $.ids[0]');
  });

  test('prints into the log, both streams in the order printed', async () => {
    const ran = await run(
      `import sys, subprocess
def main(e, c):
    print('one'); print('two', file=sys.stderr); subprocess.run(['sh', '-c', 'echo three'])
    sys.stdout.write('four, without an end')`,
    );
    expect(ran.log).toContain('one\ntwo\nthree\nfour, without an end');
    expect(ran.log).toMatch(/^belay: Python 3\.\d+\.\d+ \(/m);
  });

  test('sees nothing of the environment of Belay', async () => {
    process.env['BELAY_TEST_SECRET_OF_A_USER'] = 'x';
    const ran = await run('import os\ndef main(e, c):\n  return sorted(os.environ)');
    delete process.env['BELAY_TEST_SECRET_OF_A_USER'];
    const names = outputsOf(ran)?.['Payload'] as string[];
    const known = /^(PATH|HOME|PWD|TMPDIR|LANG|LC_CTYPE|BELAY_COMMAND|BELAY_TOKEN|AWS_\w+)$/;
    expect(names.filter((name) => !known.test(name))).toEqual([]);
  });
});

describe('a script that fails says', () => {
  test('the exception, with file and line of the runbook, the function and its callers', async () => {
    const ran = await desk.run(`schemaVersion: '0.3'
mainSteps:
  - name: Run
    action: aws:executeScript
    inputs:
      Runtime: python3.11
      Handler: main
      Script: |

        def find(name):
            raise LookupError('no volume ' + name)

        def main(events, context):
            return find('vol-1')
`);
    expect(failureOf(ran)).toMatchObject({
      code: 'SCRIPT_FAILED',
      message: 'LookupError: no volume vol-1 (doc.yaml:11, in find, from doc.yaml:14, in main)',
    });
    expect(ran.log).toContain('Traceback (most recent call last):');
    expect(ran.log).not.toContain('<belay>');
  });

  test('the line of the Script where the text is not a block of lines', async () => {
    const ran = await run('def main(e, c):\n  1/0');
    expect(failureOf(ran).message).toBe(
      'ZeroDivisionError: division by zero (line 2 of the text at doc.yaml:1, in main)',
    );
  });

  test('one place where a function calls itself', async () => {
    const failure = failureOf(await run('def main(e, c):\n  return main(e, c)'));
    expect(failure.message).toMatch(/^RecursionError: .* \(line 2 of the text at doc\.yaml:1, in main\)$/);
  });

  test('where a module of others raised it', async () => {
    const ran = await run('import json\ndef main(e, c):\n  json.loads("{")');
    expect(failureOf(ran).message).toMatch(/in main, within json\/decoder\.py\)$/);
  });

  test('the place of a syntax error', async () => {
    const ran = await run('def main(e, c):\n  return (');
    expect(failureOf(ran).message).toMatch(/^SyntaxError: .* \(line 2 of the text at doc\.yaml:1\)$/);
  });

  test('which module is missing, and how it is installed', async () => {
    const ran = await run('import no_such_module_at_all\ndef main(e, c): pass');
    expect(failureOf(ran).message).toMatch(/ModuleNotFoundError: .*no_such_module_at_all.* -m pip install/);
  });

  test('that there is no such function, and which there are', async () => {
    const ran = await run('def other(e, c): pass\nmain = 3');
    expect(failureOf(ran)).toMatchObject({
      code: 'NO_HANDLER',
      message: 'customer_script has no function main; it has other',
    });
  });

  test.each([
    ['a set', 'return {"a": [1, {2}]}', '$.a[1] is a set'],
    [
      'a time',
      'import datetime; return {"at it": datetime.datetime.now()}',
      '$["at it"] is a datetime.datetime',
    ],
    ['NaN', 'return [float("nan")]', '$[0] is nan'],
    ['bytes', 'return b"x"', '$ is a bytes'],
    ['a key that is a pair', 'return {(1, 2): 3}', '$ has a key of the type tuple'],
    ['itself', 'x = []; x.append(x); return x', 'is nested more than 100 deep'],
    ['a coroutine', 'async def f(): pass\n  r = f(); r.close(); return r', '$ is a coroutine'],
  ])('what is not JSON in a result with %s', async (_, body, said) => {
    const failure = failureOf(await run(`def main(e, c):\n  ${body}`));
    expect(failure.code).toBe('NOT_JSON');
    expect(failure.message).toContain(said);
  });

  test('how large a result was that is larger than is kept', async () => {
    const failure = failureOf(await run('def main(e, c):\n  return "x" * 300_000'));
    expect(failure).toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
    expect(failure.message).toContain('300002 bytes');
  });

  test('nothing of a result that AWS would cut but Belay keeps, apart from a note', async () => {
    const ran = await run(
      'def main(e, c):\n  return "x" * 200_000',
      {},
      {
        outputs: [{ Name: 'Again', Selector: '$.Payload', Type: 'String' }],
      },
    );
    expect(ran.view.steps[0]).toMatchObject({ status: 'Success' });
    expect(ran.view.steps[0]?.note).toContain('AWS would keep 102400');
  });

  test.each([
    ['sys.exit(0)', 'import sys; sys.exit(0)', 'SCRIPT_EXITED', 'called sys.exit(0)'],
    ['sys.exit with words', 'import sys; sys.exit("gone")', 'SCRIPT_EXITED', 'called sys.exit(gone)'],
    ['os._exit', 'import os; os._exit(7)', 'SCRIPT_EXITED', 'exit code 7'],
    ['a signal', 'import os; os.kill(os.getpid(), 9)', 'SCRIPT_DIED', 'signal 9 (KILL'],
    ['closing every stream', 'import os; os.closerange(0, 1000); return 1', 'SCRIPT_EXITED', 'exit code 70'],
  ])('how it ended by %s', async (_, body, code, said) => {
    const failure = failureOf(await run(`def main(e, c):\n  ${body}`));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(said);
  });
});

describe('a script that', () => {
  test('closes its standard output still returns', async () => {
    const ran = await run('import os, sys\ndef main(e, c):\n  sys.stdout.close(); os.close(1); return 5');
    expect(outputsOf(ran)).toEqual({ Payload: 5 });
  });

  test('forks gives one result, and what it left running is ended', async () => {
    const ran = await run(`import os, time
def main(e, c):
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            os.setsid(); time.sleep(600)
        return 'the child'
    return ['the parent', pid > 0]`);
    expect(outputsOf(ran)).toEqual({ Payload: ['the parent', true] });
  });

  test('prints more than is kept is told so', async () => {
    const ran = await run('def main(e, c):\n  for _ in range(20):\n    print("x" * 1024 * 1024)');
    expect(ran.log).toMatch(/belay: \d+ more bytes were printed and are not kept/);
    expect(ran.log.length).toBeLessThan(18 * 1024 * 1024);
  });

  test('hangs and ignores TERM is ended with its children at the time limit', async () => {
    const ran = await run(
      `import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def main(e, c):
    subprocess.Popen(['sleep', '604799'])
    time.sleep(600)`,
      {},
      { step: { timeoutSeconds: 2 } },
    );
    expect(ran.view.steps[0]?.status).toBe('TimedOut');
  }, 60_000);
});
