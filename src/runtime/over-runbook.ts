/** A runbook of one step that runs another one for each of several targets, as a location of TargetLocations has them. */
import { basename, dirname, join } from 'node:path';
import type { Document, SourceText } from '../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** `over`: inputs of the step, and `Given`: names of parameters that the caller gives. What a target brings is not a parameter of its own. */
export function overRunbook(file: string, { parameters }: Document, over: JsonObject): SourceText {
  const { Given: given = [], ...inputs } = over;
  const brought = broughtBy(inputs).filter((name) => !(given as readonly Json[]).includes(name));
  const handed = Object.entries(parameters).filter(([name]) => !brought.includes(name));
  const step = {
    name: 'Targets',
    action: 'aws:executeAutomation',
    inputs: {
      DocumentName: file,
      RuntimeParameters: Object.fromEntries(handed.map(([name]) => [name, `{{ ${name} }}`])),
      ...inputs,
    },
  };
  const name = basename(file).replace(/\.\w+$/, '');
  const text = JSON.stringify({
    schemaVersion: '0.3',
    description: `${basename(file)} for each target of a location`,
    parameters: Object.fromEntries(handed),
    mainSteps: [step],
    outputs: ['Targets.Succeeded', 'Targets.Failed', 'Targets.NotStarted'],
  });
  return { file: join(dirname(file), `${name} over targets`), text };
}

function broughtBy({ TargetParameterName: parameter = null, TargetMaps: maps = null }: JsonObject): string[] {
  const list = Array.isArray(maps) ? (maps as readonly Json[]) : [];
  const keys = list.flatMap((map) => (isJsonObject(map) ? Object.keys(map) : []));
  return [...keys, ...(typeof parameter === 'string' ? [parameter] : [])];
}
