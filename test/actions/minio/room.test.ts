/** Which drives are too full to take a node away, and how far clocks are apart. */
import { describe, expect, it } from 'vitest';
import type { ClusterDrive } from '../../../src/actions/minio/admin.ts';
import { roomOn, spreadOf } from '../../../src/actions/minio/room.ts';

const drive = (endpoint: string, more: Partial<ClusterDrive> = {}): ClusterDrive => ({
  id: endpoint,
  endpoint,
  path: `/${endpoint}`,
  state: 'ok',
  healing: false,
  set: '0/0',
  totalBytes: 1_000,
  freeBytes: 500,
  freeInodes: 900,
  usedInodes: 100,
  ...more,
});
const wanted = { spacePercent: 10, inodesPercent: 10 };

describe('room', () => {
  it('is enough where every drive has as much as is wanted', () => {
    expect(roomOn([drive('a'), drive('b', { freeBytes: 100 })], wanted)).toEqual({
      space: 10,
      inodes: 90,
      short: [],
    });
  });

  it('names each drive that has too little space, or too few inodes', () => {
    const drives = [drive('a', { freeBytes: 99 }), drive('b', { freeInodes: 5, usedInodes: 95 }), drive('c')];
    expect(roomOn(drives, wanted).short).toEqual([
      'a has 9 % of its space free',
      'b has 5 % of its inodes free',
    ]);
  });

  it('is not judged of a drive that is out, or that does not say', () => {
    expect(roomOn([drive('a', { state: 'offline', freeBytes: 0 })], wanted).short).toEqual([]);
    expect(
      roomOn([drive('a', { totalBytes: 0, freeBytes: 0, freeInodes: 0, usedInodes: 0 })], wanted),
    ).toEqual({
      space: null,
      inodes: null,
      short: [],
    });
  });
});

it('clocks are as far apart as the two that differ most', () => {
  const clocks = [-2, 0, 40].map((aheadSeconds, index) => ({ host: `n${index}`, aheadSeconds }));
  expect(spreadOf(clocks)).toBe(42);
  expect(spreadOf([])).toBe(0);
});
