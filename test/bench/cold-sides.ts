/**
 * What is measured of one command on hosts to which no connection is open: OpenSSH, the least that a durable claim takes besides, the
 * start of the program, and Belay.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuOf, secondsOf, tableOf, type Side } from './accounts.ts';

export const kex = 'curve25519-sha256';
/** Against OpenSSH, at most. */
export const ratioMax = 1.2;
/** A folder of its own, the claim in it on the disk, the command in a session of its own, and its end on the disk. */
const leastClaim =
  'd=$(mktemp -d) && echo $$ >$d/begun && sync $d/begun $d && setsid sh -c "true; echo \\$? >$d/exit" && sync $d/exit && rm -r $d';

export interface ColdSides {
  readonly theirs: Side;
  readonly least: Side;
  readonly start: Side;
  readonly ours: Side;
}

/** `folder`: holds `belay.yaml`; `loop`: the text that runs a command on each host by OpenSSH, 20 at once. */
export function coldSides(
  program: string,
  folder: string,
  names: readonly string[],
  loop: (command: string) => string,
): ColdSides {
  const Parameters = { commands: ['true'] };
  const inputs = { DocumentName: 'AWS-RunShellScript', InstanceIds: names, Parameters };
  const write = (file: string, step: object): void => {
    const runbook = { schemaVersion: '0.3', mainSteps: [{ name: 'S', ...step }] };
    writeFileSync(join(folder, file), JSON.stringify(runbook));
  };
  write('cold.yaml', { action: 'aws:runCommand', inputs });
  write('nothing.yaml', { action: 'aws:sleep', inputs: { Duration: 'PT0S' } });
  let states = 0;
  const belay = (file: string): string => {
    states += 1;
    return `cd ${folder} && ${process.execPath} ${program} run ${file} -y --state ${folder}/cold${states} >/dev/null`;
  };
  const side = (name: string, text: () => string): Side => ({ name, text, rounds: [] });
  return {
    theirs: side('OpenSSH, 20 at once', () => loop('true')),
    least: side(
      'OpenSSH, each command claimed on disk, detached, and its end on disk, and nothing else',
      () => loop(`'${leastClaim}'`),
    ),
    start: side('Belay, one step that needs no host', () => belay('nothing.yaml')),
    ours: side('Belay', () => belay('cold.yaml')),
  };
}

export function coldText({ theirs, least, start, ours }: ColdSides): { text: string; ratio: number } {
  const ratio = secondsOf(ours) / secondsOf(theirs);
  const floor = (cpuOf(least) + cpuOf(start)) / cpuOf(theirs);
  const text = `What is asked for is at most ${ratioMax} times the wall time of OpenSSH; it is ${ratio.toFixed(2)} times. The second row is a loop over OpenSSH that does for each command what a durable claim
asks of the host at the least (mkdir, sync, setsid, sync, rm), and the third one what Belay takes before it speaks to a host: in CPU time the two together are
${floor.toFixed(2)} times the first row, before anybody has been asked who answers.

${tableOf([theirs, least, start, ours])}
`;
  return { text, ratio };
}
