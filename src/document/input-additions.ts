/** Inputs that Belay adds to actions that AWS has, too. */
export const inputAdditions: readonly string[] = ['ShowOutput', 'Separate', 'StrictErrors'];
