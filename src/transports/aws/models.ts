/** Answers from the service models alone: is there such an operation, does it only read, are its inputs well-formed? */
import type { AwsModels, AwsOperation, AwsProblem } from '../aws.ts';
import { checkParams } from './check-params.ts';
import { createModelStore, type FoundOperation, type ModelStore } from './model-store.ts';
import { nearest } from './names.ts';
import { isReadOnlyOperation } from './read-only.ts';

export function createAwsModels(store: ModelStore = createModelStore()): AwsModels {
  return {
    check(service, operation, params) {
      const found = store.operation(service, operation);
      if (found === undefined) return [unknownOperation(store, service, operation)];
      return checkParams({ model: found.model, operation: found.name, input: found.shapes.input }, params);
    },
    resolve(service, operation) {
      const found = store.operation(service, operation);
      return found && describeOperation(found);
    },
  };
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
  const { known, shipped, botocore } = store.index();
  const shippedList = `Belay ships models of ${shipped.join(', ')}.`;
  if (known.includes(service.toLowerCase())) {
    const message = `AWS has the service ${service.toLowerCase()}, but Belay does not ship its model yet. ${shippedList}`;
    return { code: 'UNKNOWN_SERVICE', path: [], message };
  }
  const suggestion = nearest(service, known);
  return {
    code: 'UNKNOWN_SERVICE',
    path: [],
    message: `AWS has no service named ${service} (botocore ${botocore}).${didYouMean(suggestion) || ` ${shippedList}`}`,
    ...(suggestion !== undefined && { suggestion }),
  };
}

function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
}
