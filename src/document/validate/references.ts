/** Every expression names something that exists and, for outputs, that can have happened by then. */
import { overHostsOutputs } from '../catalog.ts';
import type { StepDraft } from '../draft.ts';
import { isAwsAction } from '../fit-inputs.ts';
import { automationNames, globalNames, isGivenByWindow, ownParts, type Reference } from '../reference.ts';
import type { Entry, Span, TreeNode } from '../tree.ts';
import { isJsonObject } from '../../json.ts';
import { findExpressions, type PlacedBraces } from './expressions.ts';
import type { ControlFlowGraph } from './control-flow.ts';
import { findImpossible, type OrderQuestion } from './order.ts';
import { isNestedIn, listsAround, stepList, type StepList, type ValidationContext } from './context.ts';
import { conditionOf } from './loop.ts';
import { nameOfUpdated } from './variables.ts';

const prefixes = ['global', 'automation', 'variable', 'ssm'];

/** Expressions in the inputs and time limits of a list's steps. */
export function validateStepReferences(
  list: StepList,
  flow: ControlFlowGraph,
  outerFlow: ControlFlowGraph | undefined,
  context: ValidationContext,
): void {
  const questions: OrderQuestion[] = [];
  const outerQuestions: OrderQuestion[] = [];
  const nesting = list.nestedIn === undefined ? -1 : (list.outer?.drafts.indexOf(list.nestedIn.owner) ?? -1);
  for (const [index, draft] of list.drafts.entries()) {
    const condition = conditionOf(draft);
    if (condition !== undefined) checkCondition(condition.value, draft, list, context);
    for (const key of ['inputs', 'timeoutSeconds', 'capture', 'locks']) {
      const node = without(draft.node.entries.get(key)?.value, condition ?? nameOfUpdated(draft));
      if (node === undefined) continue;
      const isAddition = key === 'capture' || key === 'locks';
      const action = context.catalog.action(draft.step.action);
      const runsCommands = isAwsAction(draft.step.action) && action?.hasHostTargets === true;
      const user: User = { what: `step "${draft.step.name}"`, list, isAddition, runsCommands };
      for (const { reference, span } of checkExpressions(node, user, context)) {
        const from = reference.kind === 'output' ? indexIn(list, reference.step) : undefined;
        if (from !== undefined) questions.push({ from, to: index, reference, span });
        const outer = reference.kind === 'output' ? list.outer?.indexOf.get(reference.step) : undefined;
        if (from === undefined && outer !== undefined && outer !== nesting && nesting !== -1)
          outerQuestions.push({ from: outer, to: nesting, reference, span });
      }
    }
  }
  reportImpossible(list, flow, questions, context);
  if (list.outer !== undefined && outerFlow !== undefined)
    reportImpossible(list.outer, outerFlow, outerQuestions, context);
}

/** A loop's condition is asked after a pass, with the pass's own steps in sight. */
function checkCondition(node: TreeNode, owner: StepDraft, outer: StepList, context: ValidationContext): void {
  const list = stepList([...owner.nested.values()].flat(), { outer, nestedIn: { owner, input: 'Steps' } });
  checkExpressions(node, { what: `step "${owner.step.name}"`, list }, context);
}

function without(node: TreeNode | undefined, entry: Entry | undefined): TreeNode | undefined {
  if (node?.kind !== 'map' || entry === undefined) return node;
  return { ...node, entries: new Map([...node.entries].filter(([, other]) => other !== entry)) };
}

/** The step's place in the list, or that of the loop that it stands in. */
function indexIn(list: StepList, step: string): number | undefined {
  return list.indexOf.get(step) ?? list.inner.get(step)?.index;
}

function reportImpossible(
  list: StepList,
  flow: ControlFlowGraph,
  questions: readonly OrderQuestion[],
  context: ValidationContext,
): void {
  const impossible = findImpossible(flow, questions);
  const reversed = impossible.map((question) => ({ ...question, from: question.to, to: question.from }));
  // Of these the reader does not lead to the step that it reads: it does not come later, but lies on another path.
  const apart = new Set(findImpossible(flow, reversed).map(({ span }) => span));
  let mainWay: ReadonlySet<number> | undefined;
  for (const { from, to, reference, span } of impossible) {
    const source = reference.kind === 'output' ? reference.step : (list.drafts[from]?.step.name ?? '');
    const user = list.drafts[to]?.step.name ?? '';
    const use = `step "${user}" uses {{ ${reference.text} }}`;
    if (from === to) {
      const why = source === user ? 'which is its own output' : `but ${source} runs inside of it`;
      context.report.error('NOT_RUN_YET', span, `${use}, ${why}`);
    } else if (flow.isReachable[from] !== true)
      context.report.warn('NOT_RUN_YET', span, `${use}, but nothing leads to ${source}: the value is null`);
    else if (!apart.has(span)) {
      const message = `${use}, but ${source} cannot have run by then`;
      // SSM takes it. On the way of a failure it may be an oversight of which nothing comes; elsewhere the step can never succeed.
      if ((mainWay ??= onMainWay(flow)).has(to)) context.report.error('NOT_RUN_YET', span, message);
      else context.report.warn('NOT_RUN_YET', span, `${message}: the value is null`);
    } else {
      const why = `but ${source} lies on another path and cannot have run by then: the value is null`;
      context.report.warn('NOT_RUN_YET', span, `${use}, ${why}`);
    }
  }
}

/** The steps that can be reached without a failure or a cancel. */
function onMainWay(flow: ControlFlowGraph): ReadonlySet<number> {
  const seen = new Set([0]);
  for (const at of seen)
    for (const { to, isTrouble } of flow.edges[at] ?? []) if (isTrouble !== true) seen.add(to);
  return seen;
}

/** Expressions outside of steps: assumeRole, notify, locks and the defaults of parameters. */
export function validateDocumentReferences(context: ValidationContext): void {
  const { draft, report } = context;
  for (const key of ['assumeRole', 'notify', 'locks']) {
    const node = draft.node.entries.get(key)?.value;
    if (node === undefined) continue;
    for (const { reference, span } of checkExpressions(
      node,
      { what: key, isBeforeSteps: key !== 'notify' },
      context,
    )) {
      if (reference.kind !== 'output') continue;
      const message = `${key} uses {{ ${reference.text} }}, but no step has run when it is read`;
      report.error('UNKNOWN_REFERENCE', span, message);
    }
  }
  for (const [name, entry] of [...draft.parameters, ...draft.variables]) {
    const node = entry.value.kind === 'map' ? entry.value.entries.get('default')?.value : undefined;
    if (node === undefined) continue;
    const isDefault = draft.parameters.get(name) === entry;
    const user: User = { what: `the default of ${name}`, isDefault, isBeforeSteps: true };
    for (const { reference, span } of checkExpressions(node, user, context)) {
      if (reference.kind !== 'output') continue;
      const message = `the default of ${name} uses {{ ${reference.text} }}, but no step has run when it is read`;
      report.error('UNKNOWN_REFERENCE', span, message);
    }
  }
}

/** Who reads, for messages, and what it may read. */
interface User {
  readonly what: string;
  readonly list?: StepList;
  readonly isDefault?: boolean;
  /** It is read before the first step, when variables get their values. */
  readonly isBeforeSteps?: boolean;
  /** In what SSM does not know, nothing is read as loosely as SSM reads. */
  readonly isAddition?: boolean;
  /** What it hands on is a Command document's, which reads SecureString parameters itself. */
  readonly runsCommands?: boolean;
}

/** Reports what is wrong and returns the references of which the order is still to be checked. */
function checkExpressions(
  node: TreeNode,
  user: User,
  context: ValidationContext,
): { readonly reference: Reference; readonly span: Span }[] {
  const { references, others } = findExpressions(node, context.source.text);
  for (const braces of others) checkBraces(braces, user, context);
  return references.filter(({ reference, span }) => checkReference(reference, span, user, context));
}

function checkReference(reference: Reference, span: Span, user: User, context: ValidationContext): boolean {
  const { report } = context;
  const fail = (message: string, hint?: string): false => {
    report.error(
      'UNKNOWN_REFERENCE',
      span,
      `${user.what} uses {{ ${reference.text} }}, but ${message}`,
      hint,
    );
    return false;
  };
  switch (reference.kind) {
    case 'parameter':
      return checkParameter(reference.name, span, user, context, fail);
    case 'output':
      return user.list === undefined || checkOutput(reference, span, user, context, fail);
    case 'global':
      if (globalNames.some((name) => name === reference.name)) return true;
      return fail(
        `there is no such global`,
        report.suggest(
          reference.text,
          globalNames.map((name) => `global:${name}`),
        ),
      );
    case 'automation':
      if (automationNames.some((name) => name === reference.name)) return true;
      return fail(`there is only automation:${automationNames.join(', automation:')}`);
    case 'variable':
      if (user.isBeforeSteps === true) return fail('no variable has a value yet');
      if (context.draft.variables.has(reference.name)) return true;
      return fail(
        `there is no variable ${reference.name}`,
        report.suggest(reference.name, () => [...context.draft.variables.keys()]),
      );
    case 'parameterStore':
      if (user.isDefault === true) return true;
      report.error(
        'SSM_REFERENCE',
        span,
        `${user.what} uses {{ ${reference.text} }}, but Parameter Store is read in defaults of parameters only`,
        `Make a parameter with default: "{{ ${reference.text} }}" and use that.`,
      );
      return false;
    default:
      return reference satisfies never;
  }
}

type Fail = (message: string, hint?: string) => false;

function checkParameter(
  name: string,
  span: Span,
  user: User,
  context: ValidationContext,
  fail: Fail,
): boolean {
  const { draft, report } = context;
  if (draft.parameters.has(name)) return true;
  if (user.isDefault === true && isGivenByWindow(name)) {
    report.warn(
      'ABSENT_VALUE',
      span,
      `${user.what} uses {{ ${name} }}, which a maintenance window puts into the parameters of its task, and into no default: nobody can start with this one`,
      'Give the parameter a value, in the window too.',
    );
    return true;
  }
  if ([...listsAround(user.list)].some(({ indexOf }) => indexOf.has(name)))
    return fail(`${name} is a step`, `Name one of its outputs: {{ ${name}.Output }}.`);
  return fail(
    `there is no parameter ${name}`,
    report.suggest(name, () => [...draft.parameters.keys()]),
  );
}

function checkOutput(
  reference: Reference & { readonly kind: 'output' },
  span: Span,
  user: User,
  context: ValidationContext,
  fail: Fail,
): boolean {
  const { report } = context;
  const { step: stepName, output } = reference;
  const own = user.list?.undoOf;
  const part = ownParts.find((name) => name === stepName);
  if (own !== undefined && part !== undefined) return checkOwnPart(part, output, own, context, fail);
  const step = findStep(stepName, user);
  if (step === undefined) {
    if (part !== undefined) return fail(`${part}.${output} means something in undo lists only`);
    const nearest = report.suggest(stepName, () => [
      ...new Set([...listsAround(user.list)].flatMap(({ indexOf }) => [...indexOf.keys()])),
    ]);
    const hint = nearest?.startsWith('Did') === true ? nearest.replace('?', `.${output}?`) : undefined;
    if (context.draft.parameters.has(stepName)) {
      return fail(`${stepName} is a parameter`, `A parameter has no outputs: {{ ${stepName} }}.`);
    }
    if (prefixes.includes(stepName)) {
      return fail(`there is no step ${stepName}`, `Did you mean {{ ${stepName}:${output} }}?`);
    }
    return fail(`there is no step ${stepName}`, hint);
  }
  const isAround = user.list !== undefined && isNestedIn(user.list, step);
  const known = isAround
    ? context.catalog.action(step.step.action)?.nests?.outputs
    : outputsOf(step, context);
  if (known === undefined || known.includes(output)) return true;
  const declares = isAround
    ? `nested steps may read only ${known.join(', ')} of it`
    : known.length === 0
      ? `${stepName} declares no outputs`
      : `${stepName} declares only ${known.join(', ')}`;
  const nearest = report.suggest(output, known);
  const hint =
    nearest?.startsWith('Did you mean ') === true
      ? nearest.replace('Did you mean ', `Did you mean ${stepName}.`)
      : undefined;
  // SSM looks outputs up when the step runs, and takes such a document.
  const isSsm = isAwsAction(step.step.action) && user.isAddition !== true;
  const isRefused = hint !== undefined || isAround || !isSsm;
  if (isRefused) return fail(declares, hint);
  report.warn(
    'UNKNOWN_REFERENCE',
    span,
    `${user.what} uses {{ ${reference.text} }}, but ${declares}: a step that needs it fails`,
    'Declare it with Name, Selector and Type under outputs.',
  );
  return false;
}

/** `inputs.X`, `outputs.X`, `before.X` of the step that is undone. */
function checkOwnPart(
  part: (typeof ownParts)[number],
  name: string,
  own: StepDraft,
  context: ValidationContext,
  fail: Fail,
): boolean {
  const { report, catalog } = context;
  const action = catalog.action(own.step.action);
  const properties = action?.inputs['properties'];
  let known: readonly string[] | undefined;
  // Each host is undone by itself, with what it put out itself.
  if (part === 'outputs') known = isOverHosts(own, context) ? action?.outputs : outputsOf(own, context);
  else if (part === 'inputs') {
    known = [
      ...new Set([
        ...Object.keys(own.step.inputs),
        ...(isJsonObject(properties) ? Object.keys(properties) : []),
      ]),
    ];
  } else if (action?.before !== undefined) {
    known = [...Object.keys(own.step.capture), ...action.before];
  }
  if (known === undefined || known.includes(name)) return true;
  const noun = { inputs: 'input', outputs: 'output', before: 'observed value' }[part];
  return fail(`${own.step.name} has no ${noun} ${name}`, report.suggest(name, known));
}

function findStep(name: string, user: User): StepDraft | undefined {
  for (const list of listsAround(user.list)) {
    const index = list.indexOf.get(name);
    if (index !== undefined) return list.drafts[index];
    const inner = list.inner.get(name);
    if (inner !== undefined) return inner.draft;
  }
  return undefined;
}

/** Declared and built-in outputs; undefined when the action is not known, which is reported elsewhere. */
export function outputsOf(
  draft: StepDraft,
  { catalog }: Pick<ValidationContext, 'catalog'>,
): readonly string[] | undefined {
  const action = catalog.action(draft.step.action);
  const declared = draft.step.outputs.map(({ Name }) => Name);
  if (action === undefined) return undefined;
  if (isOverHosts(draft, { catalog })) return [...new Set([...declared, ...overHostsOutputs])];
  const derived = action.derivedOutputs?.map(({ Name }) => Name) ?? [];
  return [...new Set([...declared, ...action.outputs, ...derived])];
}

function isOverHosts({ step }: StepDraft, { catalog }: Pick<ValidationContext, 'catalog'>): boolean {
  return catalog.action(step.action)?.overHosts === true && step.inputs['Hosts'] !== undefined;
}

/** `{{ Step.Payload.id }}`, `{{ Step.Output }`: braces that start with something known are meant as an expression. */
function checkBraces({ inner, span }: PlacedBraces, user: User, context: ValidationContext): void {
  if (inner.startsWith('ssm-secure:')) {
    if (user.runsCommands === true) return;
    context.report.error(
      'SSM_REFERENCE',
      span,
      `${user.what} uses {{ ${inner} }}, but only Command documents read SecureString parameters`,
      'Declare a parameter with secret: true, and start with --secret NAME=ssm:/path.',
    );
    return;
  }
  const prefix = /^([a-z]+):\s*[A-Za-z0-9_./:-]+$/i.exec(inner)?.[1];
  const meant = prefix === undefined ? undefined : context.report.suggest(prefix, prefixes);
  if (prefix !== undefined && meant?.startsWith('Did') === true) {
    const message = `${user.what} has {{ ${inner} }}, which is not an expression`;
    context.report.error(
      'BAD_EXPRESSION',
      span,
      message,
      meant.replace('?', `:${inner.slice(prefix.length + 1)}?`),
    );
    return;
  }
  const root = /^([A-Za-z0-9_]+)\s*(?:[.[]|$)/.exec(inner)?.[1];
  if (root === undefined) return;
  const isStep = findStep(root, user) !== undefined;
  const isOwn = user.list?.undoOf !== undefined && ownParts.some((part) => part === root);
  if (!isStep && !isOwn && !context.draft.parameters.has(root)) return;
  const isClosed = context.source.text.slice(span.start, span.end).endsWith('}}');
  context.report.error(
    'BAD_EXPRESSION',
    span,
    `${user.what} has {{ ${inner} ${isClosed ? '}}' : '}'}, which is not an expression`,
    isClosed
      ? 'An expression is {{ Parameter }} or {{ Step.Output }}; declare an output with a Selector to reach further.'
      : 'Close it with two braces.',
  );
}
