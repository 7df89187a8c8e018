/** belay check --mend on this machine as hosts: what helps stays, what does not is taken back, and the rule stops there. */
import { existsSync, readFileSync } from 'node:fs';
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

function rules(content: string, mode: string): void {
  const Path = join(desk.folder, 'mended');
  desk.write('put.yaml', {
    schemaVersion: '0.3',
    rollback: { when: 'onFailure' },
    parameters: { Host: { type: 'String' } },
    mainSteps: [{ name: 'Put', action: 'host:file', inputs: { Host: '{{ Host }}', Path, Content: content } }],
  });
  desk.write('base.yaml', {
    Name: 'base',
    Targets: ['a', 'b'],
    Rules: [
      {
        Name: 'there',
        Check: 'check:file',
        Inputs: { Path, Content: 'good\n' },
        Remedy: { Runbook: 'put.yaml', Parameters: { Host: '{{ TARGET }}' }, Mode: mode, MaxTargets: 2 },
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
  expect(said.stdout).toMatch(/to mend it:\n +belay run \S+put\.yaml -p Host=a\n/);
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
