import { expect, test } from 'vitest';
import { refusePlainPassword } from '../../../src/actions/postgresql/conninfo.ts';

const refusalOf = (text: string | undefined): string => {
  try {
    refusePlainPassword(text);
    return '';
  } catch (error) {
    return String(error);
  }
};

test.each([
  'host=db2 password=geheim',
  'PASSWORD = geheim host=db2',
  "host=db2 password='ge heim'",
  "host=db2 password = 'x",
  'postgresql://replica:geheim@db2:5432/postgres',
  'postgres://db2/postgres?user=replica&password=geheim',
  '  postgresql://replica:geheim@[::1]/',
  // Of the client's own key.
  'host=db2 sslkey=/etc/key.pem sslpassword=geheim',
  'postgresql://db2/postgres?sslpassword=geheim',
])('a password as plain text is refused, and not said: %s', (text) => {
  expect(refusalOf(text)).toContain('holds a password as plain text');
  expect(refusalOf(text)).not.toContain('heim');
});

test.each([
  undefined,
  '',
  'host=db2 user=replica passfile=/etc/replica.pass',
  "host=db2 application_name='no password'",
  "host=db2 password=''",
  'postgresql://replica@db2:5432/postgres',
  'postgresql://db2:5432,db3:5433/postgres',
  // What stands for a secret parameter before its value is read.
  'host=db2 password=\0secret:0123:Pw\0',
  "host=db2 password='\0secret:0123:Pw\0'",
  'postgresql://replica:\0secret:0123:Pw\0@db2/',
  '\0secret:0123:ConnInfo\0',
])('what holds none, or a secret, passes: %s', (text) => {
  expect(refusalOf(text)).toBe('');
});
