/**
 * Refusals by which AWS says "later": nothing has happened, and the same call goes through once something has passed – a rate,
 * a limit on what may be pending or go on at once, a change that is under way. A quota that nobody but AWS or the
 * account's owner lifts is none of them.
 */

export interface Later {
  /** How long AWS asks to wait, in ms. Undefined: it names no time, and pauses grow from try to try. */
  readonly afterMs: number | undefined;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly httpStatus?: number | undefined;
  /** Of a Retry-After header. */
  readonly retryAfterMs?: number | undefined;
}

/** A rate of requests, whatever a service calls it. */
const rate =
  /Throttl|^RequestLimitExceeded|TooManyRequests|^TooManyUpdates$|SlowDown|RateExceeded|BandwidthLimitExceeded|ProvisionedThroughputExceeded|^PriorRequestNotComplete$|^TransactionInProgressException$/;
/** "at least six hours after the last one": no step waits for that. */
const tooLong = /^VolumeModificationRateExceeded$/;

/** What ends by itself: other work of the same kind, or the change that the resource is in. */
const passing =
  /\b(?:concurrent(?:ly)?|simultaneous(?:ly)?|pending|in[- ]progress|under ?way|being (?:created|updated|modified|deleted|processed)|currently (?:being|updating|creating|deleting))\b|_IN_PROGRESS\b|\b(?:try|retry)(?:ing)? (?:again|later|after|your request)\b/i;
/** Limits and conflicts: "later" only where their own words say that they pass. */
const limitOrConflict =
  /LimitExceeded|QuotaExceeded|^MaxNumberOf|ResourceInUse|ResourceConflict|ConflictException$|^ResourceNotReady|^OperationNotPermittedException$/;
/** Those whose code says it all. */
const passingCode =
  /^(?:Concurrent|Pending)\w*LimitExceeded|^Concurrent(?:Modification|Update|Operation|Access|TagAccess|ResourceModification)(?:Exception|Error)?$|^OperationInProgress(?:Exception)?$|^ResourceNotReadyException$|^(?:AutomationExecution|Execution)LimitExceeded(?:Exception)?$|^PendingVerification$/;
/** CloudFormation has one code for everything that it refuses. */
const stackIsBusy = /\bis in \w+_IN_PROGRESS state and can ?not be\b/;

/** EC2: "AWS recommends that you wait 15 seconds"; what is pending or concurrent is looked at as rarely by AWS's own waiters. */
const limitMs = 15_000;
/** https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigRulesEvaluation.html: one evaluation at a time. */
const evaluationsAtOnce = /\bconfig StartConfigRulesEvaluation\b/;
/** How many snapshots are copied at once (EC2 has the same code for limits that do not pass). */
const copiesAtOnce = /\bec2 Copy(?:Snapshot|Image)\b/;

/** The longest that a Retry-After is believed, in ms. */
const retryAfterMsMax = 3_600_000;

/** Undefined: it is not a matter of time. `message` may be Belay's own sentence around that of AWS. */
export function laterOf({ code, message, httpStatus, retryAfterMs }: Refusal): Later | undefined {
  if (tooLong.test(code)) return undefined;
  if (retryAfterMs !== undefined && (httpStatus === 429 || httpStatus === 503 || isLater(code, message)))
    return { afterMs: Math.min(retryAfterMs, retryAfterMsMax) };
  if (httpStatus === 429) return { afterMs: undefined };
  if (code === 'SnapshotCreationPerVolumeRateExceeded') return { afterMs: limitMs };
  if (rate.test(code)) return { afterMs: undefined };
  return isLater(code, message) ? { afterMs: limitMs } : undefined;
}

function isLater(code: string, message: string): boolean {
  if (rate.test(code) || passingCode.test(code)) return true;
  if (code === 'ValidationError') return stackIsBusy.test(message);
  if (/^LimitExceeded(?:Exception)?$/.test(code) && /\brate\b|\bthrottl/i.test(message)) return true;
  if (/^(?:LimitExceeded|ResourceInUse)Exception$/.test(code) && evaluationsAtOnce.test(message)) return true;
  if (code === 'ResourceLimitExceeded' && copiesAtOnce.test(message)) return true;
  return limitOrConflict.test(code) && passing.test(message);
}

/** Retry-After in seconds or as a date (RFC 9110, 10.2.3); undefined: absent or neither. `now` in ms since 1970. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}(?:\.\d{1,3})?$/.test(text)) return Number(text) * 1_000;
  const at = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)
    ? Date.parse(text)
    : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
