/** The entry: reads the command line, runs the command, ends with its exit code. Loads as little as the words ask for. */
import { nodeTooOld } from './node-version.ts';
import { isBundled, version } from './version.ts';

const words = process.argv.slice(2);
const tooOld = nodeTooOld(process.versions.node, process.execPath);

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${version()}\n`);
} else if (tooOld !== undefined) {
  process.stderr.write(`${tooOld}\n`);
  process.exitCode = 2;
} else {
  if (isBundled()) {
    const { keepCompiled } = await import('./compile-cache.ts');
    keepCompiled(version(), process.env);
  }
  const { main } = await import('./start.ts');
  await main(words);
}
