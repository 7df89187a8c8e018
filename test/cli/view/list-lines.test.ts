/** Where an execution is, in its line of the list; no outcome is called unknown that is on record elsewhere. */
import { expect, test } from 'vitest';
import { listLines } from '../../../src/cli/view/list-lines.ts';
import { plain, startedAt, viewAfter } from '../story.ts';

const interruptedAt = (at: string, action: string): string => {
  const step = { name: at, action, targets: [], status: 'InProgress', endedAt: null } as never;
  const view = viewAfter([], { status: 'Interrupted', at, steps: [step] });
  return listLines([view], startedAt, plain).join('\n');
};

test('an effect that was under way has an unknown outcome', () => {
  expect(interruptedAt('Patch', 'host:package')).toMatch(/Interrupted .* Patch, outcome unknown/);
});

test.for(['aws:executeAutomation', 'aws:loop', 'belay:rolling'])(
  'a step of %s has none of its own: what stands below it is looked at by its own record',
  (action) => {
    const line = interruptedAt('Each@2/Child', action);
    expect(line).toMatch(/Interrupted .* Each@2\/Child/);
    expect(line).not.toContain('unknown');
  },
);

test('an interactive run waits before a step, and at none', () => {
  for (const at of [null, 'Stop']) {
    const waiting = { kind: 'nextStep', steps: ['Patch'] } as never;
    const view = viewAfter([], { status: 'Waiting', at, waiting });
    expect(listLines([view], startedAt, plain)[1]).toMatch(
      /ago {2}waits before Patch$|now {2}waits before Patch$/,
    );
  }
});

test('of a root whose children have no lines, the one that waits below it is named from the root', () => {
  const root = viewAfter([], { status: 'Interrupted', at: 'Below', waiting: null, waits: [] });
  const wait = { kind: 'approval', approvers: ['ops'] } as never;
  const child = (id: string, step: string, parent: string, asks: boolean) =>
    viewAfter([], {
      executionId: id,
      status: 'Interrupted',
      at: 'Ask',
      child: { root: root.executionId, parent, step, target: asks ? 'db1' : null } as never,
      waiting: asks ? wait : null,
      waits: asks ? [{ at: 'Ask', waiting: wait }] : [],
    });
  const rowOf = (...below: ReturnType<typeof child>[]) =>
    listLines([root], startedAt, plain, new Map([[root.executionId, below]]))[1];
  const middle = child('m', 'Below', root.executionId, false);
  expect(rowOf(middle, child('a', 'Each', 'm', true))).toMatch(/ {2}Below\/Each@db1\/Ask, waits for ops$/);
  expect(rowOf(middle)).toMatch(/ {2}Below\b/);
  expect(
    rowOf(child('a', 'Each', root.executionId, true), child('b', 'Each', root.executionId, true)),
  ).toMatch(new RegExp(`2 steps wait for people: belay show ${root.executionId}$`));
});
