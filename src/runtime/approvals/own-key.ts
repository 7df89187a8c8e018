/** The caller's key that counts for an approval: one of the agent first, then the usual files of ~/.ssh. */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../refusal.ts';
import { inFolder, load } from './ssh-signature.ts';

export interface OwnKey {
  /** What ssh-keygen signs with: a private key, or the public half of one in the agent. */
  readonly file: string;
  /** Whose key it is, as the lines of allowed signers say. */
  readonly people: readonly string[];
}

const agentTimeoutMs = 10_000;

/** `given`: a private key file, or a public one whose private half the agent holds. Throws Refusal. */
export async function withOwnKey<T>(
  given: string | undefined,
  allowedSigners: string,
  env: NodeJS.ProcessEnv,
  use: (key: OwnKey) => Promise<T>,
): Promise<T> {
  if (given !== undefined) {
    const half = given.endsWith('.pub') ? given : `${given}.pub`;
    const line = await readFile(half, 'utf8').catch(() => {
      throw new Refusal('usage', 'NO_KEY', `${half} cannot be read`, {
        hint: '--key names a private key of OpenSSH with its .pub file beside it',
      });
    });
    const people = peopleWith(line, allowedSigners);
    if (people.length > 0) return use({ file: given, people });
    throw new Refusal('refused', 'NOT_AN_APPROVER', `the key of ${half} belongs to no approver`, {
      hint: 'belay.yaml names the approvers and their keys; nothing was recorded',
    });
  }
  return inFolder(async (folder) => {
    const file = join(folder, 'agent.pub');
    for (const line of await agentKeys(env)) {
      const people = peopleWith(line, allowedSigners);
      if (people.length === 0) continue;
      await writeFile(file, `${line}\n`, { mode: 0o600 });
      return use({ file, people });
    }
    const home = join(env['HOME'] ?? '/nonexistent', '.ssh');
    const names = await readdir(home).catch((): string[] => []);
    for (const name of names.filter((each) => /^id_[A-Za-z0-9_]+\.pub$/.test(each)).toSorted()) {
      const people = peopleWith(await readFile(join(home, name), 'utf8').catch(() => ''), allowedSigners);
      if (people.length > 0) return use({ file: join(home, name.slice(0, -'.pub'.length)), people });
    }
    throw new Refusal('refused', 'NOT_AN_APPROVER', 'none of your keys belongs to an approver', {
      hint: `the keys of your agent and ~/.ssh/id_*.pub were compared with belay.yaml; --key FILE names another. Nothing was recorded`,
    });
  });
}

async function agentKeys(env: NodeJS.ProcessEnv): Promise<string[]> {
  if (env['SSH_AUTH_SOCK'] === undefined) return [];
  const { execa } = await load();
  const options = { reject: false, timeout: agentTimeoutMs, env, extendEnv: false } as const;
  const listed = await execa('ssh-add', ['-L'], options);
  return listed.exitCode === 0 ? listed.stdout.split('\n') : [];
}

/** `line`: of a public key file. Only plain principals are people; a pattern names none. */
function peopleWith(line: string, allowedSigners: string): string[] {
  const [type = '', body = ''] = line.trim().split(/\s+/);
  if (body.length < 40) return [];
  return allowedSigners
    .split('\n')
    .filter((each) => !each.startsWith('#') && ` ${each} `.includes(` ${type} ${body} `))
    .flatMap((each) => (each.split(/\s/)[0] ?? '').split(','))
    .filter((name) => !/[*?!]/.test(name));
}
