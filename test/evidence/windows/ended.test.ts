/** How an occurrence ends: cut by the end of its window, and told with a line for each of many targets. */
import { writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { Project, until } from './project.ts';

const caseMs = 150_000;
const minuteMs = 60_000;
const second = (ms: number): number => Math.floor(ms / 1_000) * 1_000;

let project: Project;
afterEach(() => project?.[Symbol.dispose]());

test(
  'a run that would not be back before the window ends is cancelled in time, and has climbed down inside it',
  async () => {
    project = new Project();
    project.runbook('count', 90);
    // Far more than the hour of the window: only somebody who insists can start it.
    project.window(
      'count',
      Date.now() + 24 * 60 * minuteMs,
      'Tasks: [{ Name: count, Runbook: ../count.yaml, Reserve: PT5H }]',
    );
    expect((await project.run('window', 'run', 'count', '--now', '--force')).code).toBe(0);
    const clock = project.files.write('clock', '0');
    const daemon = project.daemon({ clock });
    await until('the first step', () => project.lines.includes('count begin'));
    // Its rollback may take a minute, and stopping two: it has to begin three minutes before the end.
    writeFileSync(clock, String(58 * minuteMs));
    const { stderr } = await daemon.ended;
    const [occurrence] = project.history('count');
    expect(occurrence, stderr).toMatchObject({
      status: 'TIMED_OUT',
      tasks: [
        {
          status: 'TIMED_OUT',
          invocations: [
            {
              status: 'TIMED_OUT',
              rollbackStatus: 'clean',
              reason: { code: 'WINDOW_ENDED' },
              undone: ['Begin'],
            },
          ],
        },
      ],
    });
    const [invocation] = occurrence?.tasks[0]?.invocations ?? [];
    expect(invocation?.endedAt).toBeLessThan(occurrence?.endAt ?? 0);
    expect(project.lines).toEqual(['count begin', 'count undone']);
    expect((await project.run('window', 'history', 'count')).stdout).toContain('WINDOW_ENDED');
  },
  caseMs,
);

test(
  'what more than four targets came to is told over a channel with one line for each, and printed so',
  async () => {
    const hosts = ['h1', 'h2', 'h3', 'h4', 'h5'];
    project = new Project(`hosts: { ${hosts.map((host) => `${host}: { transport: local }`).join(', ')} }\n`);
    project.channel();
    project.files.write(
      'each.yaml',
      `schemaVersion: '0.3'
timeoutSeconds: 300
rollback: { when: onFailure, timeoutSeconds: 60 }
parameters: { Host: { type: String } }
mainSteps:
  - name: Begin
    action: host:command
    inputs: { Host: '{{ Host }}', Command: [sh, -c, 'echo {{ Host }} >>${project.out}'] }
    undo: [{ name: Back, action: 'host:command', inputs: { Host: '{{ Host }}', Command: ['true'] } }]
  - { name: Fail, action: 'host:command', inputs: { Host: '{{ Host }}', Command: [test, '{{ Host }}', '!=', h3] }, undo: { none: it looks } }
`,
    );
    project.window(
      'many',
      second(Date.now()) - 5_000,
      `Notify: { Channels: [book] }
Tasks:
  - Name: each
    Runbook: ../each.yaml
    Targets: [${hosts.join(', ')}]
    Parameters: { Host: '{{ TARGET_ID }}' }
    MaxConcurrency: 2
    MaxErrors: 5`,
    );
    const daemon = project.daemon({ once: false });
    const summary = 'windowSummary: many: FAILED';
    await until('the summary', () => project.told('subjects').includes(summary));
    daemon.child.kill('SIGTERM');
    const { stderr } = await daemon.ended;
    const lines = project.told('texts').split('\n');
    for (const host of hosts) {
      const told = lines.filter((line) => line.startsWith(`  ${host} `));
      expect(told, `${project.told('texts')}\n${stderr}`).toHaveLength(1);
      expect(told[0]).toMatch(
        host === 'h3'
          ? /FAILED, rolled back clean.*, undone: Begin; belay show \S+$/
          : /^ {2}h\d \S+: SUCCESS$/,
      );
    }
    expect(project.lines.toSorted()).toEqual(hosts);
    const { stdout } = await project.run('window', 'history', 'many');
    for (const host of hosts)
      expect(stdout.split('\n').filter((line) => line.trimStart().startsWith(`${host} `))).toHaveLength(1);
  },
  caseMs,
);
