/**
 * check/probes over modelled files, units, packages and mounts: every probe answers in its own frame, as the script does on a host.
 * A probe of what the sandbox does not model says so, and the others answer.
 */
import { locate, systemOf } from '../hosts/devices.ts';
import { fileAt, isFolder, sha256Of } from '../hosts/files.ts';
import { obtainable } from '../hosts/packages.ts';
import { unitFile, unitName } from '../hosts/units.ts';
import { NotModelled, type ScriptModel, type ScriptRun } from './model.ts';

/** What a probe says, as `key=value`; throws NotModelled. */
type ProbeModel = (run: ScriptRun, args: readonly string[]) => readonly string[];

const file: ProbeModel = ({ state, host }, [path = '', wants = '', ...lines]) => {
  const found = fileAt(state, host, path);
  if (found === undefined)
    return isFolder(state, host, path) ? notModelled(`the mode and owner of ${path}`) : ['kind=absent'];
  const { mode, owner, group } = found;
  // Only root has a number here; what nobody has stands for the others'.
  const number = (name: string): string => (name === 'root' ? '0' : '4294967295');
  const is = (type: string, bytes: number): string =>
    `is=${type}|${mode}|${owner}|${group}|${bytes}|${number(owner)}|${number(group)}`;
  if (found.kind === 'directory') return [is('directory', 4_096), 'kind=directory'];
  const content = Buffer.from(found.base64, 'base64');
  const own = content.toString('utf8').split('\n');
  return [
    is('regular file', content.length),
    'kind=file',
    ...(wants.includes('s') ? [`sha256=${sha256Of(found)}`] : []),
    ...(wants.includes('l') ? lines.map((line) => `line=${own.includes(line) ? 'yes' : 'no'}`) : []),
  ];
};

const service: ProbeModel = ({ state, host }, names) =>
  names.map((name) => {
    const unit = unitFile(state, host, name);
    const active = host.units[unitName(name)]?.active ?? 'inactive';
    if (unit === undefined) return `unit=${name} not-found inactive not-found`;
    return `unit=${name} ${unit.enablement === 'masked' ? 'masked' : 'loaded'} ${active} ${unit.enablement}`;
  });

const packages: ProbeModel = ({ state, host }, [, least = '-', ...names]) => [
  'manager=apt',
  ...names.map((name) => {
    const installed = systemOf(state, host).packages[name];
    if (installed === undefined) return `package=${name} absent - -`;
    const { version } = installed.release;
    const known = obtainable(state, host, name).map((release) => release.version);
    const [is, wanted] = [known.indexOf(version), known.indexOf(least)];
    const order =
      least === '-'
        ? '-'
        : least === version
          ? 'yes'
          : is < 0 || wanted < 0
            ? 'unknown'
            : is > wanted
              ? 'yes'
              : 'no';
    return `package=${name} installed ${version} ${order}`;
  }),
];

const mount: ProbeModel = ({ state, host }, [path = '']) => {
  if (locate(state, host, path) === undefined) return notModelled(path);
  const device = host.mounts[path]?.device;
  if (device === undefined && path !== '/') return ['mounted=no'];
  return ['mounted=yes', `is=${device ?? '/dev/root'}|ext4|rw,relatime`];
};

const probes: Readonly<Record<string, ProbeModel>> = { file, service, package: packages, mount };

function notModelled(what: string): never {
  throw new NotModelled(`the sandbox does not model ${what}`);
}

const call = /^run (\d{1,4}) probe_([a-z_]+)((?: "\$\{\d+\}")*)$/gm;

const answerAll: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const nonce = run.env['BELAY_NONCE'];
    if (nonce === undefined) throw new NotModelled('it was called without a nonce');
    const fields: string[] = [];
    for (const [, number = '', kind = '', given = ''] of run.text.matchAll(call)) {
      const args = [...given.matchAll(/\d+/g)].map(([place]) => run.args[Number(place) - 1] ?? '');
      fields.push(`${nonce} ${number} begin`);
      try {
        const model = Object.hasOwn(probes, kind) ? probes[kind] : undefined;
        if (model === undefined) notModelled(`what check:${nameOf(kind)} looks at`);
        fields.push(...model(run, args).map((line) => `${nonce} ${number} : ${line}`));
        fields.push(`${nonce} ${number} end 0`);
      } catch (error) {
        if (!(error instanceof NotModelled)) throw error;
        fields.push(`${nonce} ${number} : failed=NOT_MODELLED ${error.message}`, `${nonce} ${number} end 1`);
      }
    }
    return { fields };
  },
};

/** `unattended_upgrades` → `unattendedUpgrades`. */
function nameOf(kind: string): string {
  return kind.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export const probeScripts = { 'check/probes': answerAll };
