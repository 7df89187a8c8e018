/** `npm run conformance [-- --write] [-- --warnings]`: what Belay says of every document of the public corpus. */
import { belayCatalog, checkFile, corpusFiles, corpusFolder, hasCorpus } from './corpus.ts';
import { readExpected, worseThan, writeExpected } from './expected.ts';
import { outcomeTable, reasonTable } from './table.ts';

const flags = process.argv.slice(2);

if (!hasCorpus) {
  console.log(`There is no corpus at ${corpusFolder}; name one by BELAY_CORPUS.`);
  process.exit(1);
}

const catalog = belayCatalog();
const kinds = ['automation', 'command'] as const;
const all = kinds.flatMap((kind) => {
  const checked = corpusFiles(kind).map((file) => checkFile(file, catalog));
  console.log(`\n${outcomeTable(kind, checked)}\n\nRefused, by reason:\n${reasonTable(checked, 'error')}`);
  if (flags.includes('--warnings')) console.log(`\nWarnings, by reason:\n${reasonTable(checked, 'warning')}`);
  return checked;
});
if (flags.includes('--write')) writeExpected(all);
const worse = worseThan(readExpected(), all);
for (const line of worse) console.log(`WORSE  ${line}`);
process.exitCode = worse.length === 0 ? 0 : 1;
