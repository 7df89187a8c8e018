/** Which machines answered executions. What is noted is never written over. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { Machines } from '../journal.ts';
import { readingExecution } from '../failure.ts';
import { text, type Statements } from '../statements.ts';
import type { Commits } from './commits.ts';

export function machinesIn(rows: Statements, commits: Commits): Machines {
  return {
    machine: async (id, name) => {
      const row = rows.get(
        `SELECT at, value FROM machines WHERE execution = ? AND name = ? ORDER BY number DESC LIMIT 1`,
        [id, name],
      );
      if (row === undefined) return undefined;
      return {
        at: Number(row['at']),
        value: readingExecution(id, () => objectOf(JSON.parse(text(row['value'])) as Json)),
      };
    },
    noteMachine: (id, name, { at, value }) =>
      commits.write(() => {
        rows.run(
          `INSERT INTO machines (execution, name, number, at, value)
           SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4 FROM machines WHERE execution = ?1 AND name = ?2`,
          [id, name, at, JSON.stringify(value)],
        );
      }),
  };
}

function objectOf(value: Json): JsonObject {
  if (isJsonObject(value)) return value;
  throw new SyntaxError('what it knows of a machine is not an object');
}
