/** Prints every form of the secrets in its environment (S0, S1, …) to both streams, and ends with the code of its argument. */
import { forms } from '../support/forms.ts';

const [, , code = '0'] = process.argv;
for (const [name, value] of Object.entries(process.env)) {
  if (!/^S\d$/.test(name) || value === undefined) continue;
  for (const form of Object.values(forms)) {
    const written = Buffer.concat([form(Buffer.from(value)), Buffer.from('\n')]);
    process.stdout.write(written);
    process.stderr.write(written);
  }
}
process.exitCode = Number(code);
