/** How a modelled AWS says no. */

/** The service's own no, with its real error code. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal';
  readonly code: string;
  readonly httpStatus: number;

  constructor(code: string, message: string, httpStatus = 400) {
    super(message);
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

/** The call is fine for AWS, but the sandbox does not model it. `what` completes "the sandbox does not model". */
export class AwsNotModelled extends Error {
  override readonly name = 'AwsNotModelled';
}
