/**
 * What an execution that nobody runs has left stopped or out of a load balancer, and what to type: the line that a person
 * needs first. By what its steps and undos told; a step whose end nobody knows is named beside it. Pure.
 */
import { accountOf, netChanges, type Change, type StepAccount, type UndoState } from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { printable } from './printable.ts';

/** Of services, of servers in a load balancer and of instances: what they are called when they do not serve. */
const words: Readonly<Record<string, string>> = {
  inactive: 'stopped',
  failed: 'stopped',
  stopped: 'stopped',
  stopping: 'stopping',
  drained: 'out of the load balancer',
};
const serving = new Set(['active', 'serving', 'running']);

type Seen = Pick<
  ExecutionView,
  | 'executionId'
  | 'status'
  | 'steps'
  | 'rollback'
  | 'rollbackStatus'
  | 'isLive'
  | 'endedAt'
  | 'closing'
  | 'cancelRequested'
>;

/** `next`: what becomes of it, where that is known. Undefined: it is under way, or has left nothing so. */
export function outOfServiceLine(view: Seen, next = nextFor(view)): string | undefined {
  if (view.isLive || view.closing !== null) return undefined;
  const out = outOfService(view);
  if (out.length === 0) return mayBeOutLine(view, next);
  const what = out.map(({ target, subject, to }) =>
    subject === 'state'
      ? `${printable(target)} is ${words[to ?? '']}`
      : `${printable(subject)} is ${words[to ?? '']} on ${printable(target)}`,
  );
  const open = view.steps
    .concat(view.rollback.flatMap(({ steps }) => steps))
    .filter(({ status, action }) => status === 'InProgress' && !holdsOthers.has(action))
    .map(({ name }) => `; ${printable(name)} was under way`);
  const isForGood =
    view.endedAt !== null && outOfService(view, ({ way }) => way.kind !== 'none').length === 0;
  const then = isForGood ? 'Nothing puts it back: no step that did it has an undo' : next;
  return `${view.executionId}: ${what.join(', ')}${open.join('')}. ${then}`;
}

/** What a step that was under way may have taken out of service, by its inputs. */
function mayBeOut({ action, inputs }: ExecutionView['steps'][number]): string | undefined {
  const of = (name: string): string => {
    const value = inputs[name];
    return typeof value === 'string' ? printable(value) : '';
  };
  if (action === 'nginx:drain' && of('State') !== 'serving')
    return `${of('Server')} may be out of the load balancer on ${of('Host')}`;
  if (action === 'host:service' && ['stopped', 'restarted'].includes(of('State')))
    return `${of('Name')} may be stopped on ${of('Host')}`;
  return undefined;
}

/** A runner that died in the very step: nobody knows how far it came. */
function mayBeOutLine(view: Seen, next: string): string | undefined {
  const open = view.steps
    .concat(view.rollback.flatMap(({ steps }) => steps))
    .filter(({ status }) => status === 'InProgress')
    .flatMap((step) => {
      const what = mayBeOut(step);
      return what === undefined ? [] : [{ name: printable(step.name), what }];
    });
  if (open.length === 0) return undefined;
  const names = open.map(({ name }) => name).join(', ');
  const what = open.map((each) => each.what).join(', ');
  return `${view.executionId}: ${names} ${open.length === 1 ? 'was' : 'were'} under way; ${what}. ${next}`;
}

const holdsOthers = new Set(['aws:executeAutomation', 'aws:loop', 'belay:rolling']);

function nextFor({ executionId: id, endedAt, cancelRequested, rollbackStatus }: Seen): string {
  if (endedAt !== null) return `belay rollback ${id} puts it back`;
  const isClimbing = cancelRequested || rollbackStatus === 'running' || rollbackStatus === 'waiting';
  return isClimbing
    ? `belay resume ${id} goes on climbing down`
    : `belay resume ${id} goes on, belay cancel ${id} climbs down`;
}

function outOfService(view: Seen, isMeant: (each: StepAccount) => boolean = () => true): Change[] {
  const { steps } = accountOf(view);
  const forward = steps.filter((each) => each.stands && isMeant(each)).flatMap(({ step }) => step.changes);
  const undone = view.rollback.filter(isOpen).flatMap((undo) => undo.steps.flatMap(({ changes }) => changes));
  return netChanges([...forward, ...undone]).filter(
    ({ from, to }) => from !== null && serving.has(from) && to !== null && Object.hasOwn(words, to),
  );
}

const isOpen = ({ result }: UndoState): boolean => result === 'failed' || result === 'running';
