/** The door of the room: window files → windows, and what a window means at an instant. Pure: no clock, no files. */
export { windowCodes, type WindowCode } from './errors.ts';
export {
  freezeBytesMax,
  parseFreeze,
  type FreezeCalendar,
  type FrozenTime,
  type ParsedFreeze,
} from './freeze.ts';
export { parseWindow, type ParsedWindow, type WindowOptions } from './parse-window.ts';
export { withPseudoParameters, type PseudoParameter } from './pseudo-parameters.ts';
export { countOf } from './read-share.ts';
export { windowSchema } from './schema.ts';
export * from './types.ts';
