import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drain } from '../../../src/actions/nginx/drain.ts';
import { observe } from '../../support/action-bed.ts';
import { localTestHost } from '../host/local.ts';

const configuration = `# upstream old { server a:1; }
upstream "minio" {
  least_conn; keepalive 16;   # server a:2;
  server a:9000 max_fails=1 fail_timeout=5s; server b:9000
    weight=2
    down;
  server 'c:9000' backup;
}
upstream other { server a:9000; server d; }
log_format x 'server e:1; $request { "$uri" }';
server {
  server_name a:9000;
  location ~ "^/x{2}$" { proxy_pass http://\${host}; set $y \\{server; }
}
`;

describe('nginx:drain finds the server of an upstream', () => {
  const find = async (inputs: { Server: string; Upstream?: string }, text = configuration) => {
    await using local = localTestHost();
    const File = join(local.folder, 'app.conf');
    writeFileSync(File, text);
    return await observe(drain, { Host: 'here', File, ...inputs }, { hosts: { here: local.host } });
  };

  test.each([
    [
      { Server: 'a:9000', Upstream: 'minio' },
      { upstream: 'minio', flag: 'up' },
    ],
    [
      { Server: 'a:9000', Upstream: 'other' },
      { upstream: 'other', flag: 'up' },
    ],
    [{ Server: 'b:9000' }, { upstream: 'minio', flag: 'down' }],
    [{ Server: 'c:9000' }, { upstream: 'minio', flag: 'backup' }],
    [{ Server: 'd' }, { upstream: 'other', flag: 'up' }],
  ])('%j, whatever the lines look like', async (inputs, found) => {
    expect(await find(inputs)).toMatchObject(found);
  });

  test.each([
    [
      'a:1',
      undefined,
      'NGINX_NO_SERVER',
      'has no server a:1 in any upstream; there are: a:9000 of minio, b:9000 of minio',
    ],
    ['d', 'minio', 'NGINX_NO_SERVER', 'has no server d in the upstream minio'],
    ['e:1', undefined, 'NGINX_NO_SERVER', 'has no server e:1'],
    ['a:9000', undefined, 'NGINX_AMBIGUOUS', 'more than once: in minio, other; say which with Upstream'],
  ])('refuses %s of %s', async (Server, Upstream, code, message) => {
    await expect(find({ Server, ...(Upstream === undefined ? {} : { Upstream }) })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});
