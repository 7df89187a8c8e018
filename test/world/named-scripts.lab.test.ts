/** Real hosts against the suite that the sandbox's hosts run. */
import { describe } from 'vitest';
import { namedScriptsContract } from '../contract/named-scripts.ts';
import { Lab } from '../lab/hosts/lab.ts';
import { labHost } from '../lab/lab-host.ts';

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
});
