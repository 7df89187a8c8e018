/**
 * The example of every action is run: in the sandbox, or against moto. Those that neither can run are in not-run.txt, with why;
 * that list may only shrink.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { actions, type AnyAction } from '../../src/actions/index.ts';
import { embeddedText } from '../../src/document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { Refusal } from '../../src/runtime/refusal.ts';
import { findScriptTools } from '../../src/transports/scripts/tools.ts';
import { sandboxIds } from '../../src/world/seed.ts';
import { freshWorld, type Seeds } from '../conformance/run/world.ts';
import { awsEnvironment } from '../conformance/run/run-corpus.ts';
import { motoMissing, startMoto, type MotoServer } from '../transports/aws/moto-server.ts';

/** By the action's name: why its example is run nowhere. */
const notRun = new Map(
  readFileSync(join(import.meta.dirname, 'not-run.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, string] => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
);
/** Where the example is run. */
const inMoto = new Set([...notRun].flatMap(([name, why]) => (why === 'moto' ? [name] : [])));

const sandboxSeeds: Seeds = [
  [/Host$|Target$/, 'db1'],
  [/InstanceIds?$/, sandboxIds.db1],
  [/VolumeIds?$/, sandboxIds.db1Data],
  [/ImageId$/, sandboxIds.image],
  [/TopicArn$/, 'arn:aws:sns:eu-central-1:123456789012:alarms'],
  [/Count$|Seconds$/, 3],
  [/./, 'some-value'],
];

const otherHosts = /^(?:group:\w+|minio(?:\d+|\{.*\})|lb1|db2|web\d+)$/;

/** What stands for a reference, and for a host that neither world has. */
function standIn(value: Json, seeds: Seeds): Json {
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item) => standIn(item, seeds));
    return items.filter((item, index) => typeof item !== 'string' || items.indexOf(item) === index);
  }
  if (isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, standIn(item, seeds)]));
  if (typeof value !== 'string') return value;
  if (otherHosts.test(value)) return 'db1';
  const seed = (name: string): Json => seeds.find(([pattern]) => pattern.test(name))?.[1] ?? '';
  const whole = /^\{\{\s*(\w+(?:\.\w+)?)\s*\}\}$/.exec(value)?.[1];
  if (whole !== undefined) return seed(whole);
  return value.replaceAll(/\{\{\s*(\w+(?:\.\w+)?)\s*\}\}/g, (_, name: string) => embeddedText(seed(name)));
}

/** Nobody needs to wait for what an example sleeps. */
const stepsOf = ({ example }: AnyAction): readonly JsonObject[] =>
  parse(example.replaceAll(/Duration: P\w+/g, 'Duration: PT0S')) as readonly JsonObject[];

/** It ran to its end; a check that says no has looked. */
const ran = /^(?:Success$|Failed (?:NON_COMPLIANT|ASSERTION_FAILED) )/;
const engineRuns = /^(?:aws:(?:approve|branch|executeAutomation|loop|pause)|belay:)/;

/** The example with all that it refers to. A step that is expected not to come to its end has little time for it. */
function runbookOf(action: AnyAction, seeds: Seeds, timeoutSeconds: number): string {
  const { example, name } = action;
  const nests = action.nests !== undefined;
  const steps = stepsOf(action).map((step) => ({
    ...(nests ? step : (standIn(step, seeds) as JsonObject)),
    ...(engineRuns.test(name) ? {} : { timeoutSeconds }),
  }));
  const known = new Set(stepsOf(action).map((step) => step['name']));
  const led = [...example.matchAll(/(?:NextStep|Default|nextStep): (\w+)|step:(\w+)/g)].map(
    ([, next, step]) => next ?? step ?? '',
  );
  const variables = [...example.matchAll(/variable:(\w+)/g)].map(([, variable = '']) => variable);
  return stringify(
    {
      schemaVersion: '0.3',
      rollback: { when: 'never' },
      ...(nests ? { parameters: { InstanceIds: { type: 'StringList', default: [seeds[1]?.[1]] } } } : {}),
      ...(variables.length === 0
        ? {}
        : {
            variables: Object.fromEntries(variables.map((each) => [each, { type: 'String', default: 'x' }])),
          }),
      mainSteps: [
        ...steps,
        ...[...new Set(led)]
          .filter((step) => !known.has(step))
          .map((step) => ({ name: step, action: 'aws:sleep', inputs: { Duration: 'PT0S' } })),
      ],
    },
    { aliasDuplicateObjects: false },
  );
}

/** Who answers. */
let person = 'tester';
const dir = mkdtempSync(join(tmpdir(), 'belay-examples-'));
const belay = new Belay({
  state: join(dir, 'state'),
  cwd: dir,
  env: process.env,
  stdin: () => Promise.resolve(''),
  caller: () => person,
});
afterAll(() => {
  belay.close();
  rmSync(dir, { recursive: true, force: true });
});

/** `Success`, or why not. What waits for a person is answered. */
async function outcomeOf(action: AnyAction, seeds: Seeds, sandbox: boolean): Promise<string> {
  const isListed = notRun.has(action.name) && !inMoto.has(action.name);
  const file = join(dir, `${action.name.replace(':', '-')}.yaml`);
  writeFileSync(file, runbookOf(action, seeds, isListed ? 2 : 120));
  try {
    const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox });
    for (let answers = 0; answers < 3; answers += 1) {
      const ending = await belay.run(id, { onWait: 'leave' });
      if (ending.kind === 'ended')
        return [ending.result.status, ending.result.failure?.code, ending.result.failure?.message]
          .filter((part) => part !== undefined)
          .join(' ');
      const { waiting } = await belay.view(id);
      if (waiting?.kind === 'approval') {
        person = waiting.approvers[answers] ?? person;
        await belay.decide(id, undefined, { decision: 'approve', comment: '' });
      } else await belay.proceed(id, undefined);
    }
    return 'it waits for ever';
  } catch (error) {
    if (error instanceof Refusal)
      return `refused ${error.code} ${error.message} ${error.diagnostics.map(({ message }) => message).join('; ')}`;
    throw error;
  }
}

/** In the sandbox a script runs behind bubblewrap or not at all. */
const isShielded = findScriptTools().shield().kind === 'bubblewrap';

test('the list names only actions that there are', () => {
  expect([...notRun.keys()].filter((name) => !actions.has(name))).toEqual([]);
});

describe('the example', { timeout: 120_000 }, () => {
  const inSandbox = [...actions.values()].filter(
    ({ name }) => !inMoto.has(name) && (isShielded || name !== 'aws:executeScript'),
  );
  test.each(inSandbox)(
    'of $name runs in the sandbox, or is on the list of those that do not',
    async (action) => {
      const outcome = await outcomeOf(action, sandboxSeeds, true);

      if (notRun.has(action.name))
        expect(outcome, `it runs now: take ${action.name} off not-run.txt`).not.toMatch(ran);
      else expect(outcome).toMatch(ran);
    },
  );
});

describe.skipIf(motoMissing !== undefined)(
  `the example${motoMissing === undefined ? '' : ` (skipped: ${motoMissing})`}`,
  { timeout: 120_000 },
  () => {
    let moto: MotoServer;
    beforeAll(async () => {
      moto = await startMoto();
      for (const [name, value] of Object.entries(awsEnvironment(moto.endpoint))) vi.stubEnv(name, value);
      vi.stubEnv('AWS_PROFILE', undefined);
      vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    }, 60_000);
    afterAll(async () => {
      vi.unstubAllEnvs();
      await moto?.close();
    });

    test.each([...actions.values()].filter(({ name }) => inMoto.has(name)))(
      'of $name runs against moto',
      async (action) => {
        const seeds = await freshWorld(moto.endpoint, action.example);
        expect(await outcomeOf(action, seeds, false)).toMatch(ran);
      },
    );
  },
);
