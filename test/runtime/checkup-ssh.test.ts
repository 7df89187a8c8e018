/** What `belay doctor` says of ssh: its version, and how it will agree on keys. */
import { expect, test } from 'vitest';
import { checkTools } from '../../src/runtime/checkup/tools.ts';
import { knownKeyExchanges } from '../../src/transports/hosts/ssh-offers.ts';

const known = knownKeyExchanges();
const none = known.length === 0;
const title = `the doctor tells how keys are agreed on${none ? ' (skipped: ssh -Q kex says nothing here)' : ''}`;

test.skipIf(none)(title, async () => {
  const ssh = async (wanted: readonly string[]) =>
    (await checkTools(true, wanted)).find(({ what }) => what === 'ssh');
  expect(await ssh([])).toMatchObject({
    verdict: 'good',
    says: expect.stringMatching(/; key exchange: [a-z0-9@.-]+$/),
  });
  const [first = ''] = known;
  expect(await ssh([first])).toMatchObject({
    verdict: 'good',
    says: expect.stringContaining(`; key exchange: ${first}, as belay.yaml says`),
  });
  expect(await ssh(['no-such-exchange', first])).toMatchObject({
    verdict: 'bad',
    says: expect.stringContaining('it does not know no-such-exchange'),
  });
});
