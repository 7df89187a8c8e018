/** package/observe, package/install and package/restore over modelled packages; the manager is apt. */
import { durationsMs } from '../durations.ts';
import { installPackages } from './package-install.ts';
import { describePackage, manager } from './package-fields.ts';
import { restorePackages } from './package-restore.ts';
import type { ScriptModel } from './model.ts';

export const packageScripts: Readonly<Record<string, ScriptModel>> = {
  'package/observe': {
    changes: false,
    durationMs: 0,
    run: (run) => ({
      fields: [manager, ...run.args.map((name) => `package=${name} ${describePackage(run, name)}`)],
    }),
  },
  'package/install': { changes: true, durationMs: durationsMs.packageChange, run: installPackages },
  'package/restore': { changes: true, durationMs: durationsMs.packageChange, run: restorePackages },
};
