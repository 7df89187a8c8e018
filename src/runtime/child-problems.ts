/**
 * What is wrong with a runbook that a step names, as far as files tell it before the step runs: otherwise it is found out in the
 * middle of a run, when other steps have changed something. Only reads.
 */
import { realpathSync } from 'node:fs';
import type { CatalogProblem } from '../document/catalog.ts';
import { checkArguments, checkDocument, type Catalog, type Document } from '../document/index.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { chainProblem, isPath, missingText, runbookFile } from './child-runbooks.ts';
import { everyStep } from './program-files.ts';
import { readText } from './read-text.ts';
import { Refusal } from './refusal.ts';

export interface ChildLook {
  /** Of the calling runbook, absolute. */
  readonly file: string;
  /** Folders that belay.yaml names, absolute. */
  readonly folders: readonly string[];
  readonly catalog: Catalog;
}

const startsRunbooks = 'aws:executeAutomation';
/** Inputs by which a parameter of the child may get its value besides RuntimeParameters. */
const otherGivers = ['Targets', 'TargetMaps', 'TargetLocations', 'TargetParameterName'];

export type ChildProblems = (action: string, inputs: JsonObject) => readonly CatalogProblem[];

/** Of the inputs of any step. A name that is not known yet, or that only the service has, has no problem. */
export function childProblems(look: ChildLook): ChildProblems {
  const files = new ChildFiles(look);
  const file = realPath(look.file);
  return (action, inputs) => (action === startsRunbooks ? files.problems(inputs, file, [file]) : []);
}

/** A text that does not come from a file keeps its name. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

class ChildFiles {
  readonly #look: ChildLook;
  /** What is wrong with a file and those below it; a file is looked at once. */
  readonly #seen = new Map<string, string | Document>();

  constructor(look: ChildLook) {
    this.#look = look;
  }

  problems(inputs: JsonObject, caller: string, chain: readonly string[]): CatalogProblem[] {
    const { DocumentName: name } = inputs;
    if (typeof name !== 'string' || name === '' || name.includes('{{') || name.startsWith('arn:')) return [];
    const wrong = (code: string, message: string): CatalogProblem[] => [
      { code, path: ['DocumentName'], message },
    ];
    const { folders } = this.#look;
    const file = runbookFile(name, { file: caller, folders });
    if (file === undefined)
      return isPath(name) ? wrong('UNKNOWN_RUNBOOK', missingText(name, { file: caller, folders })) : [];
    const place = chainProblem(chain, file);
    if (place !== undefined) return wrong(place.code, place.message);
    const found = this.#checked(file, chain);
    return typeof found === 'string'
      ? wrong('BAD_DOCUMENT', `${name} is not right: ${found}`)
      : argumentProblems(found, name, inputs);
  }

  /** The document, or the first thing that is wrong with it or with what it starts. */
  #checked(file: string, chain: readonly string[]): string | Document {
    const known = this.#seen.get(file) ?? this.#read(file, chain);
    this.#seen.set(file, known);
    return known;
  }

  #read(file: string, chain: readonly string[]): string | Document {
    try {
      const { document, diagnostics } = checkDocument(readText(file), this.#look.catalog);
      if (document === undefined) {
        const [first, ...others] = diagnostics.filter(({ severity }) => severity === 'error');
        const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
        return `line ${first?.start.line ?? 1}: ${first?.message ?? ''}${more}; belay validate ${file} tells all`;
      }
      for (const { action, name, inputs } of everyStep(document.mainSteps)) {
        if (action !== startsRunbooks) continue;
        const [problem] = this.problems(inputs, file, [...chain, file]);
        if (problem !== undefined) return `step ${name}: ${problem.message}`;
      }
      return document;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return error.message;
    }
  }
}

/** Names alone: what an expression gives is only known when it runs. */
function argumentProblems(document: Document, runbook: string, inputs: JsonObject): CatalogProblem[] {
  const given = inputs['RuntimeParameters'] ?? {};
  if (!isJsonObject(given)) return [];
  const isGivenElsewhere = otherGivers.some((input) => (inputs[input] ?? null) !== null);
  return checkArguments(document, given).flatMap(({ code, parameter, hint }): CatalogProblem[] => {
    if (code === 'UNKNOWN_PARAMETER')
      return [
        {
          code,
          path: ['RuntimeParameters', parameter],
          message: `${runbook} has no parameter ${parameter}`,
          ...(hint === undefined ? {} : { hint }),
          isAboutKey: true,
        },
      ];
    if (code !== 'MISSING_PARAMETER' || isGivenElsewhere) return [];
    const message = `${runbook} needs the parameter ${parameter}, which is not given`;
    return [
      {
        code,
        path: Object.hasOwn(inputs, 'RuntimeParameters') ? ['RuntimeParameters'] : ['DocumentName'],
        message,
      },
    ];
  });
}
