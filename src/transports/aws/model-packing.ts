/** A model ↔ the bytes of its file under models/. */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { ServiceModel } from './model-format.ts';

/** The largest model unpacks to some 2 MB; a file that grows beyond this is not one of ours. */
const UNPACKED_BYTES_MAX = 16 * 1024 * 1024;

export function packModel(model: ServiceModel): Buffer {
  const text = print(model);
  return brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
}

/** Throws where the bytes are not whole. */
export function unpackModel(bytes: Buffer): ServiceModel {
  const text = brotliDecompressSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX }).toString('utf8');
  const model: ServiceModel = JSON.parse(text);
  return model;
}

/** One entry per line, so that two unpacked models can be compared with `diff`. */
function print(model: ServiceModel): string {
  const lines = (entries: Readonly<Record<string, unknown>>): string =>
    Object.entries(entries)
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      .join(',\n');
  return [
    `{"service":${JSON.stringify(model.service)},`,
    `"botocore":${JSON.stringify(model.botocore)},`,
    `"metadata":${JSON.stringify(model.metadata)},`,
    `"endpointRules":${JSON.stringify(model.endpointRules)},`,
    `"operations":{\n${lines(model.operations)}\n},`,
    `"shapes":{\n${lines(model.shapes)}\n}}\n`,
  ].join('\n');
}
