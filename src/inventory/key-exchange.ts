/** `keyExchange:` of belay.yaml: how ssh agrees on keys with every host and bastion, best first. */
import { entryOf, readTexts, type MapReader } from '../document/index.ts';
import { reportInventory } from './errors.ts';

/** As OpenSSH names them; what changes its own list (`+`, `-`, `^`) is for ssh_config. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9@._-]{0,63}$/;

/** Empty: Belay's own order. */
export function readKeyExchange(reader: MapReader): readonly string[] {
  const entry = entryOf(reader, 'keyExchange');
  const names = readTexts(reader, 'keyExchange');
  const wrong = names.find((name, index) => !namePattern.test(name) || names.indexOf(name) !== index);
  if (entry === undefined || wrong === undefined) return names;
  reportInventory(
    reader.report,
    'BAD_KEY_EXCHANGE',
    entry.value.span,
    `keyExchange lists key exchanges by their names, each once, and ${JSON.stringify(wrong)} is none or is there twice`,
    'keyExchange: [curve25519-sha256]  (ssh -Q kex lists what the ssh of this machine knows)',
  );
  return [];
}
