/** What Belay is given: its state folder, and what it would else take from the machine and the files of its caller. */
import type { DamagedExecution } from '../journal/index.ts';
import type { Configurations } from './configuration.ts';
import type { Runners } from './liveness.ts';
import type { PeopleWords } from './notify/words.ts';
import type { SecretSources } from './secrets/references.ts';
import type { openTransports } from './transports.ts';

export interface BelayOptions {
  /** `--state`. */
  readonly state?: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The whole of standard input, for `--secret NAME=-`. Read once. */
  readonly stdin: SecretSources['stdin'];
  /** The world that executions act on; left out, the usual. */
  readonly openTransports?: typeof openTransports;
  /** What messages to people say of executions. Without it nobody is told. */
  readonly words?: () => Promise<PeopleWords>;
  /** Left out, belay.yaml as it is found from `cwd`. */
  readonly configurations?: Configurations;
  /** Milliseconds since 1970; left out, the machine's clock. */
  readonly now?: () => number;
  /** Who runs what; left out, the locks of the state folder. */
  readonly runners?: Runners;
  /** Who asks; left out, the operating-system user. */
  readonly caller?: () => string;
  /** Hears once of each execution that was left out of many because what the journal has of it cannot be read. */
  readonly onDamaged?: (failure: DamagedExecution) => void;
}
