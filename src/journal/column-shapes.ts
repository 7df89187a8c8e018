/** The shapes of an execution's own columns. */
import { Type, type Static } from 'typebox';
import type { ExecutionInput, ExecutionStatus, Program } from '../engine/index.ts';
import type { JsonObject } from '../json.ts';
import { noFailure, rollbackStatus, waiting } from './event-shapes.ts';
import type { Closing, ExecutionSettings, Runner, Summary } from './journal.ts';
import { instant, oneOf, shape, type Fits, type Unknown } from './shape.ts';

const text = Type.String();
const count = Type.Number();
const object = Type.Unsafe<JsonObject>({ type: 'object' });
const nullableText = Type.Union([text, Type.Null()]);

const settings = Type.Object({
  sandbox: Type.Boolean(),
  runbookFile: Type.Optional(text),
  runbookSha256: Type.Optional(text),
  inventoryFile: nullableText,
  secrets: Type.Record(text, text),
  secretPrints: Type.Optional(Type.Record(text, Type.Object({ salt: text, print: text }))),
  startedBy: text,
  startedFor: Type.Optional(text),
  loginUser: Type.Optional(text),
  awsProfile: Type.Optional(text),
  children: Type.Optional(Type.Enum(['local', 'ssm', 'auto'])),
  alarm: Type.Optional(Type.Object({ name: text, ignorePollFailure: Type.Boolean() })),
  usesAws: Type.Boolean(),
});
const runner = Type.Object({ pid: count, host: text, startedAt: instant });
const closing = Type.Object({
  kind: Type.Enum(['discarded', 'closed']),
  at: instant,
  by: text,
  why: text,
});
const input = Type.Object({
  parameters: object,
  rollbackWhen: Type.Enum(['onFailure', 'never', 'ask']),
  rollbackRequests: Type.Array(
    Type.Object({
      step: Type.Optional(text),
      force: Type.Boolean(),
      interpreter: Type.Optional(Type.Literal(2)),
      lockWaitSeconds: Type.Optional(count),
      call: Type.Optional(text),
    }),
  ),
  failAt: nullableText,
  lockWaitSeconds: Type.Optional(count),
  parent: Type.Optional(text),
  signedApprovals: Type.Optional(Type.Literal(true)),
  location: Type.Optional(Type.Object({ roles: Type.Array(text), region: text })),
  mode: Type.Optional(Type.Literal('Interactive')),
});
const at = Type.Union([instant, Type.Null()]);
/** What a summary says of an execution is checked where it is of a version that is known. */
const summary = Type.Object({
  seq: count,
  head: Type.Optional(
    Type.Object({
      seq: count,
      status: oneOf<ExecutionStatus>({
        Pending: true,
        InProgress: true,
        Waiting: true,
        Success: true,
        Failed: true,
        TimedOut: true,
        Cancelling: true,
        Cancelled: true,
        Interrupted: true,
      }),
      rollbackStatus,
      failedStep: nullableText,
      refused: noFailure,
      startedAt: at,
      endedAt: at,
      endings: count,
      at: nullableText,
      waiting: Type.Union([waiting, Type.Null()]),
      waits: Type.Array(Type.Object({ at: text, waiting })),
    }),
  ),
});
/** What is in it is held to its hash, before anything of it is read. */
const program = Type.Object({ document: object, descriptors: object });
type Settings = Static<typeof settings>;
type Input = Static<typeof input>;
export type ReadColumns = [
  Fits<Settings, ExecutionSettings>,
  Fits<Static<typeof runner>, Runner>,
  Fits<Static<typeof closing>, Closing>,
  Fits<Input, ExecutionInput>,
  Fits<Unknown<ExecutionSettings, Settings>, never>,
  Fits<Unknown<ExecutionInput, Input>, never>,
];

export const readSettings = shape<ExecutionSettings>(settings);
export const readRunner = shape<Runner>(runner);
export const readClosing = shape<Closing>(closing);
export const readInput = shape<ExecutionInput>(input);
export const readSummary = shape<Summary>(summary);
export const readProgram = shape<Program>(program);
