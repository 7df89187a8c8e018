/** `belay --version` against `node -e 0`: at most twice as long plus 40 ms. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const runs = 15;
const root = join(import.meta.dirname, '..', '..');

function millis(args: readonly string[]): number {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return performance.now() - began;
}

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;

export function benchStartUp(): boolean {
  const program = join(root, 'dist', 'belay.js');
  if (!existsSync(program)) throw new Error('dist/belay.js is missing: npm run build');
  const bare: number[] = [];
  const belay: number[] = [];
  for (let run = 0; run <= runs; run += 1) {
    const pair = [millis(['-e', '0']), millis([program, '--version'])] as const;
    if (run === 0) continue;
    bare.push(pair[0]);
    belay.push(pair[1]);
  }
  const limit = 2 * median(bare) + 40;
  console.log(
    `node -e 0 ${median(bare).toFixed(0)} ms, belay --version ${median(belay).toFixed(0)} ms (at most ${limit.toFixed(0)})`,
  );
  return median(belay) <= limit;
}
