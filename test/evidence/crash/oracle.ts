/** What really happened to one host's volumes and snapshots, by the endpoint's journal: the count of what was done, and of what was asked. */
import type { JsonObject } from '../../../src/json.ts';
import type { CallEntry, EffectEntry } from '../../lab/endpoint/journal.ts';
import type { LabWorldWithAws } from '../../lab/world.ts';

export interface Story {
  /** Names of effects in their order: snapshotCopied, volumeAttached … */
  readonly effects: readonly string[];
  /** How often each changing operation took effect. */
  readonly calls: Readonly<Record<string, number>>;
}

/**
 * From now on; call it to hear the story so far. Known by the host's instance, the volumes that it has now, and what is
 * made of them. Commands over SSM are left out: a look at the host is one, too.
 */
export function storyOf(world: LabWorldWithAws, host: string): () => Story {
  const since = world.endpoint.journal.entries().length;
  const own = [world.instanceId(host), ...volumesOf(world, host)];
  return () => {
    const known = new Set(own);
    const effects: string[] = [];
    const calls: Record<string, number> = {};
    for (const entry of world.endpoint.journal.entries().slice(since)) {
      if (entry.kind === 'call') {
        if (!isOf(known, entry) || entry.service === 'ssm' || entry.status >= 300) continue;
        calls[entry.operation] = (calls[entry.operation] ?? 0) + 1;
        for (const id of entry.ids.filter((id) => /^(snap|vol)-/.test(id))) known.add(id);
      } else if (isOf(known, entry) && !entry.effect.startsWith('command')) {
        effects.push(entry.effect);
        for (const id of idsIn(entry.details)) known.add(id);
      }
    }
    return { effects, calls };
  };
}

function volumesOf(world: LabWorldWithAws, host: string): string[] {
  return ['f', 'g', 'h'].flatMap((letter) => world.endpoint.volumeAt(host, `/dev/xvd${letter}`) ?? []);
}

/** By any id that belongs to the host: its instance, its volumes, and what was made of them. */
function isOf(known: ReadonlySet<string>, entry: CallEntry | EffectEntry): boolean {
  const ids = entry.kind === 'call' ? [...idsIn(entry.params), ...entry.ids] : idsIn(entry.details);
  return ids.some((id) => known.has(id));
}

function idsIn(value: JsonObject): string[] {
  return JSON.stringify(value).match(/\b(?:snap|vol|i)-[0-9a-f]{8,17}\b/g) ?? [];
}
