/** The inputs and outputs of actions are closed objects: a misspelt key is an error, never ignored. */
import { Type, type TProperties } from 'typebox';

export const strictObject = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
