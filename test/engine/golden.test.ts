/**
 * The trickiest flows, as the journal has them: each call with its outcome and each event, in their order. What is written here is
 * what a runner of tomorrow replays. New case: add it, run with UPDATE_GOLDEN=1, and read what was written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Document, Step } from '../../src/document/index.ts';
import type { EngineEvent, RecordedEvent } from '../../src/engine/index.ts';
import type { Journal } from '../../src/journal/index.ts';
import { ToyWorld } from '../support/toy-world.ts';
import {
  executionId,
  Left,
  runbook,
  runToy,
  step,
  temporaryJournal,
  type ToyOptions,
} from '../support/run-toy.ts';

const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

const put = (name: string, more: Partial<Step> = {}): Step =>
  step({ name, action: 'toy:put', inputs: { Key: name, Value: 'new' }, ...more });
const fail = (name: string, more: Partial<Step> = {}): Step =>
  step({ name, action: 'toy:restore', inputs: { Ids: ['gone'] }, ...more });
const sleep = (name: string, seconds: number): Step =>
  step({ name, action: 'aws:sleep', inputs: { Duration: `PT${seconds}S` } });
const to = (name: string) => ({ kind: 'step', step: name }) as const;
const always = (name: string) => ({ NextStep: name, Variable: 'a', StringEquals: 'a' });
const branch = (name: string, choices: readonly object[], more: Partial<Step> = {}): Step =>
  step({ name, action: 'aws:branch', inputs: { Choices: choices as never }, ...more });
const loop = (name: string, items: readonly string[], steps: readonly Step[]): Step =>
  step({ name, action: 'aws:loop', inputs: { Iterators: [...items] }, nested: { Steps: steps } });
const child = (name: string, document: string, inputs = {}, more: Partial<Step> = {}): Step =>
  step({ name, action: 'aws:executeAutomation', inputs: { DocumentName: document, ...inputs }, ...more });

interface Case {
  readonly steps: readonly Step[];
  readonly runbooks?: Readonly<Record<string, Document>>;
  /** Cancelled while a step waits for an approval. */
  readonly isCancelled?: true;
}

const cases: Readonly<Record<string, Case>> = {
  'a-backward-jump-into-isEnd': {
    steps: [
      put('Work'),
      fail('Break', { onFailure: to('Clean') }),
      put('Done', { isEnd: true }),
      put('Clean', { onFailure: { kind: 'Continue' }, nextStep: 'Sweep' }),
      put('Sweep', { nextStep: 'Done' }),
    ],
  },
  'onFailure-Continue-inside-a-loop': {
    steps: [
      loop(
        'Each',
        ['x', 'y'],
        [fail('Try', { onFailure: { kind: 'Continue' }, isCritical: false }), put('Go')],
      ),
      put('After'),
    ],
  },
  'a-taken-branch-against-isEnd': {
    steps: [
      branch('Taken', [always('There')], { isEnd: true }),
      put('Between'),
      put('There'),
      branch('NotTaken', [{ NextStep: 'Between', Variable: 'a', StringEquals: 'b' }], { isEnd: true }),
      put('Never'),
    ],
  },
  'a-jump-out-of-a-loop': {
    steps: [
      loop('Each', ['x', 'y', 'z'], [put('Go'), branch('Leave', [always('Outside')])]),
      put('Skipped'),
      put('Outside'),
    ],
  },
  'a-child-that-is-TimedOut': {
    steps: [put('First'), child('Call', 'slow', {}, { timeoutSeconds: 1 })],
    runbooks: { slow: runbook([put('Began'), sleep('Long', 600)]) },
  },
  'a-cancel-while-a-child-waits-for-an-approval': {
    steps: [put('First'), child('Call', 'asks'), put('Never')],
    runbooks: {
      asks: runbook([
        put('Began'),
        step({ name: 'Ask', action: 'aws:approve', inputs: { Approvers: ['a'] } }),
      ]),
    },
    isCancelled: true,
  },
  'MaxErrors-reached-while-others-run': {
    steps: [
      child('All', 'either', {
        Targets: [{ Key: 'ParameterValues', Values: ['bad', 'slow', 'late', 'unbegun'] }],
        TargetParameterName: 'Name',
        MaxConcurrency: 3,
        MaxErrors: 0,
      }),
    ],
    runbooks: {
      // The first fails at once; the others are under way then, and come through.
      either: runbook([
        branch('Which', [
          { NextStep: 'Fail', Variable: '{{ Name }}', StringEquals: 'bad' },
          { NextStep: 'Later', Variable: '{{ Name }}', StringEquals: 'late' },
        ]),
        sleep('Soon', 1),
        put('Slow', { isEnd: true }),
        sleep('Later', 4),
        put('Late', { isEnd: true }),
        fail('Fail'),
      ]),
    },
  },
};

test.each(Object.entries(cases))(
  '%s is journaled as it was',
  { timeout: 60_000 },
  async (name, { steps, runbooks, isCancelled }) => {
    using store = temporaryJournal();
    const world = new ToyWorld();
    const lines = new Map<string, string[]>([[executionId, []]]);
    const wrap = (journal: Journal): Journal => recording(journal, lines);
    const options: ToyOptions = { world, wrap, ...(runbooks === undefined ? {} : { runbooks }) };
    // The runner leaves where it would wait for a person; the next one finds that it was cancelled.
    const { result } = await runToy(runbook(steps), store, options).catch(async (error: unknown) => {
      if (isCancelled !== true || !(error instanceof Left)) throw error;
      lines.get(executionId)?.push('(cancelled)');
      await store.journal.requestCancel(executionId);
      return runToy(runbook(steps), store, options);
    });
    lines.get(executionId)?.push(`= ${result.status}, rollback ${result.rollbackStatus}`);
    const text = [...lines].map(([id, own]) => `${id}\n${own.join('\n')}\n`).join('\n');
    const golden = join(import.meta.dirname, 'golden', `${name}.txt`);
    if (isUpdating) writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  },
);

/** Writes down what is written down, each execution for itself: what runs side by side has no order. */
function recording(journal: Journal, lines: Map<string, string[]>): Journal {
  const note = (id: string, text: string): void => {
    const own = lines.get(id) ?? [];
    own.push(text);
    lines.set(id, own);
  };
  const tell = (id: string, events: readonly RecordedEvent[]): void => {
    for (const { event } of events) note(id, `  ${eventText(event)}`);
  };
  const watched: Partial<Journal> = {
    begin: async (id, activity, at, events) => {
      tell(id, events);
      note(id, `? ${activity}`);
      return journal.begin(id, activity, at, events);
    },
    end: async (id, activity, outcome, events) => {
      note(id, `! ${activity} ${statusOf(outcome)}`);
      return journal.end(id, activity, outcome, events);
    },
    append: async (id, events) => {
      await journal.append(id, events);
      tell(id, events);
    },
  };
  return new Proxy(journal, {
    get: (target, member) => {
      const own: unknown = Reflect.get(watched, member) ?? Reflect.get(target, member);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
}

const statusOf = (outcome: unknown): string =>
  typeof outcome === 'object' && outcome !== null && 'status' in outcome ? String(outcome.status) : '';

function eventText(event: EngineEvent): string {
  const members = new Map<string, unknown>(Object.entries(event));
  const shown = [
    'step',
    'status',
    'result',
    'target',
    'iteration',
    'failedStep',
    'note',
    'critical',
    'rollbackStatus',
  ];
  const parts = shown.flatMap((key) =>
    members.get(key) === undefined ||
    members.get(key) === null ||
    members.get(key) === '' ||
    members.get(key) === false
      ? []
      : [`${key}=${JSON.stringify(members.get(key))}`],
  );
  return [event.type, ...parts].join(' ');
}
