/** `files:`, the attachments of a document: name → checksum, in the spellings that AWS takes. */
import { checkKeys, readInteger, readMap, readText, type MapReader } from './read-keys.ts';
import type { Addition } from './draft.ts';
import type { Attachment } from './types.ts';

const checksumKeys = ['sha256', 'SHA256', 'sha-256', 'SHA-256'];

/** Undefined: the document has none. */
export function parseFiles(
  reader: MapReader,
  additions: Addition[],
): Readonly<Record<string, Attachment>> | undefined {
  const { report } = reader;
  const map = readMap(reader, 'files');
  if (map === undefined) return undefined;
  const files = new Map<string, Attachment>();
  for (const { key, keySpan, value } of map.value.entries.values()) {
    if (!isFileName(key)) {
      report.error(
        'WRONG_VALUE',
        keySpan,
        `${JSON.stringify(key)} is not a name of a file beside the document`,
      );
      continue;
    }
    if (value.kind !== 'map') {
      report.error('WRONG_TYPE', keySpan, `the file ${key} must be a map with checksums`);
      continue;
    }
    const file: MapReader = { node: value, what: `the file ${key}`, report };
    checkKeys(file, ['checksums', 'size', 'source']);
    const source = readSource(file, additions);
    const size = readInteger(file, 'size', 0);
    const sha256 = readChecksum(file, key);
    if (sha256 !== undefined)
      files.set(key, {
        sha256,
        ...(size === undefined ? {} : { size }),
        ...(source === undefined ? {} : { source }),
      });
  }
  return Object.fromEntries(files);
}

function readSource(file: MapReader, additions: Addition[]): string | undefined {
  const source = readText(file, 'source');
  const entry = file.node.entries.get('source');
  if (source === undefined || entry === undefined) return undefined;
  additions.push({ name: 'source', span: entry.keySpan });
  if (/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/.+$/.test(source)) return source;
  file.report.error('WRONG_VALUE', entry.value.span, `source of ${file.what} must be s3://bucket/key`);
  return undefined;
}

/** Neither a path nor hidden: it is looked for in one folder. */
function isFileName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name);
}

/** A checksum that cannot be one is a warning: AWS shows documents so, and their files are refused when they are read. */
function readChecksum(file: MapReader, name: string): string | undefined {
  const map = readMap(file, 'checksums');
  if (map === undefined) {
    file.report.error('MISSING_KEY', file.node.span, `${file.what} needs checksums with sha256`);
    return undefined;
  }
  const inner: MapReader = { node: map.value, what: `checksums of ${name}`, report: file.report };
  checkKeys(inner, checksumKeys);
  const key = checksumKeys.find((known) => map.value.entries.has(known));
  const text = key === undefined ? undefined : readText(inner, key);
  if (key === undefined || text === undefined) {
    if (key === undefined) file.report.error('MISSING_KEY', map.keySpan, `checksums of ${name} need sha256`);
    return undefined;
  }
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    const at = map.value.entries.get(key)?.value.span ?? map.keySpan;
    file.report.warn(
      'WRONG_VALUE',
      at,
      `the sha256 of ${name} is not a checksum of 64 hex digits: no file has it`,
    );
  }
  return text.toLowerCase();
}
