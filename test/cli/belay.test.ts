/** The command line from outside: real processes, the sandbox, exit codes, both streams. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BelayFolder, idIn, type Ended } from './belay-process.ts';

const me = userInfo().username;

const asking = `schemaVersion: '0.3'
mainSteps:
  - name: Ask
    action: aws:approve
    inputs: { Message: May I?, Approvers: ['${me}'], MinRequiredApprovals: 1 }
  - name: Nap
    action: aws:sleep
    inputs: { Duration: PT1S }
`;

const patch = (when: string): string => `schemaVersion: '0.3'
description: Stops, patches, starts.
rollback: { when: ${when} }
parameters:
  Host: { type: String }
mainSteps:
  - name: Stop
    action: host:service
    inputs: { Host: '{{ Host }}', Name: postgresql@15-main, State: stopped }
  - name: Patch
    action: host:package
    inputs: { Host: '{{ Host }}', Names: [postgresql-15], Version: 15.20* }
  - name: Nap
    action: aws:sleep
    inputs: { Duration: PT1S }
outputs: [Patch.Version]
`;

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => {
  folder.clear();
});

interface Shown {
  readonly executionId: string;
  readonly status: string;
  readonly rollbackStatus: string;
}

async function executions(): Promise<Shown[]> {
  const { stdout } = await folder.run(['list', '--json']);
  const { schemaVersion, executions: shown } = JSON.parse(stdout) as {
    schemaVersion: number;
    executions: Shown[];
  };
  expect(schemaVersion).toBe(1);
  return shown;
}

const lastLine = ({ stderr }: Ended): string => stderr.trimEnd().split('\n').at(-1) ?? '';

describe('run', { timeout: 90_000 }, () => {
  test('ends 0, puts outputs on stdout and everything else on stderr, the id first', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const ended = await folder.run(['run', file, '--sandbox', '-p', 'Host=db1']);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toBe('Patch.Version: 15.20-0+deb12u1\n');
    const id = idIn(ended.stderr);
    expect(ended.stderr.split('\n')[0]).toContain(`${id}  patch  Host=db1`);
    expect(ended.stderr).toMatch(/✔ Patch +db1 .* postgresql-15 15\.18 → 15\.20/);
    expect(lastLine(ended)).toContain(`belay rollback ${id} takes everything back.`);
  });

  test('list --json has steps and account of each, with --brief what the table has; --brief alone is refused', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    await folder.run(['run', file, '--sandbox', '-p', 'Host=db1']);
    const [listed, brief] = await Promise.all(
      [[], ['--brief']].map(async (more) => {
        const { stdout } = await folder.run(['list', '--json', ...more]);
        return (JSON.parse(stdout) as { executions: object[] }).executions[0];
      }),
    );
    expect(listed).toMatchObject(brief ?? {});
    expect(listed).toHaveProperty('steps');
    expect(listed).toHaveProperty('account');
    expect(brief).toMatchObject({ runbook: 'patch', status: 'Success' });
    expect(brief).not.toHaveProperty('steps');
    const refused = await folder.run(['list', '--brief']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('BRIEF_WITHOUT_JSON');
  });

  test('climbs down and ends 3; with --rollback never it ends 1 and says what is still changed', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const args = ['run', file, '--sandbox', '-p', 'Host=db1', '--fail-at', 'Patch'];
    const clean = await folder.run(args);
    expect(clean.code).toBe(3);
    expect(clean.stderr).toMatch(/Failed at Patch, rolled back clean in .* db1 is as it was at/);
    const kept = await folder.run([...args, '--rollback', 'never']);
    expect(kept.code).toBe(1);
    expect(kept.stderr).toContain('db1  postgresql-15 is 15.20, was 15.18');
    expect(lastLine(kept)).toBe(`  next  belay rollback ${idIn(kept.stderr)} takes it back`);
  });

  test('--json is one document per event, ends with ExecutionEnded and leaves stderr empty', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const ended = await folder.run(['run', file, '--sandbox', '-p', 'Host=db1', '--json'], {
      FORCE_COLOR: '1',
    });
    const events = ended.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; at: string; type: string; executionId: string });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events[0]).toMatchObject({
      type: 'ExecutionStarted',
      executionId: (await executions())[0]?.executionId,
    });
    expect(events[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(events.at(-1)?.type).toBe('ExecutionEnded');
    expect(ended.stderr).toBe('');
  });

  test('--json tells what happens below, each execution under its own id and counted by itself', async () => {
    folder.write(
      'leaf.yaml',
      `schemaVersion: '0.3'
mainSteps:
  - { name: Nap, action: 'aws:sleep', inputs: { Duration: PT1S } }
`,
    );
    const calling = (name: string, called: string): string =>
      folder.write(
        `${name}.yaml`,
        `schemaVersion: '0.3'
mainSteps:
  - { name: Call, action: 'aws:executeAutomation', inputs: { DocumentName: ${called} } }
`,
      );
    calling('middle', 'leaf');
    const { code, stdout } = await folder.run(['run', calling('top', 'middle'), '--sandbox', '--json']);
    expect(code).toBe(0);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; type: string; executionId: string; root?: string });
    const byExecution = Map.groupBy(events, ({ executionId }) => executionId);
    expect(byExecution.size).toBe(3);
    for (const own of byExecution.values()) {
      expect(own.map(({ seq }) => seq)).toEqual(own.map((_, index) => index + 1));
      expect(own.at(-1)?.type).toBe('ExecutionEnded');
    }
    const root = events[0]?.executionId;
    expect(events.at(-1)).toMatchObject({ executionId: root, type: 'ExecutionEnded' });
    expect(
      events.filter(({ executionId }) => executionId === root).every((event) => !('root' in event)),
    ).toBe(true);
    const nap = { type: 'StepEnded', step: 'Nap', root, below: 'Call/Call' };
    expect(events).toContainEqual(expect.objectContaining(nap));
    expect(events).toContainEqual(expect.objectContaining({ step: 'Call', root, below: 'Call' }));
  });

  test('takes what is missing from the file beside the runbook in the sandbox, says so, and never without it', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    folder.write('patch.sandbox.yaml', 'Host: db1\n');
    const sandbox = await folder.run(['run', file, '--sandbox']);
    expect(sandbox.code).toBe(0);
    expect(sandbox.stderr).toMatch(/Host from .*patch\.sandbox\.yaml/);
    const given = await folder.run(['run', file, '--sandbox', '-p', 'Host=nowhere']);
    expect(given.stderr).toContain('no host is called nowhere');
    const real = await folder.run(['run', file]);
    expect(real.code).toBe(2);
    expect(real.stderr).toContain('MISSING_PARAMETER  parameter Host');
    expect(lastLine(real)).toBe('  Nothing was started.');
    expect(real.stderr).not.toContain('sandbox.yaml');
  });

  test('a parameter file is checked where it stands', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const values = folder.write('values.yaml', 'Hots: db1\n');
    const ended = await folder.run(['run', file, '--sandbox', '--params-file', values]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('values.yaml:1:1  UNKNOWN_PARAMETER');
    expect(ended.stderr).toContain('Did you mean Host?');
    expect(lastLine(ended)).toBe('1 error in 1 file. Nothing was started.');
  });

  test('a secret that comes by -p is refused and never shown', async () => {
    const text = patch('onFailure').replace(
      '  Host: { type: String }',
      '  Host: { type: String }\n  Password: { type: String, secret: true }',
    );
    const file = folder.write('patch.yaml', text);
    const ended = await folder.run(['run', file, '--sandbox', '-p', 'Host=db1', '-p', 'Password=hunter2']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('SECRET_ON_COMMAND_LINE');
    expect(ended.stderr + ended.stdout).not.toContain('hunter2');
  });

  test('a secret whose reference cannot be read is refused with 2, and nothing is started', async () => {
    const text = patch('onFailure').replace(
      '  Host: { type: String }',
      '  Host: { type: String }\n  Password: { type: String, secret: true }',
    );
    const file = folder.write('patch.yaml', text);
    for (const reference of ['env:BELAY_TEST_SECRET', 'file:/does-not-exist', 'file:/'])
      expect(
        await folder.run(['run', file, '--sandbox', '-p', 'Host=db1', '--secret', `Password=${reference}`]),
      ).toMatchObject({ code: 2, stderr: expect.stringContaining('MISSING_SECRET') });
    expect(await executions()).toEqual([]);
  });

  test('--fail-at is refused outside the sandbox', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const ended = await folder.run(['run', file, '-p', 'Host=db1', '--fail-at', 'Patch']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('only with --sandbox');
    expect(await executions()).toEqual([]);
  });

  test('a document that is not right is shown with a caret, and nothing is started', async () => {
    const file = folder.write('bad.yaml', patch('onFailure').replace('host:package', 'host:pakcage'));
    const ended = await folder.run(['run', file, '-p', 'Host=db1']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('^^^^');
    expect(ended.stderr).toContain('Did you mean host:package?');
    expect(lastLine(ended)).toBe('1 error in 1 file. Nothing was started.');
    expect(await executions()).toEqual([]);
  });
});

describe('waiting', { timeout: 90_000 }, () => {
  test('--no-wait ends 6 with the command to type; approve records it, resume goes on to the end', async () => {
    const file = folder.write('ask.yaml', asking);
    const waiting = await folder.run(['run', file, '--no-wait']);
    const id = idIn(waiting.stderr);
    expect(waiting.code).toBe(6);
    expect(waiting.stderr).toContain(
      `belay approve ${id} --step Ask     (${me}; 1 of 1 wanted; a prompt, not signed; expires in 7 days)`,
    );
    const approved = await folder.run(['approve', id, '--step', 'Ask']);
    expect(approved.code).toBe(0);
    expect(approved.stderr).toContain('Ask approved (a prompt, not signed)');
    expect(lastLine(approved)).toBe(`  belay resume ${id}`);
    const resumed = await folder.run(['resume', id]);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toMatch(new RegExp(`✔ Ask .* by ${me}`));
  });

  test('a rejected approval ends 5', async () => {
    const file = folder.write('ask.yaml', asking);
    const id = idIn((await folder.run(['run', file, '--no-wait'])).stderr);
    expect((await folder.run(['reject', id, '--comment', 'not tonight'])).code).toBe(0);
    const resumed = await folder.run(['resume', id]);
    expect(resumed.code).toBe(5);
    expect(resumed.stderr).toContain(`${me} rejected Ask: not tonight`);
  });

  test('who is not an approver is refused, and nothing is recorded', async () => {
    const file = folder.write('ask.yaml', asking.replace(`'${me}'`, 'somebody-else'));
    const id = idIn((await folder.run(['run', file, '--no-wait'])).stderr);
    const refused = await folder.run(['approve', id]);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('NOT_AN_APPROVER');
  });

  test('an answer that comes when the time is over is refused and says so; resumed, the step is TimedOut', async () => {
    const file = folder.write(
      'ask.yaml',
      asking.replace('action: aws:approve', 'action: aws:approve\n    timeoutSeconds: 1'),
    );
    const id = idIn((await folder.run(['run', file, '--no-wait'])).stderr);
    await delay(1100);
    const refused = await folder.run(['approve', id]);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/Ask waited 1 s, until \d\d:\d\d:\d\d; an answer does not count any more/);
    expect(refused.stderr).toContain(`belay resume ${id} goes on: the step is TimedOut`);
    expect((await folder.run(['resume', id])).stderr).toContain('got 0 of 1 approvals within 1 s');
  });

  test('in front it stays, and another process approves', async () => {
    const file = folder.write('ask.yaml', asking);
    const running = folder.start(['run', file]);
    const id = idIn(await running.says('approve with'));
    const approved = await folder.run(['approve', id]);
    expect(approved.stderr).toContain(`handed over to its runner (pid ${running.child.pid}`);
    expect((await running.ended).code).toBe(0);
  });

  test('rollback: ask without a terminal ends 6; belay rollback climbs down, belay cancel leaves it', async () => {
    const file = folder.write('patch.yaml', patch('ask'));
    const args = ['run', file, '--sandbox', '-p', 'Host=db1', '--fail-at', 'Patch'];
    const first = await folder.run(args);
    const id = idIn(first.stderr);
    expect(first.code).toBe(6);
    expect(lastLine(first)).toBe(`  leave it as it is:  belay cancel ${id}`);
    const rolledBack = await folder.run(['rollback', id]);
    expect(rolledBack.code).toBe(0);
    expect(rolledBack.stderr).toContain('rolled back clean');
    const second = idIn((await folder.run(args)).stderr);
    const left = await folder.run(['cancel', second]);
    expect([left.code, left.stderr]).toEqual([
      1,
      expect.stringContaining('Nothing was undone. Still changed:'),
    ]);
    expect((await folder.run(['resume', second])).code).toBe(5);
  });
});

describe('signals', { timeout: 90_000 }, () => {
  test('Ctrl-C once finishes the step, ends 130 and the execution can be resumed', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const running = folder.start(['run', file, '--sandbox', '-p', 'Host=db1']);
    await running.says(/▸ Patch/);
    running.child.kill('SIGINT');
    const ended = await running.ended;
    const id = idIn(ended.stderr);
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain(`Stopping after Patch on db1. Then: belay resume ${id} goes on`);
    expect(ended.stderr).toMatch(/✔ Patch/);
    expect((await executions())[0]?.status).toBe('Interrupted');
    const resumed = await folder.run(['resume']);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toContain('2 steps were done before: Stop, Patch');
  });

  test('twice leaves at once and says what may still be running; the command is found again', async () => {
    folder.write('belay.yaml', 'hosts:\n  here: { transport: local }\n');
    const file = folder.write(
      'long.yaml',
      `schemaVersion: '0.3'
mainSteps:
  - name: Long
    action: host:command
    undo: { none: it only sleeps }
    inputs: { Host: here, Script: 'sleep 4; echo slept' }
`,
    );
    const running = folder.start(['run', file]);
    await running.says(/▸ Long/);
    // The same key press may come twice, when npm started the process: that is not a second one.
    running.child.kill('SIGINT');
    running.child.kill('SIGINT');
    await running.says('Stopping after Long on here.');
    await delay(400);
    expect(running.child.exitCode).toBeNull();
    running.child.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain('Left at once. Long on here may still be running.');
    expect(lastLine(ended)).toContain(`belay resume ${idIn(ended.stderr)} finds out what really happened`);
    expect((await folder.run(['resume'])).code).toBe(0);
    expect((await folder.run(['logs'])).stdout).toBe('slept\n');
  });

  test('SIGTERM ends 143', async () => {
    const file = folder.write('ask.yaml', asking);
    const running = folder.start(['run', file]);
    await running.says('approve with');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(143);
  });

  test('a killed runner is found gone, and nothing is done twice', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const running = folder.start(['run', file, '--sandbox', '-p', 'Host=db1']);
    const id = idIn(await running.says(/▸ Patch/));
    // Long enough for the journal, shorter than the patch takes.
    await delay(200);
    running.child.kill('SIGKILL');
    await running.ended;
    const list = await folder.run(['list']);
    expect(list.stdout).toMatch(
      new RegExp(`${id} +patch \\(sandbox\\) +Interrupted .* Patch, outcome unknown`),
    );
    const resumed = await folder.run(['resume']);
    expect(resumed.stderr).toMatch(/The runner \(pid \d+ on .*\) is gone; the last thing it told was at \d/);
    expect(resumed.stderr).toMatch(/✔ Patch/);
    expect(resumed.code).toBe(0);
  });

  test('a second runner is refused while one lives', async () => {
    const file = folder.write('ask.yaml', asking);
    const running = folder.start(['run', file]);
    const id = idIn(await running.says('approve with'));
    const second = await folder.run(['resume']);
    expect(second.code).toBe(5);
    expect(second.stderr).toContain(`is being run by pid ${running.child.pid}`);
    await folder.run(['cancel', id]);
    expect((await running.ended).code).toBe(1);
  });
});

describe('looking', { timeout: 90_000 }, () => {
  test('show gives every step with its status, outputs and failure', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    await folder.run(['run', file, '--sandbox', '-p', 'Host=db1', '--fail-at', 'Patch']);
    const { stdout, stderr } = await folder.run(['show', '--json']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      runbook: 'patch',
      status: 'Failed',
      rollbackStatus: 'clean',
      failedStep: 'Patch',
      steps: [
        { name: 'Stop', status: 'Success', attempts: 1 },
        { name: 'Patch', status: 'Failed', failure: { code: 'SIMULATED' } },
        { name: 'Nap', status: 'Pending' },
      ],
      rollback: [{ name: 'Patch', result: 'undone' }, { name: 'Stop' }],
    });
    const shown = await folder.run(['show']);
    expect(shown.stdout).toContain('db1  postgresql-15  15.18-0+deb12u1 → 15.20-0+deb12u1');
  });

  test('an id may be shortened to what is unique, and an unknown one is refused', async () => {
    const file = folder.write('ask.yaml', asking);
    const id = idIn((await folder.run(['run', file, '--no-wait'])).stderr);
    expect((await folder.run(['show', id.slice(0, 8).toLowerCase()])).stdout).toContain(id);
    const unknown = await folder.run(['show', 'ZZZZ']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('UNKNOWN_EXECUTION');
  });

  test('logs print what a step wrote, bytes as they are, whose they are above them', async () => {
    folder.write('belay.yaml', 'hosts:\n  here: { transport: local }\n');
    const file = folder.write(
      'say.yaml',
      `schemaVersion: '0.3'
mainSteps:
  - name: Say
    action: host:command
    undo: { none: it only talks }
    inputs: { Host: here, Script: "printf 'one\\\\033[31m two\\\\n'; printf 'three\\\\n' >&2" }
  - name: Silent
    action: host:command
    undo: { none: it does nothing }
    inputs: { Host: here, Script: 'true' }
`,
    );
    expect((await folder.run(['run', file])).code).toBe(0);
    const all = await folder.run(['logs']);
    expect(all.stdout).toBe('== Say  here  stdout\none\u001B[31m two\n== Say  here  stderr\nthree\n');
    const silent = await folder.run(['logs', '--step', 'Silent']);
    expect(silent).toMatchObject({ code: 0, stdout: '', stderr: 'Silent wrote nothing.\n' });
    const unknown = await folder.run(['logs', '--step', 'Sya']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('it has Say, Silent');
  });

  test('drift refuses a rollback with 5, --force undoes all the same', async () => {
    folder.write('belay.yaml', 'hosts:\n  here: { transport: local }\n');
    const greeting = join(folder.dir, 'greeting');
    const file = folder.write(
      'greet.yaml',
      `schemaVersion: '0.3'
mainSteps:
  - name: Greet
    action: host:file
    inputs: { Host: here, Path: '${greeting}', Content: hello }
`,
    );
    const id = idIn((await folder.run(['run', file])).stderr);
    writeFileSync(greeting, 'changed by somebody');
    const refused = await folder.run(['rollback', id]);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('somebody changed what Greet left. Nothing was undone.');
    expect(readFileSync(greeting, 'utf8')).toBe('changed by somebody');
    expect((await folder.run(['rollback', id, '--force'])).code).toBe(0);
    expect(existsSync(greeting)).toBe(false);
  });

  test('an execution that has ended is not resumed and not cancelled', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const id = idIn((await folder.run(['run', file, '--sandbox', '-p', 'Host=db1'])).stderr);
    for (const command of ['resume', 'cancel']) {
      const refused = await folder.run([command, id]);
      expect(refused.code).toBe(5);
      expect(refused.stderr).toContain('has ended');
    }
  });
});

describe('the rest', { timeout: 90_000 }, () => {
  test('init writes two files that are sound, and never overwrites', async () => {
    expect((await folder.run(['init'])).code).toBe(0);
    expect((await folder.run(['validate', 'hello.yaml'])).code).toBe(0);
    writeFileSync(join(folder.dir, 'belay.yaml'), '# mine\n');
    const again = await folder.run(['init']);
    expect(again.stderr).toContain('left belay.yaml as it is');
    expect(readFileSync(join(folder.dir, 'belay.yaml'), 'utf8')).toBe('# mine\n');
  });

  test('validate holds the parameters for a sandbox run to the runbook beside them', async () => {
    folder.write('patch.yaml', patch('onFailure'));
    folder.write('patch.sandbox.yaml', 'Host: db1\n');
    expect((await folder.run(['validate', 'patch.yaml', 'patch.sandbox.yaml'])).code).toBe(0);
    folder.write('patch.sandbox.yaml', 'Hots: db1\n');
    const bad = await folder.run(['validate', 'patch.sandbox.yaml']);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toMatch(/patch\.sandbox\.yaml:1:1 +UNKNOWN_PARAMETER/);
  });

  test('validate --json gives diagnostics with places; it ends 2 when one is an error', async () => {
    const file = folder.write('bad.yaml', patch('onFailure').replace('mainSteps', 'mainStep'));
    const ended = await folder.run(['validate', file, '--json']);
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      schemaVersion: 1,
      valid: false,
      diagnostics: expect.arrayContaining([expect.objectContaining({ severity: 'error', file })]),
    });
  });

  test('explain tells an action, and the nearest name of one that there is not', async () => {
    const shown = await folder.run(['explain', 'host:package']);
    expect(shown.stdout).toContain('undo    puts back the state that was observed before');
    expect(shown.stdout).toMatch(
      /^hosts   by the transport .*How ssh agrees on keys: keyExchange of belay\.yaml/m,
    );
    expect((await folder.run(['explain', 'aws:sleep'])).stdout).not.toContain('keyExchange');
    const unknown = await folder.run(['explain', 'host:pakcage']);
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('Did you mean host:package?');
  });

  test('doctor looks and changes nothing', async () => {
    folder.write('belay.yaml', 'hosts:\n  here: { transport: local }\n');
    const { code, stdout } = await folder.run(['doctor', '--json']);
    const { healthy, findings } = JSON.parse(stdout) as {
      healthy: boolean;
      findings: { area: string; what: string; verdict: string }[];
    };
    expect(findings).toContainEqual(
      expect.objectContaining({ area: 'hosts', what: 'here', verdict: 'good' }),
    );
    expect(findings).toContainEqual(expect.objectContaining({ area: 'state', verdict: 'note' }));
    expect(code).toBe(healthy ? 0 : 2);
    expect(existsSync(folder.state)).toBe(false);
  });

  test('belay --version answers without loading a command, and wrong words end 2', async () => {
    expect(await folder.run(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    expect(await folder.run([])).toMatchObject({ code: 0, stderr: '' });
    expect(await folder.run(['lsit'])).toMatchObject({ code: 2, stdout: '' });
  });

  test('a reader that goes away does not disturb', async () => {
    const file = folder.write('patch.yaml', patch('onFailure'));
    const running = folder.start(['run', file, '--sandbox', '-p', 'Host=db1', '--json']);
    running.child.stdout?.destroy();
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

test(
  'resume says where the file has changed since the run began, and goes on with what it was',
  { timeout: 60_000 },
  async () => {
    const file = folder.write('ask.yaml', asking);
    const id = idIn((await folder.run(['run', file, '--no-wait', '-y'])).stderr);
    expect((await folder.run(['resume', id, '--no-wait'])).stderr).not.toContain('has changed');
    folder.write('ask.yaml', asking.replace('PT1S', 'PT9H'));
    await folder.run(['approve', id]);
    const resumed = await folder.run(['resume', id]);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toMatch(
      /ask\.yaml has changed since this run began\. The run goes on as it was written then; belay run \S*ask\.yaml takes it as it is now\.\n/,
    );
  },
);
