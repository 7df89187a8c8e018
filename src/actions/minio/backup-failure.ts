/** What stops a backup though Belay is not at fault: either server said no, or it or its host could not be asked. */
import { HostFailure } from '../../transports/host.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import { ActionFailure } from '../define-action.ts';

export type BackupFailure = S3Failure | HttpFailure | HostFailure | ActionFailure;

export const isBackupFailure = (error: unknown): error is BackupFailure =>
  [S3Failure, HttpFailure, HostFailure, ActionFailure].some((kind) => error instanceof kind);

/** How often one question to a server is asked when its connection fell silent or broke. */
export const triesMax = 3;

/**
 * Reading and writing the same object twice is harmless, so one connection that breaks does not end a night's backup. One that
 * fell silent is tried again only where every one of `servers` says something at all: a server that hangs is waited for once.
 */
export async function again<T>(
  servers: S3Client | readonly S3Client[],
  ask: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(attempt);
    } catch (error) {
      if (!(error instanceof HttpFailure) || !error.retryable || attempt === triesMax) throw error;
      if (error.code === 'NO_REPLY' && !(await allAnswer([servers].flat()))) throw error;
    }
  }
}

async function allAnswer(servers: readonly S3Client[]): Promise<boolean> {
  return (await Promise.all(servers.map((server) => server.answers()))).every(Boolean);
}

/** Undefined where the server says that there is no such object, or bucket. */
export async function unlessMissing<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof S3Failure && error.status === 404) return undefined;
    throw error;
  }
}
