/** Worlds that differ from the one that a newcomer meets. */
import { sandboxIds, type WorldState } from '../../src/world/index.ts';

/** web1 before anybody installed belay-demo. */
export function withoutDemo(state: WorldState): WorldState {
  const system = state.volumes[sandboxIds.web1Root]?.contents.system;
  delete system?.packages['belay-demo'];
  delete state.hosts['web1']?.units['belay-demo.service'];
  return state;
}

/** web1 with a small volume at /srv/data, mounted by a unit that nothing else needs. */
export function withDataVolume(state: WorldState): WorldState {
  const root = state.volumes[sandboxIds.web1Root];
  if (!root?.attachment || !root.contents.system) throw new Error('the sandbox has no web1');
  const id = 'vol-0e5a1c7d3b9f24680';
  const attachment = { ...root.attachment, device: '/dev/sdg', deleteOnTermination: false };
  const contents = { filesystem: 'ext4', uuid: '11111111-2222-4333-8444-555555555555' } as const;
  state.volumes[id] = {
    ...root,
    id,
    sizeGiB: 1,
    attachment,
    contents: { ...contents, files: {}, system: null, postgres: null },
  };
  root.contents.files['/srv/data'] = { kind: 'directory', mode: '0755', owner: 'root', group: 'root' };
  root.contents.system.units['srv-data.mount'] = {
    enablement: 'enabled',
    isGenerated: false,
    type: 'ext4',
    package: null,
    runs: { kind: 'mount', where: '/srv/data', device: '/dev/xvdg' },
    requires: [],
  };
  const host = state.hosts['web1'];
  if (!host) throw new Error('the sandbox has no web1');
  host.units['srv-data.mount'] = { active: 'active', since: 0, pid: 1 };
  host.mounts['/srv/data'] = { device: '/dev/xvdg', volumeId: id };
  return state;
}
