/** What check: actions see of a host: real hosts run the probes, the sandbox answers them of its model. */
import { describe, expect, it } from 'vitest';
import { askHost, checks } from '../../src/actions/index.ts';
import type { JsonObject } from '../../src/json.ts';
import type { Host } from '../../src/transports/host.ts';

export interface ProbedHost {
  readonly host: Host;
  /** Installs belay-demo of that version, whose unit runs then. */
  install(version: string): Promise<unknown>;
  write(path: string, content: string, mode: string): Promise<unknown>;
}

export function probesContract(subject: () => ProbedHost): void {
  const seen = async (...asked: readonly (readonly [check: string, inputs: JsonObject])[]) => {
    const questions = asked.map(([name, inputs]) => {
      const check = checks.get(`check:${name}`);
      if (check?.scope !== 'hosts') throw new Error(`${name} looks at no hosts`);
      return { check, inputs };
    });
    const { host } = subject();
    const signal = AbortSignal.timeout(60_000);
    const looks = await askHost('it', questions, {
      host: () => host,
      targets: (names) => names,
      signal,
      now: Date.now,
    });
    return looks.map((judged) =>
      judged.map((each) => {
        const is = each.kind === 'unknown' ? each.code : each.found;
        return `${each.kind} ${each.subject}: ${is}`;
      }),
    );
  };

  describe('probes', () => {
    it('see files, units, packages and mounts as they are, each in its own frame', async () => {
      await subject().install('1.0');
      await subject().write('/etc/belay-probe.conf', 'a = 1\nb = 2\n', '0640');
      const said = await seen(
        ['file', { Path: '/etc/belay-probe.conf', Content: 'a = 1\nb = 2\n', Mode: '0640', Owner: 'root' }],
        ['file', { Path: '/etc/belay-probe.conf', HasLines: ['a = 1', 'a = 3'], LacksLines: ['b = 2', 'c'] }],
        ['file', { Path: '/etc/belay-nothing', State: 'absent' }],
        ['service', { Names: ['belay-demo', 'belay-nothing'], State: 'active', Enabled: true }],
        ['package', { Names: ['belay-demo', 'belay-nothing'] }],
        ['package', { Names: ['belay-demo'], AtLeast: '1.0' }],
        ['mount', { Path: '/srv/data', FileSystem: 'ext4' }],
        ['mount', { Path: '/srv/nothing' }],
      );
      const source = (line: string): string => line.replace(/: \/dev\/\S+ /, ': DEVICE ');
      expect(said.map((lines) => lines.map(source))).toEqual([
        [
          expect.stringMatching(/^kept content of \/etc\/belay-probe.conf: sha256 /),
          'kept mode of /etc/belay-probe.conf: 0640',
          'kept owner of /etc/belay-probe.conf: root',
        ],
        [
          'kept line "a = 1" of /etc/belay-probe.conf: there',
          'broken line "a = 3" of /etc/belay-probe.conf: missing',
          'broken line "b = 2" of /etc/belay-probe.conf: there',
          'kept line "c" of /etc/belay-probe.conf: missing',
        ],
        ['kept /etc/belay-nothing: absent'],
        [
          'kept belay-demo: active',
          'kept belay-demo at boot: enabled',
          'broken belay-nothing: not there, inactive',
          'broken belay-nothing at boot: not there',
        ],
        ['kept belay-demo: 1.0', 'broken belay-nothing: absent'],
        ['kept belay-demo: 1.0'],
        ['kept /srv/data: DEVICE (ext4)', 'kept type of /srv/data: ext4'],
        ['broken /srv/nothing: not mounted'],
      ]);
    });
  });
}
