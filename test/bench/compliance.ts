/**
 * `belay check` of 25 rules against a loop that runs the very same probes as one script per host over OpenSSH, as many hosts at once.
 * Both begin without a connection. What Belay does besides is in its time: reading files, judging, comparing, the journal.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeProbes } from '../../src/actions/check/compose.ts';
import { checks } from '../../src/actions/index.ts';
import type { JsonObject } from '../../src/json.ts';
import { hostsAtOnceMax } from '../../src/runtime/compliance/look.ts';
import { Lab } from '../lab/hosts/lab.ts';

const hostsWanted = Number(process.env['BELAY_BENCH_HOSTS'] ?? 50);
const roundsWanted = Number(process.env['BELAY_BENCH_ROUNDS'] ?? 3);
/** Against the loop, at most. */
const ratioMax = 1.5;
const root = join(import.meta.dirname, '..', '..');

/** 25 rules of all kinds that need nothing but the host. */
const rules: readonly (readonly [check: string, inputs: JsonObject])[] = [
  ['check:authorizedKeys', { User: 'root', Only: [] }],
  ['check:authorizedKeys', { User: 'ops', Only: [] }],
  ['check:clock', { MaxSkewSeconds: 30 }],
  ['check:kernel', {}],
  ['check:reboot', {}],
  ['check:unattendedUpgrades', {}],
  ['check:mount', { Path: '/', MinFreePercent: 1 }],
  ['check:nginx', {}],
  ['check:sysctl', { Settings: { 'kernel.ostype': 'Linux' } }],
  ...['/etc/passwd', '/etc/shadow', '/etc/ssh/sshd_config', '/etc/hosts', '/etc/fstab', '/etc/sudoers'].map(
    (Path) => ['check:file', { Path, Owner: 'root', LacksLines: ['nonsense'] }] as const,
  ),
  ...[22, 80, 443, 5432].map((Port) => ['check:port', { Port }] as const),
  ...['bash', 'openssh-server', 'telnetd'].map((name) => ['check:package', { Names: [name] }] as const),
  ...['ssh', 'systemd-journald', 'cron'].map(
    (name) => ['check:service', { Names: [name], State: 'active' }] as const,
  ),
];

/** True when the ratio holds, or where there is no lab. */
export async function benchCompliance(): Promise<boolean> {
  const reason = Lab.unavailable();
  if (reason !== undefined) {
    console.log(`check    not measured: ${reason}`);
    return true;
  }
  const names = Array.from({ length: hostsWanted }, (_, index) => `h${index + 1}`);
  const lab = await Lab.up({ hosts: names });
  const folder = mkdtempSync(join(tmpdir(), 'belay-bench-check-'));
  try {
    writeFileSync(join(folder, 'names'), names.map((name) => `${name}\n`).join(''));
    writeFileSync(join(folder, 'belay.yaml'), JSON.stringify(lab.inventory()));
    const Rules = rules.map(([Check, Inputs], index) => ({ Name: `rule-${index}`, Check, Inputs }));
    writeFileSync(join(folder, 'base.yaml'), JSON.stringify({ Name: 'base', Targets: names, Rules }));
    writeFileSync(join(folder, 'probes.sh'), scriptOfAll());
    const loop = `xargs -P${hostsAtOnceMax} -I{} sh -c 'ssh -F ${lab.sshConfig} -l ops -o ControlPath=none {} sudo -n sh -s <${folder}/probes.sh >${folder}/{}.out' <${folder}/names`;
    const check = [
      join(root, 'dist', 'belay.js'),
      'check',
      'base.yaml',
      '--json',
      '--state',
      join(folder, 'state'),
    ];
    const took: { readonly loop: number; readonly check: number }[] = [];
    for (let round = 0; round < roundsWanted; round += 1) {
      const ofLoop = seconds(() => must('sh', ['-c', loop], folder, [0]));
      const ofCheck = seconds(() => must(process.execPath, check, folder, [8]));
      took.push({ loop: ofLoop, check: ofCheck });
    }
    refuseHalf(folder, names);
    const ratio = median(took.map(({ loop: base, check: ours }) => ours / base));
    const each = took
      .map(({ loop: base, check: ours }) => `${ours.toFixed(1)} / ${base.toFixed(1)} s`)
      .join(', ');
    console.log(
      `check    ${rules.length} rules on ${names.length} hosts: ${ratio.toFixed(2)} of the loop (at most ${ratioMax}); ${each}`,
    );
    return ratio <= ratioMax;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await lab.down();
  }
}

/** As `belay check` sends it, for a shell of its own. */
function scriptOfAll(): string {
  const probes = rules.map(([name, inputs]) => {
    const found = checks.get(name);
    if (found?.scope !== 'hosts') throw new Error(`${name} is not a check of hosts`);
    return found.probe(inputs);
  });
  const nonce = randomBytes(16).toString('hex');
  const { text, args = [] } = composeProbes(probes, nonce);
  const quoted = args.map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(' ');
  return `BELAY_NONCE=${nonce}\nset -- ${quoted}\n${text}`;
}

/** A loop that was fast because it did not do the work is not a measure. */
function refuseHalf(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const ends = execFileSync('grep', ['-c', ' end ', join(folder, `${name}.out`)], {
      encoding: 'utf8',
    }).trim();
    if (Number(ends) !== rules.length)
      throw new Error(`the loop has ${ends} answers of ${name}, not ${rules.length}`);
  }
}

function seconds(act: () => void): number {
  const began = performance.now();
  act();
  return (performance.now() - began) / 1_000;
}

function must(program: string, args: readonly string[], cwd: string, codes: readonly number[]): void {
  const { status, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (!codes.includes(status ?? -1))
    throw new Error(`${program} ended with ${status}: ${stderr.slice(0, 2_000)}`);
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}
