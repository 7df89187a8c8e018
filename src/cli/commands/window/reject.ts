/** belay window reject: says no to a run before it begins. */
import { sayOf } from '../../window-answer.ts';

export const body = sayOf('reject');
