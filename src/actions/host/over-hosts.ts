/**
 * Hosts beside Host: what makes an action of one host a step over many. The engine takes the hosts one by one
 * (engine/steps/over-hosts.ts), so the action itself never sees more than its Host.
 */
import { Type, type TSchema } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import type { JsonObject } from '../../json.ts';
import { share } from '../share.ts';
import { strictObject } from '../strict-object.ts';
import type { AnyAction } from '../define-action.ts';

const selector = Type.String({ minLength: 1 });

const inputsOfTheStep = {
  Hosts: Type.Optional(
    Type.Union([selector, Type.Array(selector, { minItems: 1 })], {
      description:
        'Instead of Host: many hosts in one step, each once and in this order: names, ranges (web{01..40}), group:NAME, tag:KEY=VALUE.',
    }),
  ),
  MaxConcurrency: Type.Optional(
    share(
      1,
      'Of Hosts: how many are acted on at once, 10 or 10%, never more than MaxErrors allows to fail: those in flight count as failed. Default 50.',
    ),
  ),
  MaxErrors: Type.Optional(
    share(
      0,
      'Of Hosts: how many may fail before no further one is begun, 2 or 10%. Default 0, which lets only one be under way.',
    ),
  ),
};

/** The action takes Hosts as well. It must act on its Host alone. */
export function overHosts(action: AnyAction): AnyAction {
  const { Host, ...others } = propertiesOf(action.inputs);
  if (Host === undefined) throw new Error(`${action.name} has no Host`);
  return {
    ...action,
    inputs: strictObject({ Host: Type.Optional(Host), ...inputsOfTheStep, ...others }),
    overHosts: true,
    targets: (inputs: JsonObject) => (inputs['Host'] === undefined ? [] : action.targets(inputs)),
    check: (inputs, tools) => [
      ...(action.check?.(inputs, tools) ?? []),
      ...hostProblems(action.name, inputs),
    ],
  };
}

function propertiesOf(schema: TSchema): Record<string, TSchema> {
  return 'properties' in schema ? (schema.properties as Record<string, TSchema>) : {};
}

function hostProblems(name: string, inputs: JsonObject): CatalogProblem[] {
  const { Host, Hosts } = inputs;
  if ((Host === undefined) === (Hosts === undefined)) {
    const given = Host === undefined ? 'neither' : 'both';
    return [
      {
        code: 'HOST_OR_HOSTS',
        path: Hosts === undefined ? [] : ['Hosts'],
        message: `${name} takes either a Host or Hosts, and is given ${given}`,
        hint: 'Host names one; Hosts takes a list of names, ranges, group:NAME and tag:KEY=VALUE',
      },
    ];
  }
  if (Hosts !== undefined) return [];
  return ['MaxConcurrency', 'MaxErrors']
    .filter((input) => inputs[input] !== undefined)
    .map((input) => ({
      code: 'HOST_OR_HOSTS',
      path: [input],
      message: `${input} is of a step over Hosts, and this one has a single Host`,
      hint: 'write Hosts instead of Host, or leave it out',
      isAboutKey: true,
    }));
}
