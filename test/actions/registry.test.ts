/** What every action owes: a file by its name, docs that hold, a stated undo, cases, and permissions that are exactly what it calls. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { actions, describeAction, plainSchema } from '../../src/actions/index.ts';
import { iamActions, iamActionsOfCall } from '../../src/actions/permissions.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import { caseFolder, casesOf, fileNameOf, runCase } from './aws/support/cases.ts';

const source = path.resolve(import.meta.dirname, '../../src/actions');
const testSources = [...testFiles(path.resolve(import.meta.dirname, '..'))];

describe.each([...actions.values()].map((action) => ({ name: action.name, action })))(
  '$name',
  ({ name, action }) => {
    test('lies in the file that its name says', () => {
      expect(existsSync(path.join(source, `${fileNameOf(name)}.ts`))).toBe(true);
    });

    test('has an example that is a step of it, and whose inputs fit', () => {
      const steps = parse(action.example) as unknown;
      if (!Array.isArray(steps) || steps.length !== 1)
        throw new Error('the example is not a list of one step');
      const [step] = steps as JsonObject[];
      expect(step?.['action']).toBe(name);
      expect(step?.['name']).toMatch(/^[A-Za-z0-9_]+$/);
      const validate = new Ajv2020({ strict: false, allErrors: true }).compile(plainSchema(action.inputs));
      const given = Object.entries(isJsonObject(step?.['inputs']) ? step['inputs'] : {});
      const lists = action.nests?.lists ?? {};
      validate(Object.fromEntries(given.filter(([input]) => !Object.hasOwn(lists, input))));
      const wrong = (validate.errors ?? []).filter(
        ({ instancePath }) => !isExpressionAt(step?.['inputs'], instancePath),
      );
      expect(wrong).toEqual([]);
    });

    test('says in one sentence what it does, and where its rules come from', () => {
      expect(action.summary).toMatch(/^[A-Z].*\.$/);
      expect(new URL(action.source).protocol).toBe('https:');
    });

    test('has schemas that editors understand, and outputs that are an object', () => {
      for (const schema of [plainSchema(action.inputs), plainSchema(action.outputs)]) {
        expect(new Ajv({ strict: true, allowUnionTypes: true }).compile(schema)).toBeTypeOf('function');
        expect([...keywordsOf(schema)].filter((keyword) => notInDraft07.has(keyword))).toEqual([]);
        expect(schema['type']).toBe('object');
      }
    });

    test('says of undo what it is, and gives a reason where there is none', () => {
      const { undo, effect, flow } = describeAction(action, {});
      if (undo.kind === 'none') expect(undo.reason.length).toBeGreaterThan(10);
      if (undo.kind === 'notNeeded' && flow === null) expect(effect).toBe('read');
    });

    test('is tested: by cases, or by a test that names its file', () => {
      // Flow steps are run and tested by the engine.
      if (action.flow !== undefined) return;
      const isNamed = testSources.some((text) => text.includes(`actions/${fileNameOf(name)}.ts`));
      expect(isNamed || existsSync(caseFolder(name))).toBe(true);
    });

    const cases = casesOf(name);
    if (cases.length === 0) return;
    test('needs exactly the permissions for what it calls', async () => {
      const called = new Set<string>();
      const stated = new Set<string>();
      for (const { file } of cases) {
        const run = await runCase(action, file);
        for (const { call } of [...run.calls, ...(run.undone?.calls ?? [])])
          for (const needed of iamActionsOfCall(call.service, call.operation, call.params))
            called.add(needed);
        for (const needed of iamActions(action.permissions(file.inputs))) stated.add(needed);
      }
      // A cancel is not a case of its own; run-command.test.ts has it.
      if (name === 'aws:runCommand') called.add('ssm:CancelCommand');
      // Nor here: stacks-and-functions.test.ts has it.
      if (name === 'aws:executeStateMachine') called.add('states:StopExecution');
      // The case whose only call is refused before it is made.
      if (name === 'aws:assertAwsResourceProperty') stated.delete('ec2:StopInstances');
      expect([...called].sort()).toEqual([...stated].sort());
    });
  },
);

function* testFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* testFiles(at);
    else if (entry.name.endsWith('.test.ts')) yield readFileSync(at, 'utf8');
  }
}

/** Keywords of later drafts that cannot be put into draft-07, which editors speak. */
const notInDraft07 = new Set([
  'prefixItems',
  'unevaluatedItems',
  'unevaluatedProperties',
  'dependentSchemas',
  'minContains',
  'maxContains',
  '$dynamicRef',
  '$dynamicAnchor',
]);

function* keywordsOf(schema: Json): Generator<string> {
  if (Array.isArray(schema)) for (const part of schema as readonly Json[]) yield* keywordsOf(part);
  if (!isJsonObject(schema)) return;
  for (const [keyword, part] of Object.entries(schema)) {
    yield keyword;
    yield* keywordsOf(part);
  }
}

function isExpressionAt(inputs: Json | undefined, instancePath: string): boolean {
  let at: Json | undefined = inputs;
  for (const key of instancePath.split('/').slice(1)) {
    if (Array.isArray(at)) at = (at as readonly Json[])[Number(key)];
    else if (isJsonObject(at)) at = at[key.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return typeof at === 'string' && at.includes('{{');
}
