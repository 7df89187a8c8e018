/** The door of the room: compliance files → rules; what was seen × what was remembered → findings. Pure: no clock, no files. */
export * from './types.ts';
export type { CheckCatalog, CheckDescription, CheckProblem } from './checks.ts';
export { acknowledgementOf, covers } from './acknowledge.ts';
export {
  compare,
  isOpen,
  isWhollyUnknown,
  notListed,
  withDoubts,
  type Compared,
  type CompareInput,
} from './compare.ts';
export { complianceCodes, type ComplianceCode } from './errors.ts';
export {
  againText,
  findingText,
  newsAsJson,
  newsOf,
  reachability,
  stoppedNews,
  type ComplianceNews,
  type NewsLine,
} from './events.ts';
export { parseRules, rulesMax, type ParsedRules, type RulesOptions } from './parse-rules.ts';
export { complianceSchema } from './schema.ts';
export { verdictOf, verdictOfCheck, verdicts, type Verdict } from './verdict.ts';
export { remedyArguments, remedyCommand, remedyParameters } from './remedy.ts';
