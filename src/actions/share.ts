/** A count or a percentage, as MaxConcurrency, MaxUnavailable and MaxErrors are written (document/shares.ts). */
import { Type } from 'typebox';
import { sharePattern } from '../document/index.ts';

/** `least`: the smallest count that may be written. */
export const share = (least: 0 | 1, description: string) =>
  Type.Union([Type.Integer({ minimum: least }), Type.String({ pattern: sharePattern })], { description });
