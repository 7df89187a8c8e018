/**
 * Many hosts, one command after the other: Belay beside a loop over OpenSSH's ControlMaster, pyinfra and Ansible, side by side on
 * hosts of the lab in one run, round by round. Prints the ratios and writes docs/performance.md.
 *
 * What counts is the warm step: each is run with eleven steps and with one, and the difference is ten steps over open
 * connections. Belay's commands are journaled and claimed durably; the others' are not.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab } from '../lab/hosts/lab.ts';
import { benchBare } from './hosts-bare.ts';
import { benchCold, type Cold } from './hosts-cold.ts';
import { isThere, measured, median, must, shell, type Figure } from './machine.ts';
import { commitNow, writeSection } from './report.ts';

const hostsWanted = Number(process.env['BELAY_BENCH_HOSTS'] ?? 50);
const roundsWanted = Number(process.env['BELAY_BENCH_ROUNDS'] ?? 3);
/** Against the loop, at most. */
const ratioMax = 1;
const root = join(import.meta.dirname, '..', '..');
const steps = 10;

interface Competitor {
  readonly name: string;
  /** What one run of so many steps takes; connections as they are. */
  readonly run: (steps: number) => void;
  readonly rounds: { readonly one: Figure; readonly all: Figure }[];
  /** Takes so long that one round has to do. */
  readonly isSlow?: boolean;
}

/** True when the ratio holds, or where there is no lab. */
export async function benchHosts(): Promise<boolean> {
  const reason = Lab.unavailable();
  if (reason !== undefined) {
    console.log(`hosts    not measured: ${reason}`);
    return true;
  }
  const names = Array.from({ length: hostsWanted }, (_, index) => `h${index + 1}`);
  const lab = await Lab.up({ hosts: names });
  const folder = mkdtempSync(join(tmpdir(), 'belay-bench-'));
  try {
    const competitors = [...competitorsOn(lab, names, folder)];
    for (let round = 0; round < roundsWanted; round += 1) {
      for (const { run, rounds, isSlow } of competitors) {
        if (isSlow === true && round > 0) continue;
        rounds.push({ one: measured(() => run(1)), all: measured(() => run(steps + 1)) });
      }
    }
    const cold = benchCold(lab, names, folder);
    const bare = await benchBare(join(root, 'dist', 'belay.js'));
    const both = {
      text: `${cold.text}\n${bare?.text ?? ''}`,
      holds: cold.holds && bare?.holds !== false,
    };
    return told(competitors, names.length, both);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await lab.down();
  }
}

function* competitorsOn(lab: Lab, names: readonly string[], folder: string): Iterable<Competitor> {
  const { hosts } = lab.inventory();
  writeFileSync(join(folder, 'names'), names.map((name) => `${name}\n`).join(''));
  mkdirSync(join(folder, 'cm'));
  const ssh = `ssh -F ${lab.sshConfig} -l ops -o ControlMaster=auto -o ControlPersist=600 -o ControlPath=${folder}/cm/%C`;
  const loop = (count: number): void => {
    shell(`for i in $(seq ${count}); do xargs -P20 -I{} ${ssh} {} true <${folder}/names; done`);
  };
  loop(1);
  yield { name: 'OpenSSH ControlMaster loop, 20 at once', run: loop, rounds: [] };

  const entries = names.map((name) => [name, { ...hosts[name], become: 'none' }] as const);
  writeFileSync(join(folder, 'belay.yaml'), JSON.stringify({ hosts: Object.fromEntries(entries) }));
  yield {
    name: 'Belay, aws:runCommand on all hosts',
    run: (count) => {
      const file = join(folder, `${count}.yaml`);
      writeFileSync(file, JSON.stringify(runbook(names, count)));
      const program = join(root, 'dist', 'belay.js');
      must(process.execPath, [program, 'run', file, '-y', '--state', join(folder, 'state')], folder);
    },
    rounds: [],
  };

  const inventory = names.map(
    (name) =>
      `  ("${name}", {"ssh_hostname": "${lab.address(name)}", "ssh_user": "ops", "ssh_key": "${lab.identityFile}", "ssh_known_hosts_file": "${lab.knownHosts}"}),`,
  );
  writeFileSync(join(folder, 'inventory.py'), `hosts = [\n${inventory.join('\n')}\n]\n`);
  if (isThere('pyinfra')) {
    yield {
      name: 'pyinfra',
      run: (count) => {
        const file = join(folder, `deploy${count}.py`);
        const operations = Array.from(
          { length: count },
          (_, step) => `server.shell(name="s${step}", commands=["true"])`,
        );
        writeFileSync(file, `from pyinfra.operations import server\n${operations.join('\n')}\n`);
        must('pyinfra', ['-y', 'inventory.py', file], folder);
      },
      rounds: [],
    };
  }
  if (isThere('ansible-playbook')) {
    const ini = names.map(
      (name) =>
        `${name} ansible_host=${lab.address(name)} ansible_user=ops ansible_ssh_private_key_file=${lab.identityFile} ansible_python_interpreter=/usr/bin/python3`,
    );
    writeFileSync(join(folder, 'inventory.ini'), `[all]\n${ini.join('\n')}\n`);
    writeFileSync(
      join(folder, 'ansible.cfg'),
      `[defaults]\ninventory=inventory.ini\nforks=20\nlocal_tmp=${folder}/ansible\n[ssh_connection]\nssh_args=-o UserKnownHostsFile=${lab.knownHosts} -o ControlMaster=auto -o ControlPersist=600s\ncontrol_path_dir=${folder}/cm\npipelining=True\n`,
    );
    yield {
      name: 'Ansible command, pipelining, 20 forks',
      run: (count) => {
        const file = join(folder, `play${count}.yml`);
        const tasks = Array.from({ length: count }, () => '    - command: /bin/true\n').join('');
        writeFileSync(file, `- hosts: all\n  gather_facts: false\n  tasks:\n${tasks}`);
        must('ansible-playbook', [file], folder);
      },
      rounds: [],
      isSlow: true,
    };
  }
}

function runbook(names: readonly string[], count: number): object {
  const mainSteps = Array.from({ length: count }, (_, step) => ({
    name: `Step${step}`,
    action: 'aws:runCommand',
    inputs: { DocumentName: 'AWS-RunShellScript', InstanceIds: names, Parameters: { commands: ['true'] } },
  }));
  return { schemaVersion: '0.3', mainSteps };
}

function told(competitors: readonly Competitor[], hosts: number, cold: Cold): boolean {
  const of = (competitor: Competitor | undefined, what: keyof Figure): number => {
    const rounds = competitor?.rounds ?? [];
    return median(rounds.map(({ all }) => all[what])) - median(rounds.map(({ one }) => one[what]));
  };
  const loop = competitors[0];
  const rows = competitors.map((competitor) => {
    const seconds = of(competitor, 'seconds');
    return [
      competitor.name,
      seconds.toFixed(2),
      (seconds / of(loop, 'seconds')).toFixed(2),
      of(competitor, 'cpuSeconds').toFixed(1),
      (of(competitor, 'forks') / hosts / steps).toFixed(1),
      competitor.rounds
        .map(({ one, all }) => `${all.seconds.toFixed(1)} − ${one.seconds.toFixed(1)}`)
        .join(', '),
    ];
  });
  const head = [
    '',
    'wall s',
    'against the loop',
    'CPU s of the machine',
    'forks per host and step',
    'eleven steps − one, each round, s',
  ];
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
  console.log(table);
  const load = loadavg()[0]?.toFixed(1);
  const text = `Written by \`npm run bench\` at commit ${commitNow()}: ${hosts} systemd hosts of the lab, ${steps} times \`true\`, connections open, medians of ${roundsWanted} interleaved rounds. Controller and
hosts share the cores of one machine, and the figures of CPU and forks are of the whole machine; its load at the end was ${load}. What else ran there shows in them, so the ratio
of what ran side by side says most. Every command of Belay's is journaled here and claimed durably on its host; the others keep no record.

${table}

Ratios of wall time: Belay takes ${competitors
    .filter((competitor) => !competitor.name.startsWith('Belay'))
    .map((competitor) => {
      const belay = competitors.find(({ name }) => name.startsWith('Belay'));
      return `${(of(belay, 'seconds') / of(competitor, 'seconds')).toFixed(2)} times what ${competitor.name} takes`;
    })
    .join('; ')}.

${cold.text}`;
  writeSection('Calls to hosts', text);
  const belay = competitors.find(({ name }) => name.startsWith('Belay'));
  return of(belay, 'seconds') / of(loop, 'seconds') <= ratioMax && cold.holds;
}
