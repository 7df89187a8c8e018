/** How long a reading action goes on asking, counted from the first time that it asked for the same step. */

/** By the inputs that the activity host holds while it polls; a runner that resumes begins to count anew. */
const firstAskedAt = new WeakMap<object, number>();

/** Whether `seconds` have not passed yet since `inputs` were first asked about. `now` in ms. */
export function isStillPatient(inputs: object, seconds: number, now: number): boolean {
  const since = firstAskedAt.get(inputs);
  if (since !== undefined) return now - since < seconds * 1_000;
  firstAskedAt.set(inputs, now);
  return seconds > 0;
}
