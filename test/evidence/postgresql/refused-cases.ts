/** The first look of runbooks/patch-postgresql.yaml at servers that replicate: refused by their names, with no server stopped. */
import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { DrawnCases } from '../drawn-cases.ts';
import { shippedDocument, type Shipped } from '../failing-step.ts';
import { unit } from '../patch/stage.ts';
import { runOf } from '../patch/way.ts';
import { primary, standbys, type Replicas } from './replicas.ts';

export function refusedCases(cases: DrawnCases, replicasOf: () => Replicas): void {
  const pids = (replicas: Replicas) =>
    Promise.all(
      [primary, ...standbys].map((host) =>
        replicas.onHost(host, `systemctl show -p MainPID --value ${unit}`),
      ),
    );

  cases.test(
    'the patch of one server refuses a primary by the names of its standbys, and a standby',
    async () => {
      const replicas = replicasOf();
      await replicas.reset();
      const before = await pids(replicas);
      // These hosts have no AWS, and the steps behind the first look need it.
      const { mainSteps, outputs, ...rest } = shippedDocument('patch-postgresql') as Shipped & {
        outputs: unknown;
      };
      expect(outputs).toBeDefined();
      const look = await replicas.runbook(
        'look.yaml',
        stringify({ ...rest, mainSteps: mainSteps.slice(0, 1) }),
      );
      const refused = async (Host: string) => {
        const { code, stderr } = await replicas.belay(
          runOf(look, { Host, Version: replicas.versions.new, Approvers: 'root' }),
        );
        expect(code, stderr).toBe(1);
        return stderr;
      };
      const ofPrimary = await refused(primary);
      expect(ofPrimary).toContain('HAS_STANDBYS');
      for (const name of standbys) expect(ofPrimary).toContain(replicas.world.lab.address(name));
      expect(await refused('db2')).toContain('IS_STANDBY');
      expect(await pids(replicas)).toEqual(before);
    },
  );
}
