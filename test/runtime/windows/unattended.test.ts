import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { createCatalog } from '../../../src/actions/index.ts';
import { checkDocument, type Document } from '../../../src/document/index.ts';
import { parseInventory } from '../../../src/inventory/index.ts';
import { offlineModels } from '../../../src/runtime/offline-models.ts';
import { unattended, type Unattended } from '../../../src/runtime/windows/unattended.ts';
import type { Approval, CutoffBehavior } from '../../../src/windows/index.ts';

const catalog = createCatalog(offlineModels());
const folder = mkdtempSync(join(tmpdir(), 'belay-unattended-'));
const runbook = join(folder, 'r.yaml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function documentOf(steps: string, top = ''): Document {
  const text = `schemaVersion: '0.3'\n${top}mainSteps:\n${steps}`;
  const { document, diagnostics } = checkDocument({ file: 'r.yaml', text }, catalog);
  if (document === undefined) throw new Error(JSON.stringify(diagnostics));
  return document;
}

interface Given {
  readonly approval?: Approval | null;
  readonly cutoffBehavior?: CutoffBehavior;
  readonly signed?: boolean;
  readonly parameters?: Readonly<Record<string, string[]>>;
}

const keys =
  "approvers: { alice: { keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGfPLyHFSuQ0Vl9rP+e6gpGQ8L1Zn0gQO1cJtqOSqJYc'] } }";

function judged(document: Document, given: Given = {}): Unattended {
  const { approval = null, cutoffBehavior = 'CLIMB_DOWN', signed = false, parameters = {} } = given;
  const { inventory, diagnostics } = parseInventory({ file: 'belay.yaml', text: signed ? keys : '' });
  if (inventory === undefined) throw new Error(JSON.stringify(diagnostics));
  return unattended({ cutoffBehavior, runbook }, document, {
    approval,
    inventory,
    parameters,
    read: (file, text) => {
      const checked = checkDocument({ file, text: text ?? readFileSync(file, 'utf8') }, catalog);
      return checked.document === undefined
        ? { problem: checked.diagnostics[0]?.message ?? '' }
        : { document: checked.document };
    },
  });
}

const ask = (approvers: string, more = ''): string =>
  `  - { name: Ask, action: 'aws:approve', inputs: { Message: go, Approvers: ${approvers}${more} } }\n`;
const shell = (more = ''): string =>
  `  - { name: Change, action: 'host:command', inputs: { Host: here, Command: [touch, x] }${more} }\n`;
const codes = ({ problems }: Unattended): readonly string[] => problems.map(({ code }) => code);
const of = (...approvers: readonly string[]): Approval => ({ approvers, minRequired: 1 });

describe('an approval inside a runbook', () => {
  it('is refused where nobody says yes beforehand', () => {
    expect(codes(judged(documentOf(ask('[alice]'))))).toEqual(['WAITS_FOR_A_PERSON']);
  });

  it('is answered by the approval of the window, where the same people may give both', () => {
    const { problems, said } = judged(documentOf(ask('[alice, bob]')), { approval: of('alice', 'bob') });
    expect(problems).toEqual([]);
    expect(said).toEqual([{ path: 'Ask', what: 'asks for an approval' }]);
  });

  test.each([
    ['a stranger may say yes to the window', ask('[alice]'), of('alice', 'eve')],
    [
      'one yes is given and two are wanted',
      ask('[alice, bob]', ', MinRequiredApprovals: 2'),
      of('alice', 'bob'),
    ],
    ['they are other people', ask('[carol]'), of('alice')],
  ])('is refused where %s', (_why, steps, approval) => {
    expect(codes(judged(documentOf(steps), { approval }))).toEqual(['WAITS_FOR_A_PERSON']);
  });

  it('is looked at with the people that the task names by a parameter', () => {
    const document = documentOf(
      ask("'{{ Approvers }}'"),
      'parameters: { Approvers: { type: StringList } }\n',
    );
    const approval = of('alice');
    expect(codes(judged(document, { approval, parameters: { Approvers: ['alice'] } }))).toEqual([]);
    expect(codes(judged(document, { approval, parameters: { Approvers: ['bob'] } }))).toEqual([
      'WAITS_FOR_A_PERSON',
    ]);
  });

  it('is refused where belay.yaml wants signatures: a word for the window is none', () => {
    const { problems } = judged(documentOf(ask('[alice]')), { approval: of('alice'), signed: true });
    expect(problems[0]?.message).toContain('wants a signature');
  });

  it('is seen inside loops, too', () => {
    const loop = `  - name: Each
    action: aws:loop
    inputs:
      Iterators: [a]
      Steps:
        - { name: Ask, action: 'aws:approve', inputs: { Message: go, Approvers: [alice] } }
`;
    expect(judged(documentOf(loop)).problems[0]?.message).toContain('Each/Steps/Ask');
  });

  it('of a rollback is left to the night: nobody could know of it beforehand', () => {
    const undo = `, undo: [{ name: Ask, action: 'aws:approve', inputs: { Message: back, Approvers: [alice] } }]`;
    expect(codes(judged(documentOf(shell(undo))))).toEqual([]);
  });
});

it('a pause is refused although the window has an approval, and so is a rollback that asks', () => {
  const pause = "  - { name: Wait, action: 'aws:pause', inputs: {} }\n";
  expect(codes(judged(documentOf(pause), { approval: of('alice') }))).toEqual(['WAITS_FOR_A_PERSON']);
  const asks = documentOf(shell(", undo: { none: 'nothing' }"), 'rollback: { when: ask }\n');
  expect(codes(judged(asks, { approval: of('alice') }))).toEqual(['WAITS_FOR_A_PERSON']);
});

describe('a step that nothing takes back', () => {
  it('is refused in a task that is to climb down', () => {
    expect(codes(judged(documentOf(shell())))).toEqual(['CANNOT_BE_UNDONE']);
  });

  it('runs where somebody says yes beforehand, and is named to whoever does', () => {
    const { problems, said } = judged(documentOf(shell()), { approval: of('alice') });
    expect(problems).toEqual([]);
    expect(said[0]).toMatchObject({ path: 'Change' });
  });

  it('runs where its author says how it is undone, or why it needs not be, and where nothing is to climb down', () => {
    expect(codes(judged(documentOf(shell(", undo: { none: 'a marker file' }"))))).toEqual([]);
    expect(codes(judged(documentOf(shell()), { cutoffBehavior: 'CONTINUE_TASK' }))).toEqual([]);
  });
});

describe('in a runbook that a step runs', () => {
  const call = (name: string, more = ''): string =>
    `  - { name: Call, action: 'aws:executeAutomation', inputs: { DocumentName: ${name}${more} } }\n`;
  const child = (name: string, steps: string, top = ''): void =>
    writeFileSync(join(folder, name), `schemaVersion: '0.3'\n${top}mainSteps:\n${steps}`);

  it('an approval is refused like one of the task’s own, and answered where the window’s people may give it', () => {
    child('asks.yaml', ask('[alice]'));
    child('between.yaml', call('asks'));
    expect(judged(documentOf(call('between.yaml'))).problems).toMatchObject([
      {
        code: 'WAITS_FOR_A_PERSON',
        message: expect.stringContaining('Call/between.yaml/Call/asks.yaml/Ask'),
      },
    ]);
    const { problems, said } = judged(documentOf(call('between.yaml')), { approval: of('alice') });
    expect(problems).toEqual([]);
    expect(said.map(({ path }) => path)).toEqual(['Call/between.yaml/Call/asks.yaml/Ask']);
  });

  it('approvers are those that the calling step gives', () => {
    child('asks.yaml', ask("'{{ Who }}'"), 'parameters: { Who: { type: StringList } }\n');
    const given = (who: string) => documentOf(call('asks', `, RuntimeParameters: { Who: [${who}] }`));
    expect(codes(judged(given('alice'), { approval: of('alice') }))).toEqual([]);
    expect(codes(judged(given('bob'), { approval: of('alice') }))).toEqual(['WAITS_FOR_A_PERSON']);
  });

  it('a pause is refused, and so is what nothing takes back', () => {
    child('waits.yaml', "  - { name: Wait, action: 'aws:pause', inputs: {} }\n");
    expect(codes(judged(documentOf(call('waits')), { approval: of('alice') }))).toEqual([
      'WAITS_FOR_A_PERSON',
    ]);
    child('final.yaml', shell());
    expect(codes(judged(documentOf(call('final'))))).toEqual(['CANNOT_BE_UNDONE']);
    expect(codes(judged(documentOf(call('final')), { approval: of('alice') }))).toEqual([]);
  });

  it('what nothing takes back may happen where the calling step says how it is taken back', () => {
    child('final.yaml', shell());
    const step = call('final').replace(' } }\n', " }, undo: { none: 'a marker file' } }\n");
    expect(codes(judged(documentOf(step)))).toEqual([]);
  });

  it.each([
    ['a document that only Systems Manager has', 'Team-Patch'],
    ['one that Systems Manager runs', 'AWS-UpdateLinuxAmi'],
    ['one whose name a step finds', "'{{ Which }}'"],
  ])('%s is refused where the task is to climb down, unless somebody says yes beforehand', (_what, name) => {
    const document = documentOf(call(name), 'parameters: { Which: { type: String } }\n');
    expect(codes(judged(document))).toEqual(['CANNOT_BE_UNDONE']);
    expect(judged(document, { approval: of('alice') })).toMatchObject({
      problems: [],
      said: [{ path: 'Call' }],
    });
    expect(codes(judged(document, { cutoffBehavior: 'CONTINUE_TASK' }))).toEqual([]);
  });

  it('one that AWS owns and Belay knows is looked into', () => {
    const document = documentOf(
      call(
        'AWS-RestartEC2InstanceWithApproval',
        ", RuntimeParameters: { Approvers: [alice], InstanceId: [i-0123456789abcdef0], SNSTopicArn: 'arn:aws:sns:eu-west-1:123456789012:Automation' }",
      ),
    );
    expect(codes(judged(document))).toContain('WAITS_FOR_A_PERSON');
    expect(judged(document, { approval: of('alice') }).problems).toEqual([]);
  });

  it('one that is not right is said so, and one that runs itself is looked at once', () => {
    child('broken.yaml', '  - { name: What }\n');
    expect(codes(judged(documentOf(call('broken'))))).toEqual(['BAD_RUNBOOK']);
    child('circle.yaml', call('circle') + ask('[alice]'));
    expect(codes(judged(documentOf(call('circle'))))).toEqual(['WAITS_FOR_A_PERSON']);
  });
});
