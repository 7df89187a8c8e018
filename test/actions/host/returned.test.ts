import { describe, expect, test } from 'vitest';
import { returned } from '../../../src/actions/host/returned.ts';
import { parseFields } from '../../../src/actions/scripts/fields.ts';
import type { Host } from '../../../src/transports/host.ts';

const host = { name: 'h1', label: 'h1 (10.0.0.1)' } as Host;
const judge = (text: string, late: string | null = null) => returned(host, parseFields(text), late);
const late = '60 s after the order to reboot';

describe('a host that was rebooted', () => {
  test('is waited for while it boots, and the job that it waits for is named', () => {
    expect(judge('system=starting\njob=big-data.mount\nmissing=/srv/data')).toEqual({
      kind: 'waiting',
      notice: 'booting, waiting for big-data.mount',
    });
    expect(judge('system=starting\nmissing=/srv/data', late)).toMatchObject({ code: 'MOUNT_MISSING' });
  });

  test('is whole when all is mounted and every service active, though another unit of it failed', () => {
    expect(judge('system=degraded\nunit=minio active enabled success ')).toEqual({ kind: 'whole' });
  });

  test('with another file system at a path is told by both UUIDs, and what was kept from starting', () => {
    expect(
      judge('system=degraded\nother=/mnt/disk1 /dev/xvdg aaaa bbbb\nunit=minio inactive enabled success '),
    ).toMatchObject({
      kind: 'broken',
      code: 'MOUNT_SWAPPED',
      message: expect.stringMatching(
        /at \/mnt\/disk1 is \/dev\/xvdg \(UUID bbbb\), before it was UUID aaaa\. minio was kept from starting/,
      ),
    });
  });

  test('with a service that is still coming is waited for, until time is up', () => {
    const text = 'system=running\nunit=a active enabled success \nunit=b activating enabled success ';
    expect(judge(text)).toEqual({ kind: 'waiting', notice: 'waiting for b' });
    expect(judge(text, late)).toMatchObject({
      code: 'SERVICE_FAILED',
      message:
        'h1 (10.0.0.1) was rebooted, every mount is at its path, and b is activating, 60 s after the order to reboot',
    });
  });

  test('with a service that no boot would start says so at once', () => {
    expect(judge('system=running\nunit=a inactive disabled success ')).toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringContaining('a is inactive: it is not enabled'),
    });
  });
});
