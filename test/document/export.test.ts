import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { graphFormats, graphText } from '../../src/cli/view/graph-text.ts';
import { checkDocument, exportDocument, graphOf, type Exported } from '../../src/document/index.ts';
import type { JsonObject } from '../../src/json.ts';
import { corpusFiles, hasCorpus } from '../conformance/corpus.ts';
import { call, catalog, sleep } from './ssm/ssm.ts';

/** Hundreds of documents, each read several times: the limit of one test is that of one document. */
const wholeCorpus = { timeout: 600_000 };

const exported = (text: string | object, drop = false): Exported =>
  exportDocument({ file: 'x.yaml', text: typeof text === 'string' ? text : stringify(text) }, catalog, {
    drop,
  });

const withSteps = (mainSteps: readonly object[], more: object = {}) => ({
  schemaVersion: '0.3',
  ...more,
  mainSteps,
});

const snapshot = {
  name: 'Snap',
  action: 'aws:createSnapshot',
  inputs: { VolumeId: 'vol-1' },
  undo: [
    {
      name: 'Drop',
      action: 'aws:executeAwsApi',
      inputs: { Service: 'ec2', Api: 'DeleteSnapshot', SnapshotId: '{{ outputs.SnapshotId }}' },
    },
  ],
};
const mark = {
  name: 'Mark',
  action: 'aws:executeAwsApi',
  inputs: { Service: 'ec2', Api: 'CreateTags', Resources: ['vol-1'], Tags: [{ Key: 'a', Value: 'b' }] },
  capture: {
    Old: { Service: 'ec2', Api: 'DescribeVolumes', VolumeIds: ['vol-1'], Selector: '$.Volumes[0].State' },
  },
  undo: [
    {
      name: 'Back',
      action: 'aws:executeAwsApi',
      inputs: {
        Service: 'ec2',
        Api: 'CreateTags',
        Resources: '{{ inputs.Resources }}',
        Tags: [{ Key: 'a', Value: '{{ before.Old }}' }],
      },
    },
  ],
};

interface Text {
  readonly name: string;
  readonly onFailure?: string;
  readonly isEnd?: boolean;
  readonly inputs: JsonObject;
}
const stepsOf = ({ document }: Exported): readonly Text[] =>
  document?.['mainSteps'] as unknown as readonly Text[];

describe('an exported runbook', () => {
  test('has its undo lists as a chain behind onFailure, newest first, entered where the flow stood', () => {
    const made = exported(withSteps([snapshot, mark, sleep('Wait')]));
    expect(made.diagnostics).toEqual([]);
    expect(stepsOf(made).map(({ name, onFailure, isEnd }) => [name, onFailure, isEnd])).toEqual([
      ['Snap', 'step:Undo_Snap_Drop', undefined],
      ['Snap_2', 'step:Undo_Snap_Drop', undefined],
      ['Before_Mark_Old', 'step:Undo_Snap_Drop', undefined],
      ['Mark', 'step:Undo_Mark_Back', undefined],
      ['Wait', 'step:Undo_Mark_Back', true],
      ['Undo_Mark_Back', 'Continue', undefined],
      ['Undo_Snap_Drop', 'Continue', true],
    ]);
  });

  test('reads in the chain what the undo list read of its step', () => {
    const steps = new Map(stepsOf(exported(withSteps([snapshot, mark]))).map((step) => [step.name, step]));
    expect(steps.get('Undo_Snap_Drop')?.inputs['SnapshotId']).toBe('{{ Snap.SnapshotId }}');
    expect(steps.get('Undo_Mark_Back')?.inputs).toMatchObject({
      Resources: ['vol-1'],
      Tags: [{ Key: 'a', Value: '{{ Before_Mark_Old.Value }}' }],
    });
  });

  test('is taken under --strict-ssm, also as YAML 1.1 that AWS reads', () => {
    const { document } = exported(withSteps([snapshot, mark]));
    const text = stringify(document, { version: '1.1' });
    expect(parse(text, { version: '1.1' })).toEqual(document);
    const checked = checkDocument({ file: 'x.yaml', text }, catalog, { strictSsm: true });
    expect(checked.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  test('publishes by the API what sns:publish publishes', () => {
    const tell = {
      name: 'Tell',
      action: 'sns:publish',
      inputs: { TopicArn: 'arn:aws:sns:eu-west-1:111122223333:t', Message: 'x' },
    };
    expect(stepsOf(exported(withSteps([tell])))[0]).toMatchObject({
      action: 'aws:executeAwsApi',
      inputs: { Service: 'sns', Api: 'Publish', Message: 'x' },
      outputs: [{ Name: 'MessageId' }],
    });
  });
});

describe('what cannot be exported is told with its place', () => {
  const places = (text: string | object, drop = false): string[] =>
    exported(text, drop).diagnostics.map(
      ({ severity, start, message }) => `${severity} ${start.line}: ${message}`,
    );

  test('an action that SSM does not have', () => {
    const said = places(
      withSteps([
        { name: 'Stop', action: 'host:service', inputs: { Host: 'db1', Name: 'x', State: 'stopped' } },
      ]),
    );
    expect(said).toEqual([expect.stringContaining('error 4: step "Stop" is host:service')]);
  });

  test('what SSM can do without, unless --drop leaves it out', () => {
    const document = withSteps([sleep('Wait', { locks: ['volume:x'] })], {
      locks: ['volume:y'],
      timeoutSeconds: 60,
      notify: { sns: 'arn:aws:sns:eu-west-1:111122223333:t' },
      parameters: { P: { type: 'String', secret: true } },
    });
    expect(places(document)).toHaveLength(5);
    expect(exported(document).document).toBeUndefined();
    expect(places(document, true).every((line) => line.startsWith('warning'))).toBe(true);
    expect(exported(document, true).document).toEqual({
      schemaVersion: '0.3',
      parameters: { P: { type: 'String' } },
      mainSteps: [{ name: 'Wait', action: 'aws:sleep', inputs: { Duration: 'PT1S' } }],
    });
  });

  test('an undo list in a flow that jumps', () => {
    const fork = {
      name: 'Fork',
      action: 'aws:branch',
      inputs: { Choices: [{ NextStep: 'Wait', Variable: '{{ global:REGION }}', StringEquals: 'x' }] },
    };
    expect(places(withSteps([snapshot, fork, sleep('Wait')]))).toEqual([
      expect.stringContaining('jumps at step "Fork"'),
    ]);
  });

  test('what only Belay observed before', () => {
    const tags = {
      name: 'Tags',
      action: 'aws:createTags',
      inputs: { ResourceIds: ['i-0123456789abcdef0'], Tags: [{ Key: 'a', Value: 'b' }] },
      undo: [sleep('Wait', { inputs: { Duration: '{{ before.Tags }}' } })],
    };
    expect(places(withSteps([tags]))).toEqual([
      expect.stringContaining('{{ before.Tags }} is what Belay observed before'),
    ]);
  });
});

describe('a runbook that is plain SSM already', () => {
  const loose = join(import.meta.dirname, 'loose');
  const own = readdirSync(loose)
    .filter((file) => /^[^.].*\.(yaml|json)$/.test(file))
    .map((file): [string, string] => [file, readFileSync(join(loose, file), 'utf8')]);

  /** Without the places in the text where programs stand. */
  const means = (text: string): unknown => {
    const { document } = checkDocument({ file: 'x', text }, catalog);
    const json = JSON.stringify(document, (key, value: unknown) => (key === 'programs' ? undefined : value));
    return json === undefined ? undefined : JSON.parse(json);
  };

  test.each([...own, ['one call', stringify(withSteps([call('A')]))]])(
    '%s means the same when it is exported',
    (_, text) => {
      const { document } = exported(text);
      expect(means(JSON.stringify(document))).toEqual(means(text));
    },
  );

  test.skipIf(!hasCorpus)('of the corpus means the same (skipped where there is none)', wholeCorpus, () => {
    for (const { path, text } of corpusFiles('automation')) {
      const meaning = means(text);
      if (meaning === undefined) continue;
      const { document, diagnostics } = exported(text);
      // Some have minValue and maxValue, which SSM does not know.
      if (document === undefined)
        expect(new Set(diagnostics.map(({ code }) => code)), path).toEqual(new Set(['NOT_IN_SSM']));
      else expect(means(JSON.stringify(document)), path).toEqual(meaning);
    }
  });

  test.skipIf(!hasCorpus)(
    'of the corpus is refused by AWS for its limits or for what its author wrote, and can be drawn (skipped where there is none)',
    wholeCorpus,
    () => {
      for (const { path, text } of corpusFiles('automation')) {
        const { document } = exported(text);
        if (document === undefined) continue;
        // As belay export writes it.
        const written = stringify(document, { version: '1.1', lineWidth: 0 });
        const refused = (file: string) =>
          checkDocument({ file: 'x.yaml', text: file }, catalog, { strictSsm: true })
            .diagnostics.filter(({ severity, code }) => severity === 'error' && code !== 'SSM_LIMIT')
            .map(({ message }) => message);
        // A published document has an ARN with a colon too many, for one: the export leaves it so.
        const authored = refused(text);
        expect(
          refused(written).filter((message) => !authored.includes(message)),
          path,
        ).toEqual([]);
        const loose = checkDocument({ file: 'x.yaml', text: written }, catalog).document;
        if (loose === undefined) throw new Error(`${path} is not read again`);
        for (const format of graphFormats)
          expect(graphText(graphOf(loose), format)).toContain(format === 'dot' ? 'digraph' : 'flowchart');
      }
    },
  );
});
