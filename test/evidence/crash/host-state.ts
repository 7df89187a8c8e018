/**
 * What the host itself says of its state and of what was done to it since the last look: its package database and
 * dpkg's log, systemd and its journal, the file. Belay is not asked.
 */
import type { Lab } from '../../lab/hosts/lab.ts';

export interface HostState {
  readonly version: string;
  readonly running: string;
  readonly unit: string;
  /** `OWNER:GROUP MODE SHA256`, or `absent`. */
  readonly file: string;
  /** `belay-demo:all 1.0 1.1` for each time that dpkg replaced it. */
  readonly upgrades: readonly string[];
  /** What systemd said of the unit: Started …, Stopped … */
  readonly unitStory: readonly string[];
}

const marks = '/run/evidence';

/** Back to belay-demo 1.0 running and no configuration, and a fresh count. */
const reset = `mkdir -p ${marks}
case $(dpkg-query -W -f '\${Version} \${db:Status-Status}' belay-demo 2>/dev/null) in
  '1.0 installed') systemctl is-active -q belay-demo || systemctl start belay-demo ;;
  *) dpkg -i --force-downgrade /srv/repo/current/belay-demo_1.0_all.deb >/dev/null 2>&1 ;;
esac
rm -f /etc/belay-demo.conf
systemctl reset-failed belay-demo 2>/dev/null || true
: >/var/log/dpkg.log
journalctl --sync
journalctl -q -u belay-demo --cursor-file=${marks}/cursor -o cat >/dev/null`;

const look = `printf 'version\\t'; dpkg-query -W -f '\${Version} \${db:Status-Status}\\n' belay-demo
printf 'running\\t'; cat /run/belay-demo.version
printf 'unit\\t'; echo $(systemctl is-active belay-demo) $(systemctl is-enabled belay-demo)
printf 'file\\t'
if [ -f /etc/belay-demo.conf ]; then echo $(stat -c '%U:%G %a' /etc/belay-demo.conf) $(sha256sum </etc/belay-demo.conf); else echo absent; fi
sed -n 's/^[^ ]* [^ ]* upgrade /upgrade\\t/p' /var/log/dpkg.log
journalctl --sync
journalctl -q -u belay-demo --cursor-file=${marks}/cursor -o cat | sed -n -e 's/^Started .*/story\\tStarted/p' -e 's/^Stopped .*/story\\tStopped/p'`;

export async function resetHost(lab: Lab, host: string): Promise<void> {
  await said(lab, host, reset);
}

export async function hostState(lab: Lab, host: string): Promise<HostState> {
  const rows = (await said(lab, host, look))
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => row.split('\t'));
  const all = (key: string): string[] =>
    rows.filter(([name]) => name === key).map(([, value]) => value ?? '');
  const one = (key: string): string => all(key)[0] ?? '?';
  return {
    version: one('version'),
    running: one('running'),
    unit: one('unit'),
    file: one('file'),
    upgrades: all('upgrade'),
    unitStory: all('story'),
  };
}

async function said(lab: Lab, host: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, script);
  if (code !== 0) throw new Error(`${host}: the look at the host ended with ${code}: ${stderr}`);
  return stdout;
}
