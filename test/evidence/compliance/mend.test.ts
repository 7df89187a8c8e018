/** belay check --mend on this machine as hosts: what helps stays, what does not is taken back, and the rule stops there. */
import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openComplianceStore } from '../../../src/journal/index.ts';
import { Desk, type Said } from '../../support/command-line.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { a: { transport: 'local' }, b: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

function rules(content: string, mode: string, more: object = {}): void {
  const Path = join(desk.folder, 'mended');
  desk.write('put.yaml', {
    schemaVersion: '0.3',
    rollback: { when: 'onFailure' },
    parameters: { Host: { type: 'String' }, Content: { type: 'String' } },
    mainSteps: [
      { name: 'Put', action: 'host:file', inputs: { Host: '{{ Host }}', Path, Content: '{{ Content }}' } },
    ],
  });
  desk.write('base.yaml', {
    Name: 'base',
    Targets: ['a', 'b'],
    Rules: [
      {
        Name: 'there',
        Check: 'check:file',
        Inputs: { Path, Content: content.startsWith('good') ? content : 'good\n' },
        Remedy: {
          Runbook: 'put.yaml',
          Parameters: { Host: '{{ TARGET }}', Content: content },
          Mode: mode,
          MaxTargets: 2,
          ...more,
        },
      },
    ],
  });
}
const mended = ({ stdout }: Said): unknown =>
  (JSON.parse(stdout) as { checks: { mended: unknown }[] }).checks[0]?.mended;
const executions = async (): Promise<number> =>
  (JSON.parse((await desk.belay(['list', '--json'])).stdout) as { executions: unknown[] }).executions.length;

test('what is proposed is only said; what is automatic is run by --mend alone, and looked at again', async () => {
  rules('good\n', 'propose');
  const said = await desk.belay(['check', 'base.yaml', '--mend']);
  expect(said).toMatchObject({ code: 8 });
  expect(said.stdout).toMatch(/to mend it:\n +belay run \S+put\.yaml -p Host=a -p 'Content=good/);
  expect(await executions()).toBe(0);
  rules('good\n', 'automatic');
  expect((await desk.belay(['check', 'base.yaml'])).code).toBe(8);
  expect(await executions()).toBe(0);
  const after = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  expect(after.code).toBe(0);
  // Both names are this machine: what mended the one mended the other, whose own remedy had nothing to do.
  expect(mended(after)).toMatchObject([
    { target: 'a', result: 'mended' },
    { target: 'b', result: 'mended' },
  ]);
  expect(readFileSync(join(desk.folder, 'mended'), 'utf8')).toBe('good\n');
}, 120_000);

test('what does not help is taken back, and no further target is touched', async () => {
  rules('bad\n', 'automatic');
  const said = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  expect(said.code).toBe(8);
  expect(mended(said)).toMatchObject([{ target: 'a', result: 'takenBack' }]);
  expect(existsSync(join(desk.folder, 'mended'))).toBe(false);
  expect(await executions()).toBe(1);
}, 120_000);

test('a refused check has not begun, an acknowledgement can be ended, and nothing is called stopped', async () => {
  rules('good\n', 'propose');
  expect((await desk.belay(['check', 'base.yaml', '--limit', 'nosuch'])).code).toBe(2);
  expect((await desk.belay(['check', 'base.yaml'])).code).toBe(8);
  expect((await desk.belay(['ack', 'there', '--until', '2d', '--why', 'x'])).code).toBe(0);
  expect((await desk.belay(['check', 'base.yaml'])).code).toBe(0);
  expect((await desk.belay(['ack', 'there', '--host', 'a', '--end'])).stderr).toContain('NOT_ACKNOWLEDGED');
  expect((await desk.belay(['ack', 'there', '--end'])).code).toBe(0);
  expect((await desk.belay(['check', 'base.yaml'])).code).toBe(8);
  const store = openComplianceStore(desk.state);
  expect(store.checks('base', 10).map(({ verdict }) => verdict)).toEqual([
    'NON_COMPLIANT',
    'COMPLIANT',
    'NON_COMPLIANT',
  ]);
  store.close();
}, 120_000);

const approving = { Approvers: [userInfo().username], MaxTargets: 1 };

test('what wants an approval is asked for once, runs when it was given, and is looked at again', async () => {
  rules('good {{ a.b }}\n', 'approve', approving);
  const asked = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  expect(asked.code).toBe(8);
  const [{ executionId = '' } = {}] = mended(asked) as { executionId?: string }[];
  expect(mended(asked)).toEqual([{ rule: 'there', target: 'a', executionId, result: 'waits' }]);
  const again = await desk.belay(['check', 'base.yaml', '--mend']);
  expect(again.stdout).toContain(
    `remedy of there on a: waits for its approval     belay approve ${executionId}`,
  );
  expect(await executions()).toBe(1);
  expect(existsSync(join(desk.folder, 'mended'))).toBe(false);
  const shown = await desk.belay(['show', executionId]);
  expect(shown.stdout).toMatch(/Mend rule there \(MEDIUM\) of base on a\?/);
  expect((await desk.belay(['approve', executionId])).code).toBe(0);
  const after = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  // Both names are this machine. The other one was looked at before it was mended, and the next check knows better.
  expect(mended(after)).toMatchObject([
    { target: 'a', executionId, result: 'mended' },
    { target: 'b', result: 'waits' },
  ]);
  const last = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  expect(mended(last)).toMatchObject([{ target: 'b', result: 'withdrawn' }]);
  expect(after.code).toBe(0);
  expect(readFileSync(join(desk.folder, 'mended'), 'utf8')).toBe('good {{ a.b }}\n');
}, 120_000);

test('what was approved and does not help is taken back, and is not asked for again', async () => {
  rules('bad\n', 'approve', approving);
  const asked = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  const [{ executionId = '' } = {}] = mended(asked) as { executionId?: string }[];
  expect((await desk.belay(['approve', executionId])).code).toBe(0);
  const after = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  expect(after.code).toBe(8);
  expect(mended(after)).toMatchObject([{ executionId, result: 'takenBack' }]);
  expect(existsSync(join(desk.folder, 'mended'))).toBe(false);
  const later = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  expect(mended(later)).toMatchObject([{ target: 'b', result: 'waits' }]);
}, 120_000);

test('an approval for what somebody mended meanwhile is not waited for any more', async () => {
  rules('good\n', 'approve', approving);
  await desk.belay(['check', 'base.yaml', '--mend']);
  desk.write('mended', 'good\n');
  const after = await desk.belay(['check', 'base.yaml', '--mend', '--json']);
  expect(after.code).toBe(0);
  expect(mended(after)).toMatchObject([{ target: 'a', result: 'withdrawn' }]);
  const listed = await desk.belay(['list', '--json']);
  expect(JSON.parse(listed.stdout)).toMatchObject({ executions: [{ status: 'Cancelled' }] });
}, 120_000);

test('a rule that asks for approval says whom, and one that does not ask names nobody', async () => {
  rules('good\n', 'approve');
  const said = await desk.belay(['check', 'base.yaml']);
  expect(said).toMatchObject({ code: 2 });
  expect(said.stderr).toContain('waits for an approval and needs Approvers');
  rules('good\n', 'propose', { Approvers: ['ops'] });
  expect((await desk.belay(['check', 'base.yaml'])).stderr).toContain('Approvers is for Mode: approve');
}, 60_000);
