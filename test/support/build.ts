/** Bundles the command line and the crash tests' runner into the folder that is named: see built.ts. */
import { build } from 'rolldown';
import config, { output, serviceModels } from '../../rolldown.config.ts';

const [dir = ''] = process.argv.slice(2);
if (dir === '') throw new Error('no folder is named');
await build({
  ...config,
  plugins: [serviceModels],
  input: { belay: 'src/cli/main.ts', 'crash-runner': 'test/evidence/crash/runner.ts' },
  output: { ...output, dir },
});
