/** belay window approve: says yes to a run before it begins. */
import { sayOf } from '../../window-answer.ts';

export const body = sayOf('approve');
