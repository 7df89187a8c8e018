/** Real hosts against the suites that the sandbox's hosts run. */
import { describe } from 'vitest';
import { databaseScriptsContract } from '../contract/named-scripts-postgresql.ts';
import { namedScriptsContract } from '../contract/named-scripts.ts';
import { labHost } from '../lab/lab-host.ts';
import { Lab } from '../lab/hosts/lab.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(`the lab${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  namedScriptsContract('a real host', async () => {
    const lab = await Lab.up({ hosts: ['h1'] });
    const host = labHost(lab, 'h1');
    return {
      host,
      publish: (state) => lab.publish('h1', state),
      close: async () => {
        await host.close();
        await lab.down();
      },
    };
  });

  databaseScriptsContract('a real host', async () => {
    const lab = await Lab.up({ hosts: ['db1'] });
    const host = labHost(lab, 'db1');
    await lab.publish('db1', 'new');
    return {
      host,
      versions: await lab.postgresqlVersions(),
      close: async () => {
        await host.close();
        await lab.down();
      },
    };
  });
});
