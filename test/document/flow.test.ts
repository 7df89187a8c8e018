/** Flow analysis on graphs that were made at random, against the plain definition; and its speed. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { checkDocument, type Diagnostic } from '../../src/document/index.ts';
import { fakeCatalog } from './fake-catalog.ts';

function check(steps: readonly object[]): readonly Diagnostic[] {
  const text = JSON.stringify({ schemaVersion: '0.3', mainSteps: steps });
  return checkDocument({ file: 'flow.json', text }, fakeCatalog).diagnostics;
}

/** Time of the processor, which other work on the machine does not stretch. */
function cpuMsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

const codesOf = (diagnostics: readonly Diagnostic[]): string[] => diagnostics.map(({ code }) => code);

const read = { Service: 'ec2', Api: 'DescribeInstances' };
const outputs = [{ Name: 'Id', Selector: '$.x', Type: 'String' }];

describe('the flow of steps', () => {
  test('may jump back as long as nothing comes round again', () => {
    const steps = [
      { name: 'A', action: 'aws:pause', nextStep: 'C' },
      { name: 'End', action: 'aws:pause', isEnd: true },
      { name: 'C', action: 'aws:pause', nextStep: 'End' },
    ];
    expect(codesOf(check(steps))).toEqual([]);
  });

  test('isEnd keeps nextStep from being taken, but not onFailure and not a choice', () => {
    const steps = [
      { name: 'A', action: 'aws:pause', isEnd: true, nextStep: 'A', onFailure: 'step:B' },
      {
        name: 'B',
        action: 'aws:branch',
        isEnd: true,
        inputs: { Choices: [{ NextStep: 'C', Variable: '{{ global:REGION }}', StringEquals: 'x' }] },
      },
      { name: 'C', action: 'aws:pause' },
    ];
    expect(codesOf(check(steps))).toEqual([]);
  });

  test('a branch with a Default does not fall through to the next step', () => {
    const branch = (more: object) => [
      { name: 'A', action: 'aws:branch', ...more },
      { name: 'B', action: 'aws:pause', isEnd: true },
      { name: 'C', action: 'aws:pause' },
    ];
    const Choices = [{ NextStep: 'C', Variable: '{{ global:REGION }}', StringEquals: 'x' }];
    expect(codesOf(check(branch({ inputs: { Choices } })))).toEqual([]);
    expect(codesOf(check(branch({ inputs: { Choices, Default: 'C' } })))).toEqual(['UNREACHABLE_STEP']);
  });

  test('agrees with walking every path, on random graphs', () => {
    const size = 7;
    const jump = fc.option(fc.nat(size - 1), { nil: undefined });
    const step = fc.record({ next: jump, failure: jump, isEnd: fc.boolean(), reads: jump });
    fc.assert(
      fc.property(fc.array(step, { minLength: size, maxLength: size }), (plan) => {
        const successors = plan.map(({ next, failure, isEnd }, index) => [
          ...(isEnd ? [] : [next ?? index + 1]),
          ...(failure === undefined ? [] : [failure]),
        ]);
        const reach = (from: number): Set<number> => {
          const seen = new Set<number>();
          const walk = (at: number): void => {
            for (const to of successors[at] ?? []) {
              if (to < size && !seen.has(to)) {
                seen.add(to);
                walk(to);
              }
            }
          };
          walk(from);
          return seen;
        };
        const fromStart = new Set([0, ...reach(0)]);
        const hasCycle = [...fromStart].some((at) => reach(at).has(at));
        const steps = plan.map(({ next, failure, isEnd, reads }, index) => ({
          name: `S${index}`,
          action: 'aws:executeAwsApi',
          inputs: { ...read, ...(reads === undefined ? {} : { X: `{{ S${reads}.Id }}` }) },
          outputs,
          ...(next === undefined ? {} : { nextStep: `S${next}` }),
          ...(failure === undefined ? {} : { onFailure: `step:S${failure}` }),
          isEnd,
        }));
        const diagnostics = check(steps);
        expect(codesOf(diagnostics).includes('CYCLE')).toBe(hasCycle);
        if (hasCycle) return;
        const impossible = plan.flatMap(({ reads }, index) =>
          reads !== undefined && fromStart.has(index) && !(fromStart.has(reads) && reach(reads).has(index))
            ? [index]
            : [],
        );
        const told = diagnostics.filter(({ code }) => code === 'NOT_RUN_YET');
        expect(told.map(({ message }) => Number(/step "S(\d+)"/.exec(message)?.[1]))).toEqual(impossible);
        const runs = plan.filter(
          (_, index) => !fromStart.has(index) && (index === 0 || fromStart.has(index - 1)),
        );
        expect(codesOf(diagnostics).filter((code) => code === 'UNREACHABLE_STEP')).toHaveLength(runs.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('ten thousand steps', () => {
  const count = 10_000;
  const steps = Array.from({ length: count }, (_, index) => ({
    name: `S${index}`,
    action: 'aws:executeAwsApi',
    inputs: { ...read, ...(index === 0 ? {} : { X: `{{ S${(index * 7919) % index}.Id }}` }) },
    outputs,
    ...(index < count - 1 ? { onFailure: `step:S${count - 1}` } : {}),
  }));

  test('are checked in seconds', () => {
    const started = process.cpuUsage();
    expect(check(steps)).toEqual([]);
    expect(cpuMsSince(started)).toBeLessThan(10_000);
  }, 120_000);

  test('that are all wrong are told in seconds as well', () => {
    const wrong = steps.map((step) => ({
      ...step,
      nextStep: `${step.name}x`,
      inputs: { X: '{{ Nothing.Id }}' },
    }));
    const started = process.cpuUsage();
    const diagnostics = check(wrong);
    expect(cpuMsSince(started)).toBeLessThan(10_000);
    expect(diagnostics.at(-1)?.code).toBe('TOO_MANY_PROBLEMS');
    expect(diagnostics).toHaveLength(501);
  }, 120_000);
});
