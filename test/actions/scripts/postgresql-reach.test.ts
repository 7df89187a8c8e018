/** The shell's reading of a conninfo, run in a shell. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { reachText } from '../../../src/actions/scripts/postgresql-reach.ts';

/** Of `reach`: what goes into a command's words, and what into its environment. */
function reached(conninfo: string): {
  readonly said: string;
  readonly asking: string;
  readonly password: string;
} {
  const script = `set -u
fail() { echo "$*"; exit 1; }
user=$(id -un) bin=/nowhere
conninfo=$(cat)
${reachText}
reach
printf 'asking=%s\\npassword=%s\\n' "$asking" "\${PGPASSWORD-none}"`;
  const { stdout, stderr, status } = spawnSync('sh', ['-c', script], { input: conninfo, encoding: 'utf8' });
  expect(stderr).toBe('');
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  return { said: status === 0 ? '' : stdout, asking: of('asking'), password: of('password') };
}
const more = ' dbname=postgres replication=true connect_timeout=10';

test.each([
  ['host=db1 user=r', 'host=db1 user=r', 'none'],
  ['host=db1 password=geheim user=r', 'host=db1 user=r', 'geheim'],
  ["password='ge heim' host=db1", 'host=db1', 'ge heim'],
  ["password='it\\'s \\\\ so' host=db1", 'host=db1', "it's \\ so"],
  ['password=a\\ b host=db1', 'host=db1', 'a b'],
  ["host = db1 application_name='password=x y'", "host = db1 application_name='password=x y'", 'none'],
  ['sslpassword=key password=geheim', 'sslpassword=key', 'geheim'],
  ['sslpassword=key host=db1', 'sslpassword=key host=db1', 'none'],
  ['host=db1\npassword=geheim\n', 'host=db1', 'geheim'],
  ['password= host=db1', '', 'host=db1'],
  ['', '', 'none'],
])('%j', (conninfo, rest, password) => {
  const { said, asking, password: found } = reached(conninfo);
  expect(said).toBe('');
  expect(asking).toBe(`${rest}${more}`);
  expect(found).toBe(password);
});

test.each(["host=db1 password='open", 'nonsense', '=x', 'host'])('%j is not a conninfo', (conninfo) => {
  expect(reached(conninfo).said).toContain('ODD_CONNINFO');
});

test.each([
  'postgresql://r:geheim@db1/',
  'postgres://db1/x?password=geheim',
  'postgresql://db1/?user=r&password=g',
])('a URI with a password would stand in a list of processes: %s', (conninfo) => {
  const { said } = reached(conninfo);
  expect(said).toContain('ODD_CONNINFO');
  expect(said).not.toContain('geheim');
});

test('a URI without a password is asked as it is', () => {
  expect(reached('postgresql://r@db1:5433/x').asking).toBe('postgresql://r@db1:5433/x?replication=true');
  expect(reached('postgresql://r@db1/x?a=b').asking).toBe('postgresql://r@db1/x?a=b&replication=true');
});
