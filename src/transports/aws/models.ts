/** Answers from the service models alone: is there such an operation, does it only read, are its inputs well-formed? */
import type { AwsModels, AwsOperation, AwsProblem } from '../aws.ts';
import { checkParams } from './check-params.ts';
import { canonicalParams } from './member-names.ts';
import { createModelStore, type FoundOperation, type ModelStore } from './model-store.ts';
import { nearest } from './names.ts';
import { isReadOnlyOperation } from './read-only.ts';
import { replyPart } from './reply-shape.ts';

export function createAwsModels(store: ModelStore = createModelStore()): AwsModels {
  return {
    check(service, operation, params) {
      const found = store.operation(service, operation);
      if (found === undefined) return [unknownOperation(store, service, operation)];
      const refused = refusalOf(found);
      if (refused !== undefined) return [{ code: 'REFUSED_OPERATION', path: [], message: refused }];
      return checkParams({ model: found.model, operation: found.name, input: found.shapes.input }, params);
    },
    canonical(service, operation, params) {
      const found = store.operation(service, operation);
      return found === undefined ? params : canonicalParams(found.model, found.shapes.input, params);
    },
    reply(service, operation, path) {
      const found = store.operation(service, operation);
      if (found === undefined || found.shapes.refused !== undefined) return undefined;
      return replyPart(found.model, found.shapes.output, path);
    },
    resolve(service, operation) {
      const found = store.operation(service, operation);
      return found && describeOperation(found);
    },
  };
}

/** Why Belay does not make the call; undefined where it does. */
export function refusalOf({ model, name, shapes }: FoundOperation): string | undefined {
  return shapes.refused === undefined
    ? undefined
    : `${model.service} ${name} cannot be called: ${shapes.refused}.`;
}

export function describeOperation({ model, name, shapes }: FoundOperation): AwsOperation {
  const input = shapes.input === undefined ? undefined : model.shapes[shapes.input];
  const members = input?.type === 'structure' ? Object.entries(input.members) : [];
  const token = members.find(([, member]) => member.idempotencyToken === true)?.[0];
  return {
    service: model.service,
    operation: name,
    readOnly: isReadOnlyOperation(model.service, name),
    ...(token !== undefined && { tokenMember: token }),
  };
}

function unknownOperation(store: ModelStore, service: string, operation: string): AwsProblem {
  const model = store.service(service);
  if (model !== undefined) {
    const suggestion = nearest(operation, Object.keys(model.operations));
    return {
      code: 'UNKNOWN_OPERATION',
      path: [],
      message: `${model.service} has no operation ${operation}.${didYouMean(suggestion)}`,
      ...(suggestion !== undefined && { suggestion }),
    };
  }
  const { services, botocore } = store.index();
  const suggestion = nearest(service, namesIn(services));
  return {
    code: 'UNKNOWN_SERVICE',
    path: [],
    message: `AWS has no service named ${service} (botocore ${botocore}).${didYouMean(suggestion)}`,
    ...(suggestion !== undefined && { suggestion }),
  };
}

/** Client names first, so that of two names that are equally near the one people write is suggested. */
function namesIn(services: Readonly<Record<string, readonly string[]>>): string[] {
  return [...Object.keys(services), ...Object.values(services).flat()];
}

function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
}
