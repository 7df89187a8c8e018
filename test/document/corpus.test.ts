/**
 * Public SSM documents, when they lie beside the repository: each is accepted or refused for a stated reason, none throws.
 * The catalog here knows every action of AWS and takes any inputs, so a refusal is the language's own.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

import {
  checkDocument,
  type Catalog,
  type CatalogAction,
  type Diagnostic,
} from '../../src/document/index.ts';

const corpus = join(import.meta.dirname, '..', '..', '..', 'shared', 'corpus');

/** Action → the outputs that AWS gives by itself. */
const awsActions: Readonly<Record<string, readonly string[]>> = {
  'aws:approve': ['ApprovalStatus', 'ApproverDecisions'],
  'aws:assertAwsResourceProperty': [],
  'aws:branch': [],
  'aws:changeInstanceState': ['InstanceStates'],
  'aws:copyImage': ['ImageId', 'ImageState'],
  'aws:createImage': ['ImageId', 'ImageState'],
  'aws:createStack': ['StackId', 'StackStatus', 'StackStatusReason'],
  'aws:createTags': [],
  'aws:deleteImage': [],
  'aws:deleteStack': [],
  'aws:executeAutomation': ['Output', 'ExecutionId', 'Status'],
  'aws:executeAwsApi': [],
  'aws:executeScript': ['Payload'],
  'aws:executeStateMachine': ['executionArn', 'input', 'name', 'output', 'startDate', 'status', 'stopDate'],
  'aws:invokeLambdaFunction': ['StatusCode', 'FunctionError', 'LogResult', 'Payload'],
  'aws:invokeWebhook': ['Response', 'ResponseCode'],
  'aws:pause': [],
  'aws:runCommand': ['CommandId', 'Status', 'ResponseCode', 'Output'],
  'aws:runInstances': ['InstanceIds', 'InstanceStates'],
  'aws:sleep': [],
  'aws:waitForAwsResourceProperty': [],
};

const permissive: Catalog = {
  action: (name) => {
    const outputs = awsActions[name];
    if (outputs === undefined) return undefined;
    const action: CatalogAction = {
      name,
      inputs: { type: 'object' },
      outputs,
      timeoutSecondsDefault: undefined,
      changes: () => 'nothing',
      allowedInOnCancel: true,
      hasHostTargets: true,
      secretInputs: () => [],
    };
    return action;
  },
  actionNames: Object.keys(awsActions),
  notBuiltYet: new Map([
    ['aws:loop', 'loops'],
    ['aws:updateVariable', 'variables'],
  ]),
};

/** What AWS refuses as well, or what cannot be told without AWS: read once by a person, kept from growing. */
const knownRefusals: Readonly<Record<string, readonly string[]>> = {
  // Conditions that AWS does not have: StringNotEquals, And over a map beside Not.
  BAD_CONDITION: [
    'delete_public_subnet_resource.yaml',
    'enable_s3_public_access_block.yaml',
    'cloudfront_distribution_management.yaml',
    'lambda_function_management.yaml',
  ],
  // An output without a type, with the name of another step for a selector.
  BAD_SELECTOR: ['ami-build-automation.yaml'],
  MISSING_KEY: ['ami-build-automation.yaml'],
};

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && /\.(ya?ml|json|txt)$/.test(entry.name) && !/LICENSE|NOTICE/.test(entry.name),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

const errorsOf = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.filter(({ severity }) => severity === 'error');

describe.skipIf(!existsSync(corpus))(
  'the corpus of public documents (skipped where ../shared/corpus is not there)',
  () => {
    test('of schema 0.3 is accepted, or refused for what is not built yet or what AWS refuses too', () => {
      const files = filesBelow(join(corpus, 'automation'));
      const counts: Record<string, number> = { accepted: 0 };
      const surprises: string[] = [];
      for (const path of files) {
        const file = relative(corpus, path);
        const { document, diagnostics } = checkDocument(
          { file, text: readFileSync(path, 'utf8') },
          permissive,
        );
        if (document !== undefined) counts['accepted'] = (counts['accepted'] ?? 0) + 1;
        for (const code of new Set(errorsOf(diagnostics).map((diagnostic) => diagnostic.code))) {
          counts[code] = (counts[code] ?? 0) + 1;
        }
        for (const { code, message, start } of errorsOf(diagnostics)) {
          const isKnown = knownRefusals[code]?.some((name) => path.endsWith(name)) === true;
          if (code !== 'NOT_BUILT_YET' && !isKnown)
            surprises.push(`${file}:${start.line} ${code} ${message}`);
        }
      }
      console.info(`${files.length} documents of schema 0.3:`, counts);
      expect(surprises).toEqual([]);
      expect(counts['accepted']).toBeGreaterThan(files.length * 0.9);
    });

    test('of Command documents is refused by what it is', () => {
      for (const path of filesBelow(join(corpus, 'command'))) {
        const text = readFileSync(path, 'utf8');
        const { diagnostics } = checkDocument({ file: path, text }, permissive);
        const codes = errorsOf(diagnostics).map(({ code }) => code);
        expect(codes.length, path).toBeGreaterThan(0);
        for (const code of codes) {
          expect(
            ['COMMAND_DOCUMENT', 'YAML_SYNTAX', 'UNKNOWN_TAG', 'MISSING_KEY', 'DUPLICATE_KEY'],
            path,
          ).toContain(code);
        }
      }
    });
  },
);
