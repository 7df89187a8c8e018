/** An S3 server (or MinIO's admin API) that answered and said no, and what that means to an operator. */

/** Answers of a server that cannot serve now, though the object may be there. */
const busy =
  /^(?:SlowDown|SlowDownRead|SlowDownWrite|ServerBusy|ServiceUnavailable|InternalError|RequestTimeout|XMinioServerNotInitialized|XMinioStorageInsufficientReadResources|XMinioReadQuorum|XMinioWriteQuorum)$/;

const hints: Readonly<Record<string, string>> = {
  RequestTimeTooSkewed: 'Compare the clock of this machine with that of the server.',
  SignatureDoesNotMatch: 'The secret key is not the one of this access key.',
  InvalidAccessKeyId: 'Check the access key, and whether it is enabled.',
  AccessDenied: 'The policy of the access key does not allow it.',
  BucketAlreadyExists: 'The bucket belongs to somebody else: choose another name, or give a prefix.',
  XMinioStorageFull: 'Drives of the cluster are full.',
  XMinioServerNotInitialized: 'The node has not joined the cluster (yet).',
  SlowDownWrite:
    'The node does not reach enough drives: it is within seconds of a start, or drives are away.',
  SlowDownRead: 'The node does not reach enough drives: it is within seconds of a start, or drives are away.',
};

export class S3Failure extends Error {
  override readonly name = 'S3Failure';
  /** S3's own: `NoSuchKey`. */
  readonly code: string;
  readonly status: number;
  /** What the server said, in its words. */
  readonly said: string;
  readonly retryable: boolean;
  readonly effect = 'known';

  constructor(failure: { code: string; status: number; said: string; what: string }) {
    const { code, status, said, what } = failure;
    const hint = Object.hasOwn(hints, code) ? hints[code] : undefined;
    super(
      `${what}: ${status} ${code}${said === '' ? '' : `, "${said}"`}${hint === undefined ? '' : `\n${hint}`}`,
    );
    this.code = code;
    this.status = status;
    this.said = said;
    this.retryable = busy.test(code) || status === 503;
  }

  /** The server cannot serve now: the answer says nothing about whether the object is there. */
  get isBusy(): boolean {
    return this.retryable;
  }
}

/** `what`: `minio1 port 9000: GET docs/a.txt`. The answer's body is XML from S3, JSON from the admin API, or something else. */
export async function refusal(what: string, status: number, body: string): Promise<S3Failure> {
  const { code, said } = (await readRefusal(body)) ?? {
    code: nameOf(status),
    said: body.trim().slice(0, 200),
  };
  return new S3Failure({ code, status, said, what });
}

async function readRefusal(body: string): Promise<{ code: string; said: string } | undefined> {
  try {
    if (body.trimStart().startsWith('{')) {
      const parsed: unknown = JSON.parse(body);
      if (typeof parsed !== 'object' || parsed === null || !('Code' in parsed)) return undefined;
      return { code: String(parsed.Code), said: 'Message' in parsed ? String(parsed.Message) : '' };
    }
    const { XmlReply } = await import('./xml.ts');
    const error = new XmlReply(body).root('Error');
    return error === undefined ? undefined : { code: error.text('Code'), said: error.text('Message') };
  } catch {
    return undefined;
  }
}

/** HEAD has no body to say it in. */
function nameOf(status: number): string {
  return { 403: 'AccessDenied', 404: 'NotFound', 503: 'SlowDown' }[status] ?? `HTTP_${status}`;
}
