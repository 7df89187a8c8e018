/** aws:sleep: waits for a duration or until an instant. */
import { Type } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import { parseDurationMs, parseInstantMs } from '../../document/index.ts';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { runByTheEngine } from '../run-by-the-engine.ts';

/** SSM sleeps at most one second less than a week. */
const sleepSecondsMax = 604_799;

export const sleep = defineAction({
  name: 'aws:sleep',
  summary: 'Waits for a duration, or until an instant; one that has passed goes on at once.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-sleep.html',
  example: `
- name: LetTheClusterSettle
  action: aws:sleep
  inputs: { Duration: PT2M }
`,
  inputs: strictObject({
    Duration: Type.Optional(
      Type.String({ description: 'ISO 8601: PT10M. At most one second less than a week.' }),
    ),
    Timestamp: Type.Optional(Type.String({ description: 'ISO 8601: 2026-01-31T02:00:00Z.' })),
    TimeStamp: Type.Optional(Type.String({ description: "Timestamp, as AWS's own schema spells it." })),
  }),
  outputs: strictObject({}),
  timeoutSeconds: undefined,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  forbiddenInOnCancel: true,
  check: (inputs, tools) => {
    const given = ['Duration', 'Timestamp', 'TimeStamp'].filter((name) => inputs[name] !== undefined);
    if (given.length !== 1) {
      const names = given.length === 0 ? 'neither' : given.join(' and ');
      const message = `aws:sleep takes either Duration or Timestamp, and is given ${names}`;
      return [{ code: 'WRONG_INPUT', path: [], message }];
    }
    const problems: CatalogProblem[] = [];
    for (const name of given) {
      const value = inputs[name];
      if (typeof value !== 'string' || tools.isExpression(value)) continue;
      const wrong = name === 'Duration' ? durationProblem(value) : instantProblem(value);
      if (wrong !== undefined) problems.push({ code: 'WRONG_INPUT', path: [name], message: wrong });
    }
    return problems;
  },
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'sleep',
});

function durationProblem(text: string): string | undefined {
  const ms = parseDurationMs(text);
  if (ms === undefined)
    return `${JSON.stringify(text)} is not an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT10M`;
  if (ms <= sleepSecondsMax * 1000) return undefined;
  return `${text} is ${Math.round(ms / 1000)} s; a sleep lasts at most ${sleepSecondsMax} s, one second less than a week`;
}

function instantProblem(text: string): string | undefined {
  if (parseInstantMs(text) !== undefined) return undefined;
  return `${JSON.stringify(text)} is not an ISO 8601 instant such as 2026-01-31T02:00:00Z`;
}
