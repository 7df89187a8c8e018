/** The entry: reads the command line, runs the command, ends with its exit code. Loads as little as the words ask for. */
import { version } from './version.ts';

const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${version()}\n`);
} else {
  const { main } = await import('./start.ts');
  await main(words);
}
