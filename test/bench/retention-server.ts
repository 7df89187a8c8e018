/** A process of its own that answers as MinIO does about many buckets, at once: what Belay takes is then Belay's. Prints its port. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [bucketCount = 1, objectsEach = 1] = process.argv.slice(2).map(Number);
const pageMax = 1_000;

const buckets = Array.from({ length: bucketCount }, (_, index) => `bucket-${String(index).padStart(4, '0')}`);
const rule =
  '<LifecycleConfiguration><Rule><ID>belay-expiry</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><Days>1825</Days></Expiration></Rule></LifecycleConfiguration>';
const keyOf = (index: number): string => `documents/of/some/customer/${String(index).padStart(9, '0')}.pdf`;
const pages = new Map<string, string>();

function page(after: string): string {
  const known = pages.get(after);
  if (known !== undefined) return known;
  const from = after === '' ? 0 : Number(/(\d+)\.pdf$/.exec(after)?.[1]) + 1;
  const until = Math.min(from + pageMax, objectsEach);
  const entries = Array.from(
    { length: until - from },
    (_, at) =>
      `<Contents><Key>${encodeURIComponent(keyOf(from + at))}</Key><LastModified>2026-11-0${1 + (at % 9)}T06:00:00.000Z</LastModified><ETag>&#34;d41d8cd98f00b204e9800998ecf8427e&#34;</ETag><Size>1234</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  );
  const xml = `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${until < objectsEach}</IsTruncated>${entries.join('')}</ListBucketResult>`;
  pages.set(after, xml);
  return xml;
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://stub');
  const has = (name: string): boolean => url.searchParams.has(name);
  if (url.pathname.startsWith('/minio/health')) response.end();
  else if (url.pathname.startsWith('/minio/admin'))
    response.end(JSON.stringify({ servers: [{ endpoint: 'n1', state: 'online', uptime: 1_000 }] }));
  else if (url.pathname === '/') {
    const names = buckets.map((name) => `<Bucket><Name>${name}</Name></Bucket>`);
    response.end(`<ListAllMyBucketsResult><Buckets>${names.join('')}</Buckets></ListAllMyBucketsResult>`);
  } else if (has('versioning')) response.end('<VersioningConfiguration></VersioningConfiguration>');
  else if (has('lifecycle')) response.end(rule);
  else if (has('list-type')) response.end(page(url.searchParams.get('start-after') ?? ''));
  else response.writeHead(404).end();
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
