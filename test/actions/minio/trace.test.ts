/** Which access key a request was signed with, by each way of signing that S3 knows. */
import { expect, it } from 'vitest';
import { keyIn } from '../../../src/actions/minio/trace.ts';

const request = (headers: Record<string, string[]>, rawquery = '') => ({
  http: { request: { headers, rawquery } },
});

it.each([
  [
    'version 4',
    request({
      Authorization: [
        'AWS4-HMAC-SHA256 Credential=app1-2025/20261129/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0f',
      ],
    }),
    'app1-2025',
  ],
  ['version 2', request({ Authorization: ['AWS app1-2025:c2lnbmF0dXJl'] }), 'app1-2025'],
  [
    'a link of version 4',
    request({}, 'X-Amz-Credential=app1-2025%2F20261129%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0f'),
    'app1-2025',
  ],
  ['a link of version 2', request({}, 'AWSAccessKeyId=app1-2025&Signature=0f'), 'app1-2025'],
  ['nothing', request({}), undefined],
  ['another scheme', request({ Authorization: ['Bearer token'] }), undefined],
  ['no request at all', {}, undefined],
])('signed by %s', (_what, line, key) => {
  expect(keyIn(line)).toBe(key);
});
