/** What document/ is told about the actions: the registry in the words of document/catalog.ts. */
import type { Catalog, CatalogAction } from '../document/catalog.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { AwsModels } from '../transports/aws.ts';
import type { ScriptTools } from '../transports/scripts.ts';
import { secretInputsOf, type AnyAction } from './define-action.ts';
import { describeAction, describeUndo } from './describe-step.ts';
import { insideAws, notBuiltYet } from './not-built-yet.ts';
import { actions } from './registry.ts';

/** `scripts`: what is told of scripts that could not run on this machine; left out, nothing. */
export function createCatalog(models: AwsModels, scripts?: ScriptTools): Catalog {
  const known = new Map<string, CatalogAction>();
  return {
    action(name) {
      const action = actions.get(name);
      if (action === undefined) return undefined;
      const entry = known.get(name) ?? catalogAction(action, models, scripts);
      known.set(name, entry);
      return entry;
    },
    actionNames: [...actions.keys()],
    notBuiltYet,
    insideAws,
  };
}

function catalogAction(
  action: AnyAction,
  models: AwsModels,
  scripts: ScriptTools | undefined,
): CatalogAction {
  const { check, checkOutputs } = action;
  const withoutInputs = describeUndo(action, {});
  return {
    name: action.name,
    inputs: plainSchema(action.inputs),
    outputs: Object.keys(propertiesOf(plainSchema(action.outputs))),
    ...beforeOf(action),
    ...(action.derivedOutputs === undefined ? {} : { derivedOutputs: action.derivedOutputs }),
    timeoutSecondsDefault: action.timeoutSeconds,
    changes: (inputs) => changesOf(action, inputs),
    ...(withoutInputs.kind === 'none' ? { undoReason: withoutInputs.reason } : {}),
    allowedInOnCancel: action.forbiddenInOnCancel !== true,
    ...(check === undefined
      ? {}
      : {
          check: (inputs, isExpression) =>
            check(inputs, { isExpression, models, ...(scripts === undefined ? {} : { scripts }) }),
        }),
    ...(checkOutputs === undefined
      ? {}
      : {
          checkOutputs: (inputs, outputs, isExpression) =>
            checkOutputs(inputs, outputs, { isExpression, models }),
        }),
    ...(action.checkInSsm === undefined ? {} : { checkInSsm: action.checkInSsm }),
    ...(action.typesHoldInSsm === true ? { typesHoldInSsm: true as const } : {}),
    ...(action.fileInputs === undefined ? {} : { fileInputs: action.fileInputs }),
    ...(action.bytesInputs === undefined ? {} : { bytesInputs: action.bytesInputs }),
    ...(action.programInputs === undefined ? {} : { programInputs: action.programInputs }),
    ...(action.listMaxInSsm === undefined ? {} : { listMaxInSsm: action.listMaxInSsm }),
    ...(action.timeoutSecondsMaxInSsm === undefined
      ? {}
      : { timeoutSecondsMaxInSsm: action.timeoutSecondsMaxInSsm }),
    secretInputs: (inputs) => secretInputsOf(action, inputs),
    ...(action.nests === undefined ? {} : { nests: action.nests }),
    hasHostTargets: action.hasHostTargets,
    ...(action.overHosts === true ? { overHosts: true as const } : {}),
    ...(action.inSsm === undefined ? {} : { inSsm: action.inSsm }),
  };
}

/** What an action does not observe, nobody can read. */
function beforeOf({ observe, before }: AnyAction): Pick<CatalogAction, 'before'> {
  const names = observe === undefined ? [] : before;
  return names === undefined ? {} : { before: names };
}

function changesOf(action: AnyAction, inputs: JsonObject): 'nothing' | 'undoable' | 'noUndo' {
  const { flow, effect, undo } = describeAction(action, inputs);
  if (flow !== null || effect === 'read') return 'nothing';
  switch (undo.kind) {
    case 'notNeeded':
      return 'nothing';
    case 'restore':
    case 'restorePoint':
      return 'undoable';
    case 'none':
      return undo.leavesChange ? 'noUndo' : 'nothing';
    default:
      return undo satisfies never;
  }
}

/** The schema as the JSON that it is; the builder's own marks are not enumerable and stay behind. */
export function plainSchema(schema: object): JsonObject {
  return JSON.parse(JSON.stringify(schema)) as JsonObject;
}

function propertiesOf(schema: JsonObject): JsonObject {
  const properties = schema['properties'];
  return isJsonObject(properties) ? properties : {};
}
