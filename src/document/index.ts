/** The door of the room: what a runbook is, whether it is sound, and what its expressions, branches and selectors mean. */
export * from './types.ts';
export * from './catalog.ts';
export * from './diagnostic.ts';
export * from './reference.ts';
export {
  embeddedText,
  isExpression,
  parseTemplate,
  referencesIn,
  resolveInputs,
  wholeReference,
  type Lookup,
  type Path,
  type Resolution,
  type ResolveOptions,
  type Scope,
  type TemplatePart,
} from './expression.ts';
export { fitInputs, isAwsAction, knownInputs } from './fit-inputs.ts';
export { exportDocument, type Exported } from './export/export.ts';
export {
  graphOf,
  type Graph,
  type GraphEdge,
  type GraphEdgeKind,
  type GraphGroup,
  type GraphNode,
} from './graph.ts';
export { parseDurationMs, parseInstantMs } from './duration.ts';
export { chooseBranch, evaluate, operators, type BranchDecision, type Verdict } from './condition.ts';
export { pathsOfNul } from './nul.ts';
export {
  definitePath,
  outputTypes,
  selectOutput,
  selectValues,
  validateSelector,
  type Found,
  type Selection,
} from './selector.ts';
export {
  baseType,
  coerceArgument,
  fitArgument,
  parseArgument,
  type BaseType,
  type Coercion,
} from './argument.ts';
export {
  checkArgument,
  checkArguments,
  parameterStoreReferences,
  resolveParameters,
  type Arguments,
  type ParameterProblem,
  type ParameterProblemCode,
  type ParameterResolution,
} from './parameters.ts';
export { initialValue, variableNamed, variableProblem } from './variables.ts';
export {
  errorBudgetOf,
  shareOf,
  sharePattern,
  sideBySideMax,
  type ErrorBudget,
  type WrittenShare,
} from './shares.ts';
export { mayHoldSecret } from './secret-places.ts';
export { storedDefault } from './stored-default.ts';
export { checkDocument, type CheckedDocument, type CheckOptions } from './check.ts';
export { checkAny, type CheckedAny } from './check-any.ts';
export { checkCommandDocument, isCommandDocument, type CheckedCommand } from './command/check.ts';
export { commandPlan, whyAgentOnly, type CommandPlan, type PlannedPlugin } from './command/plan.ts';
export type { CommandDocument, CommandParameter, CommandStep, Precondition } from './command/types.ts';
export { lockNameProblem } from './locks.ts';
export { documentCodes, type DocumentCode } from './errors.ts';
export { valueRule } from './validate/schema-words.ts';
export { renderDiagnostics, summarizeDiagnostics, type RenderOptions } from './render.ts';
export { runbookSchema, type ActionDescriptions } from './schema.ts';
export { parseParameterFile, type ParameterFile } from './parameter-file.ts';
/** Reading any YAML file with places and diagnostics; the inventory is read this way too. */
export { readTree } from './read-tree.ts';
export { makeReport, type Report } from './report.ts';
export { didYouMean, makeSuggester } from './suggest.ts';
export {
  describeNode,
  quoteHint,
  scalarText,
  toJson,
  type Entry,
  type MapNode,
  type Span,
  type TreeNode,
} from './tree.ts';
export {
  checkKeys,
  entryOf,
  integerOf,
  readBoolean,
  readList,
  readMap,
  readText,
  readTexts,
  requiredText,
  readWord,
  wrongType,
  type MapReader,
} from './read-keys.ts';
export { isRunbookFile } from './file-name.ts';
