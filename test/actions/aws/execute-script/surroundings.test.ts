/** What scripts run in: attachments, the shield, the sandbox, interpreters, secrets. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../../../src/runtime/refusal.ts';
import type { Interpreter, ScriptTools } from '../../../../src/transports/scripts.ts';
import { scriptPlace } from '../../../../src/transports/scripts/place.ts';
import { findScriptTools } from '../../../../src/transports/scripts/tools.ts';
import { failureOf, ScriptDesk, scriptRunbook, type Ran } from '../../../support/script-desk.ts';

const tools = findScriptTools();
const shield = tools.shield();

/** A desk whose scripts find other tools than the machine has. */
function deskWith(other: Partial<ScriptTools>): ScriptDesk {
  return new ScriptDesk((place, { sandbox, stateDir }) => ({
    ...place,
    scripts: scriptPlace({
      host: place.scripts.host,
      tools: { ...tools, ...other },
      mayReachNetwork: !sandbox,
      hidden: [stateDir],
    }),
  }));
}

const bare = deskWith({ shield: () => ({ kind: 'none', why: 'the test has none' }) });
const desk = new ScriptDesk();
const opened: ScriptDesk[] = [];
afterAll(() => [desk, bare].forEach((each) => each[Symbol.dispose]()));
afterEach(() => opened.splice(0).forEach((each) => each[Symbol.dispose]()));

function other(change: Partial<ScriptTools>): ScriptDesk {
  const made = deskWith(change);
  opened.push(made);
  return made;
}

const payloadOf = ({ view }: Ran) => view.steps[0]?.outputs['Payload'];

/** A zip, made by Python as people make them. */
function zip(entries: Readonly<Record<string, string>>): Buffer {
  const program = `import sys, json, zipfile, io
out = io.BytesIO()
with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
    for name, text in json.loads(sys.argv[1]).items():
        z.writestr(name, text if not text.startswith('zeros:') else bytes(int(text[6:])))
sys.stdout.buffer.write(out.getvalue())`;
  return execFileSync('python3', ['-c', program, JSON.stringify(entries)], { maxBuffer: 2 ** 26 });
}

describe('an attachment', () => {
  const attached = (name: string, sha256: string, inputs = {}) =>
    scriptRunbook(
      '',
      { Attachment: name, ...inputs },
      { document: { files: { [name]: { checksums: { sha256 } } } } },
    );

  test('of one module is called by module.function, or by the function alone', async () => {
    const sha256 = desk.write('launch.py', 'def main(e, c):\n  return __name__');
    expect(payloadOf(await desk.run(attached('launch.py', sha256, { Handler: 'launch.main' })))).toBe(
      'launch',
    );
    expect(payloadOf(await desk.run(attached('launch.py', sha256)))).toBe('launch');
  });

  test('that is a zip is unpacked, and its modules import each other; it may lie in attachments/', async () => {
    const bytes = zip({
      'tool/__init__.py': '',
      'tool/run.py':
        'from tool.words import word\nimport pathlib\ndef go(e, c):\n  return [word, (pathlib.Path(__file__).parent / "data.txt").read_text()]',
      'tool/words.py': 'word = "hi"',
      'tool/data.txt': 'data',
    });
    const sha256 = desk.write('attachments/tool.zip', bytes);
    expect(payloadOf(await desk.run(attached('tool.zip', sha256, { Handler: 'tool.run.go' })))).toEqual([
      'hi',
      'data',
    ]);
  });

  test('serves a Script beside it, and is named in its failures', async () => {
    const sha256 = desk.write('lib.py', '\ndef fail():\n  raise KeyError("gone")');
    const ran = await desk.run(
      attached('lib.py', sha256, { Script: 'import lib\ndef main(e, c):\n  lib.fail()' }),
    );
    expect(failureOf(ran).message).toContain(
      "KeyError: 'gone' (lib.py:3, in fail, from line 3 of the text at doc.yaml:1, in main)",
    );
  });

  test.each([
    ['is not the file that is meant', 'other.py', 'a'.repeat(64), 'BAD_ATTACHMENT', 'its sha256 is '],
    ['is not there', 'none.py', 'a'.repeat(64), 'NO_ATTACHMENT', 'none.py is neither in '],
  ])('that %s keeps the execution from starting', async (_, name, sha256, code, said) => {
    desk.write('other.py', 'x = 1');
    const starting = desk.start(attached(name, sha256));
    await expect(starting).rejects.toThrow(Refusal);
    await expect(starting).rejects.toMatchObject({ code, message: expect.stringContaining(said) as string });
  });

  test('that files: does not name keeps the execution from starting', async () => {
    const starting = desk.start(scriptRunbook('', { Attachment: 'other.py' }));
    await expect(starting).rejects.toMatchObject({ code: 'NO_ATTACHMENT' });
  });

  test.each([
    ['would leave its folder upwards', { '../evil.py': 'x' }, 'would leave its folder'],
    ['would leave its folder by an absolute path', { '/tmp/evil.py': 'x' }, 'would leave its folder'],
    ['unpacks to more than is allowed', { 'zeros.bin': 'zeros:300000000' }, 'bytes unpacked'],
  ])('that %s is not unpacked', async (_, entries, said) => {
    const sha256 = desk.write('bad.zip', zip(entries));
    const failure = failureOf(await desk.run(attached('bad.zip', sha256, { Handler: 'm.f' })));
    expect(failure.code).toBe('BAD_ATTACHMENT');
    expect(failure.message).toContain(said);
  });

  test('that is not a zip says so', async () => {
    const sha256 = desk.write('no.zip', 'this is not a zip');
    const failure = failureOf(await desk.run(attached('no.zip', sha256, { Handler: 'm.f' })));
    expect(failure).toMatchObject({ code: 'BAD_ATTACHMENT' });
    expect(failure.message).toContain('no.zip cannot be unpacked');
  });
});

describe.skipIf(shield.kind === 'none')(
  'behind bubblewrap (skipped where bwrap cannot make namespaces)',
  () => {
    test('a script sees no home, no state, no secrets of the machine, and can write only into its own folder', async () => {
      const look = join(homedir(), '.belay-test-probe');
      writeFileSync(look, 'x');
      const script = `import os
def main(events, context):
    def can(path):
        try:
            open(path).read(1); return True
        except OSError: return False
    def may_write(folder):
        try:
            open(os.path.join(folder, 'x'), 'w').close(); return True
        except OSError: return False
    return {
        'reads': [p for p in events['look'] if can(p)],
        'writes': [p for p in ['/', '/usr', '/etc', '/var', os.path.expanduser('~'), '/tmp', '.'] if may_write(p)],
        'processes': len([p for p in os.listdir('/proc') if p.isdigit()]) < 10,
        'run': os.path.exists('/run') and os.listdir('/run'),
    }`;
      const state = join(desk.folder, 'state', 'journal.db');
      const ran = await desk.run(
        scriptRunbook(script, { InputPayload: { look: [look, state, '/etc/shadow', '/etc/passwd'] } }),
      );
      execFileSync('rm', ['-f', look]);
      expect(payloadOf(ran)).toEqual({
        reads: ['/etc/passwd'],
        writes: ['/tmp', '/tmp', '.'],
        processes: true,
        run: false,
      });
      expect(ran.log).toContain('; behind bubblewrap');
    });

    test('the runbook of docs/scripts.md runs in the sandbox', async () => {
      const page = readFileSync(join(import.meta.dirname, '../../../../docs/scripts.md'), 'utf8');
      const ran = await desk.run(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '', { sandbox: true });
      expect(ran.view.outputs).toEqual({ 'Pick.Large': ['vol-1'] });
      expect(ran.log).toContain('1 of 2');
    });

    test('in the sandbox it runs for real, without a network and without credentials', async () => {
      const script = `import os, socket
def main(e, c):
    try:
        socket.create_connection(('127.0.0.1', e['port']), 2)
        reached = True
    except OSError:
        reached = False
    return [reached, os.environ.get('AWS_ACCESS_KEY_ID'), e['port'] * 2]`;
      using server = await listening();
      const text = scriptRunbook(script, { InputPayload: { port: server.port } });
      expect(payloadOf(await desk.run(text, { sandbox: true }))).toEqual([false, null, server.port * 2]);
      const real = payloadOf(await desk.run(text)) as unknown[];
      expect(real[0]).toBe(true);
    });
  },
);

describe('without bubblewrap', () => {
  test('a script runs in a folder of its own that is closed to others and gone afterwards, and the log says so', async () => {
    const script = `import os, resource
def main(e, c):
    here = os.getcwd()
    open('left', 'w').close()
    return [here, oct(os.stat(here).st_mode)[-3:], os.environ['HOME'] == here, sorted(os.environ), resource.getrlimit(resource.RLIMIT_CORE)[0]]`;
    const ran = await bare.run(scriptRunbook(script));
    const [here, mode, isHome, names, core] = payloadOf(ran) as [string, string, boolean, string[], number];
    expect([mode, isHome, core]).toEqual(['700', true, 0]);
    expect(
      names.filter((name) => !/^(PATH|HOME|PWD|TMPDIR|LANG|LC_CTYPE|BELAY_\w+|AWS_\w+)$/.test(name)),
    ).toEqual([]);
    expect(ran.log).toContain('; without isolation: the test has none');
    bare.belay.close();
    await expect
      .poll(() =>
        execFileSync('sh', ['-c', `test -e "$0" && echo there || echo gone`, here], { encoding: 'utf8' }),
      )
      .toBe('gone\n');
  });

  test('what a script left running in sessions of their own is ended, also what is just about to run another program', async () => {
    const script = `import os
def begun():
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.execvp('sleep', ['sleep', '604798'])
    return pid
def main(e, c):
    return [begun() for _ in range(20)]`;
    const pids = payloadOf(await bare.run(scriptRunbook(script))) as number[];
    // The machine's first process reaps them a moment later.
    const isThere = (pid: number) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await expect.poll(() => pids.filter(isThere), { timeout: 20_000 }).toEqual([]);
  });

  test('the sandbox refuses it before anything begins', async () => {
    const starting = bare.start(scriptRunbook('def main(e, c): pass'), { sandbox: true });
    await expect(starting).rejects.toMatchObject({ code: 'NOT_MODELLED' });
  });
});

describe('an interpreter', () => {
  test('that is missing keeps the execution from starting, and is a warning of validation', async () => {
    const none = other({ python: () => undefined });
    await expect(none.start(scriptRunbook('def main(e, c): pass'))).rejects.toMatchObject({
      code: 'NO_INTERPRETER',
      message: expect.stringContaining('python3.11 needs python3 of 3.6 or later') as string,
    });
  });

  test.skipIf(tools.powerShell() !== undefined)(
    'PowerShell that is missing keeps it from starting',
    async () => {
      const text = scriptRunbook('return 1', { Runtime: 'PowerShell 7.4' });
      await expect(desk.start(text)).rejects.toMatchObject({ code: 'NO_INTERPRETER' });
    },
  );

  const versions = ['3.6', '3.7', '3.8', '3.9', '3.10', '3.11', '3.12', '3.13'];
  const others = pythons(versions);
  // This machine's python3 is one of them at least.
  test.each(others)('of Python %s runs scripts, attachments and tracebacks', async (version, interpreter) => {
    const there = other({ python: () => interpreter });
    const sha256 = there.write('lib.zip', zip({ 'lib.py': 'def f(e, c):\n  return e["a"]["b"]' }));
    const files = { 'lib.zip': { checksums: { sha256 } } };
    const good = { Runtime: `python${version}`, Attachment: 'lib.zip', Handler: 'lib.f' };
    const ran = await there.run(
      scriptRunbook('', { ...good, InputPayload: { a: { b: ['ä', 1] } } }, { document: { files } }),
    );
    expect(payloadOf(ran)).toEqual(['ä', 1]);
    const wrong = await there.run(
      scriptRunbook('', { ...good, InputPayload: { a: {} } }, { document: { files } }),
    );
    expect(failureOf(wrong).message).toBe("KeyError: 'b' (lib.py:2, in f)");
    expect(ran.log).toMatch(new RegExp(`^belay: Python ${version.replace('.', '\\.')}\\.`));
  });
});

describe('a secret', () => {
  const document = { parameters: { Key: { type: 'String', secret: true } } };

  test('reaches a script by its payload, and is shown in no log, output or failure', async () => {
    process.env['BELAY_TEST_SCRIPT_KEY'] = 'sup3r-s3cret-value';
    const secrets = { Key: 'env:BELAY_TEST_SCRIPT_KEY' };
    const inputs = { InputPayload: { key: '{{ Key }}' } };
    const good = 'def main(e, c):\n  print("it is", e["key"])\n  return [len(e["key"]), e["key"]]';
    const ran = await desk.run(scriptRunbook(good, inputs, { document }), { secrets });
    expect(payloadOf(ran)).toEqual([18, expect.not.stringContaining('s3cret')]);
    const bad = 'def main(e, c):\n  raise ValueError(e["key"])';
    const failed = await desk.run(scriptRunbook(bad, inputs, { document }), { secrets });
    delete process.env['BELAY_TEST_SCRIPT_KEY'];
    for (const text of [
      ran.log,
      failed.log,
      failureOf(failed).message,
      JSON.stringify([ran.view, failed.view]),
    ])
      expect(text).not.toContain('sup3r-s3cret-value');
  });

  test('is refused in the text of the program', () => {
    desk.write('doc.yaml', scriptRunbook('def main(e, c):\n  return "{{ Key }}"', {}, { document }));
    const { diagnostics } = desk.belay.check(join(desk.folder, 'doc.yaml'), { strictSsm: false });
    expect(diagnostics.map(({ code, severity }) => `${severity} ${code}`)).toContain(
      'error SECRET_PARAMETER',
    );
  });
});

async function listening(): Promise<Disposable & { readonly port: number }> {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, [Symbol.dispose]: () => server.close() };
}

/** Those of the versions that this machine has under their own name. */
function pythons(versions: readonly string[]): [string, Interpreter | undefined][] {
  return versions.flatMap((version): [string, Interpreter | undefined][] => {
    const found = [version, ...installed(version)].map((name) => {
      const path = name.includes('/') ? `${name}:${process.env['PATH'] ?? ''}` : process.env['PATH'];
      return findScriptTools({ ...process.env, PATH: path }).python(version);
    });
    const exact = found.find((each) => each?.version.startsWith(`${version}.`) === true);
    return exact === undefined ? [] : [[version, exact]];
  });
}

/** pyenv keeps others beside the one in use. */
function installed(version: string): readonly string[] {
  const root = process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv');
  try {
    const folders = execFileSync('sh', ['-c', `ls -d "$0"/versions/"$1".*/bin`, root, version], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return folders.trim().split('\n');
  } catch {
    return [];
  }
}
