/** Whether a host that was rebooted came back whole, from what reboot/after of names.ts prints. Decides, asks nobody. */
import type { Host } from '../../transports/host.ts';
import type { Fields } from '../scripts/fields.ts';

/** `uuid`: `-` where the file system has none that can be seen. */
export type Mount = { readonly path: string; readonly source: string; readonly uuid: string };

export type Returned =
  | { readonly kind: 'whole' }
  | { readonly kind: 'waiting'; readonly notice: string }
  | { readonly kind: 'broken'; readonly code: string; readonly message: string };

type Unit = {
  readonly name: string;
  readonly active: string;
  readonly enabled: string;
  readonly result: string;
  readonly words: string;
};

/**
 * Mounts come first: services that miss them were kept from starting, and are not the trouble. `late`: time is up, in
 * words (`600 s after the order to reboot`), and whatever is not there will not be waited for.
 */
export function returned(host: Host, fields: Fields, late: string | null): Returned {
  const system = fields.one('system') ?? 'unknown';
  const isBooting = system === 'initializing' || system === 'starting';
  const missing = fields.all('missing');
  const others = fields.rows('other');
  const units = fields.rows('unit').map(unitOf);

  if (isBooting && late === null) {
    const jobs = fields.one('job') ?? '';
    return { kind: 'waiting', notice: `booting${jobs === '' ? '' : `, waiting for ${jobs}`}` };
  }
  if (missing.length > 0) {
    return broken(
      'MOUNT_MISSING',
      `${host.label} was rebooted and nothing is mounted at ${missing.join(', ')}. ${heldBack(units)}Mount it (systemctl status, journalctl -b) before anything writes there`,
    );
  }
  if (others.length > 0) {
    const words = others.map(
      ([path, source, uuid, found]) => `at ${path} is ${source} (UUID ${found}), before it was UUID ${uuid}`,
    );
    return broken(
      'MOUNT_SWAPPED',
      `${host.label} was rebooted and came back with other file systems: ${words.join('; ')}. ${heldBack(units)}Name them by UUID or LABEL in /etc/fstab`,
    );
  }
  const down = units.filter(({ active }) => active !== 'active');
  if (down.length === 0) return { kind: 'whole' };
  const hopeless = down.filter(({ active }) => active === 'failed' || active === 'inactive');
  if (late === null && hopeless.length === 0) {
    return { kind: 'waiting', notice: `waiting for ${down.map(({ name }) => name).join(', ')}` };
  }
  const told = hopeless.length > 0 ? hopeless : down;
  return broken(
    'SERVICE_FAILED',
    `${host.label} was rebooted, every mount is at its path, and ${told.map(spoken).join('; ')}${late === null ? '' : `, ${late}`}`,
  );
}

const broken = (code: string, message: string): Returned => ({ kind: 'broken', code, message });

function unitOf([name = '', active = '', enabled = '-', result = '-', ...words]: readonly string[]): Unit {
  return { name, active, enabled, result, words: words.join(' ').trim() };
}

function heldBack(units: readonly Unit[]): string {
  const names = units.filter(({ active }) => active !== 'active').map(({ name }) => name);
  if (names.length === 0) return '';
  return `${names.join(', ')} ${names.length === 1 ? 'was' : 'were'} kept from starting; the drop-in 90-belay-reboot.conf does so until all is mounted. `;
}

function spoken({ name, active, enabled, result, words }: Unit): string {
  if (active === 'inactive' && enabled === 'disabled') {
    return `${name} is inactive: it is not enabled, so the boot does not start it (host:service with State: started does)`;
  }
  const why = result === '-' || result === 'success' ? '' : `, result ${result}`;
  return `${name} is ${active}${why}${words === '' ? '' : `; the journal ends: ${words}`}`;
}
