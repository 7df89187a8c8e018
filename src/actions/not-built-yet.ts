/** Actions that belong to the language, of which this Belay has none yet. They are refused by name, with what to do instead. */

/** None at present. */
export const notBuiltYet: ReadonlyMap<string, string> = new Map();
