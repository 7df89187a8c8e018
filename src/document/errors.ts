/** Every code that this room gives, with one line on what it means. The docs list is made from this table. */

export const documentCodes = {
  // The text
  YAML_SYNTAX: 'The text is neither YAML nor JSON at this place.',
  UNKNOWN_TAG: 'A YAML tag (`!Sub`) that runbooks do not have; often a template that was not rendered.',
  ALIAS: 'A YAML alias that has no anchor, holds itself, or grows the document beyond its bound.',
  TOO_DEEP: 'Lists and maps are nested deeper than any runbook needs.',
  DUPLICATE_KEY: 'A map has the same key twice.',
  NOT_A_RUNBOOK: 'A document of another type, or a file that holds the runbook inside of something else.',
  NOT_A_MAP: 'The file does not hold a map of keys.',
  // Keys and their values
  UNKNOWN_KEY: 'A key that this place does not have.',
  MISSING_KEY: 'A required key is not there.',
  WRONG_TYPE: 'A value is of another type than the key wants.',
  WRONG_VALUE: 'A value is of the right type, but not one that the key takes.',
  YAML_1_1_BOOLEAN: 'yes, no, on and off are text in YAML 1.2 and booleans in the YAML 1.1 that AWS reads.',
  SCHEMA_VERSION: 'The document is not of schemaVersion 0.3.',
  COMMAND_DOCUMENT: 'An SSM Command document (1.2, 2.0, 2.2) where an Automation document is wanted.',
  NOT_BUILT_YET: 'Part of the language, but this version of Belay cannot run it.',
  INSIDE_AWS: 'An action that only the service itself can carry out.',
  ADDITION: "Belay's own addition to SSM Automation, refused under --strict-ssm.",
  SSM_LIMIT: 'Larger than AWS allows, refused under --strict-ssm.',
  CHANGE_TEMPLATE: 'A change template of Change Manager: its steps can be run, its runbooks are not started.',
  NOT_IN_SSM: 'AWS does not know this key; Belay honours it.',
  // Parameters
  PARAMETER_TYPE: 'A parameter type that does not exist.',
  DEFAULT_VALUE: "A parameter's default does not satisfy the parameter's own definition.",
  BAD_PATTERN: 'An allowedPattern that is not a regular expression, or uses what Belay cannot run.',
  BAD_RANGE: 'A minimum that is above its maximum.',
  DEFAULT_CYCLE: 'Defaults that refer to each other in a circle.',
  // Arguments: what is given for parameters
  UNKNOWN_PARAMETER: 'A value for a parameter that the document does not have.',
  MISSING_PARAMETER: 'A parameter without a default got no value.',
  VALUE_NOT_ALLOWED: 'A value that is not among the allowedValues.',
  PATTERN_MISMATCH: 'A value that does not match the allowedPattern.',
  OUT_OF_RANGE: 'A value with too few or too many items, entries or characters, or a number out of bounds.',
  HALF_CHARACTER: 'A text with half a character (\\ud800), for which there are no bytes.',
  NUL_CHARACTER: 'A value with a NUL character, which no command or API takes.',
  ABSENT_VALUE: 'An expression whose value does not exist.',
  SECRET_PARAMETER: 'A secret value in a place that is kept or shown.',
  // Steps
  DUPLICATE_STEP: 'Two steps of one list have the same name.',
  STEP_NAME:
    'A step name with other characters than letters, digits and underscores, or one that means something else.',
  UNKNOWN_ACTION: 'An action that does not exist.',
  UNKNOWN_INPUT: 'An input that the action does not have.',
  MISSING_INPUT: 'An input that the action needs.',
  WRONG_INPUT: 'An input whose value the action does not take.',
  BAD_SELECTOR: 'A selector that is not JSONPath.',
  IGNORED_KEY: 'A key that the action of this step does not heed.',
  DUPLICATE_OUTPUT: 'Two outputs of one step have the same name.',
  BAD_CONDITION: 'A branch condition that cannot be evaluated.',
  // Flow
  UNKNOWN_STEP: 'A jump to a step that does not exist.',
  CYCLE: 'Steps that lead back to themselves: the run would never end.',
  UNREACHABLE_STEP: 'A step that no path leads to.',
  ON_CANCEL: 'onCancel where no step can have one.',
  ON_CANCEL_TARGET: 'onCancel leads to an action that AWS does not support there.',
  // References
  UNKNOWN_REFERENCE: 'An expression names a parameter, step or output that does not exist.',
  NOT_RUN_YET: 'An expression reads the output of a step that cannot have run by then.',
  BAD_EXPRESSION: 'Text in braces that starts like an expression and is none.',
  SSM_REFERENCE: '{{ssm:…}} outside of parameter defaults.',
  BAD_OUTPUT: 'An entry of outputs that is not Step.Output.',
  // Additions
  NESTING: 'Steps nested where only ordinary steps can stand.',
  GATE_CHANGES: 'A step that changes something in a list that may only look.',
  UNDO: 'An undo policy that is none.',
  CAPTURE: 'A capture that cannot be made.',
  LOCK_NAME: 'A lock that is not KIND:NAME, or is named twice.',
  NO_UNDO: 'The step can change the world and nothing says how to take it back.',
  TOO_MANY_PROBLEMS: 'More problems than are worth listing.',
} as const;

export type DocumentCode = keyof typeof documentCodes;
