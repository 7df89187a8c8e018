/** The input that says as whom a server is asked, the same in every action that asks one. */
import { Type } from 'typebox';

export const psqlUser = Type.Optional(
  Type.String({
    pattern: '^[a-z_][a-z0-9_-]*$',
    default: 'postgres',
    description: 'User of the host as whom psql runs.',
  }),
);
