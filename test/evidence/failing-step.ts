/**
 * Copies of a shipped runbook in which one more step is there, and fails: made from the parsed text, so it is the shipped text that is
 * tested. It comes right behind a step, in the runbook itself or in the turns of a rolling.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const runbooks = join(import.meta.dirname, '..', '..', 'runbooks');

/** A step of a document, as far as it is looked at here. */
export interface ShippedStep {
  readonly name: string;
  readonly action?: string;
  readonly inputs?: { readonly Steps?: ShippedStep[] };
  readonly isEnd?: boolean;
}
export interface Shipped {
  readonly mainSteps: ShippedStep[];
}

/** `minio/backup`: the shipped file. */
export const shippedFile = (runbook: string): string => join(runbooks, `${runbook}.yaml`);

export const shippedDocument = (runbook: string): Shipped =>
  parse(readFileSync(shippedFile(runbook), 'utf8')) as Shipped;

/** Behind a branch nobody may come by. */
const isNoBranch = ({ action }: ShippedStep): boolean => action !== 'aws:branch';

/** Each place of a shipped runbook at which one more step may fail: behind a step that is not a branch. Nested: `Rolling/Step`. */
export const placesIn = (runbook: string): string[] =>
  shippedDocument(runbook)
    .mainSteps.filter(isNoBranch)
    .flatMap((step) => [
      ...(step.inputs?.Steps ?? []).filter(isNoBranch).map((nested) => `${step.name}/${nested.name}`),
      step.name,
    ]);

/** What the failing step is; `turn` is whose turn it is, of the rolling or the loop that it stands in: `{{ PatchNodes.Target }}`. */
export type Accident = (turn: string | undefined) => { readonly action: string; readonly inputs: object };

export const accidentName = 'FailHere';

/** A command that fails on this host; in a rolling or a loop only in the turn of this host. */
export const accidentOn =
  (host: string): Accident =>
  (turn) => ({
    action: 'host:command',
    inputs:
      turn === undefined
        ? { Host: host, Command: ['/bin/false'] }
        : {
            Host: turn,
            Env: { HERE: turn, AT: host },
            Script: '[ "$HERE" != "$AT" ] || { echo "the accident that the test is about" >&2; exit 1; }',
          },
  });

/** The shipped runbook with the accident right behind the place. Throws when it has no such place any more. */
export function failingAfter(runbook: string, place: string, accident: Accident): Shipped {
  const document = shippedDocument(runbook);
  const [outer = '', inner] = place.split('/');
  const around = document.mainSteps.find(({ name }) => name === outer);
  const list = inner === undefined ? document.mainSteps : (around?.inputs?.Steps ?? []);
  const turn = around?.action === 'aws:loop' ? 'CurrentIteratorValue' : 'Target';
  const at = list.findIndex(({ name }) => name === (inner ?? outer));
  const step = list[at];
  if (step === undefined) throw new Error(`${runbook} has no step ${place} any more`);
  const { isEnd, ...before } = step;
  const failing = {
    name: accidentName,
    ...accident(inner === undefined ? undefined : `{{ ${outer}.${turn} }}`),
    undo: { none: 'it is the accident that the test is about' },
    ...(isEnd === true ? { isEnd } : {}),
  };
  list.splice(at, 1, before, failing as ShippedStep);
  return document;
}
