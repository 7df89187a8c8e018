/** The door of the room: the registry, and what it says of steps to the rest of Belay. */
export { checks, createCheckCatalog } from './check/checks.ts';
export { askHost, type AnyCheck, type Question } from './check/define-check.ts';
export { createCatalog, plainSchema } from './catalog.ts';
export { ActionFailure, newMemory, type ActionContext, type AnyAction } from './define-action.ts';
export { describeAction, describeStep } from './describe-step.ts';
export { urlProblem } from './http/url.ts';
export { iamActions } from './permissions.ts';
export { isOfService } from './aws/execute-automation.ts';
export { allInstances, targetProblem } from './aws/target-choice.ts';
export { actions } from './registry.ts';
export { publishMessage } from './sns/message.ts';
