/** One try to deliver a message by a channel: its secrets are read now, and forgotten after. */
import { publishMessage } from '../../actions/index.ts';
import { secretsOf, urlProblem, type Way } from '../../notify/index.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import { commandMessage } from '../../transports/messages/command.ts';
import { answered, attemptMs, type Delivery, type Letter } from '../../transports/messages/delivery.ts';
import { readText } from '../read-text.ts';
import { Refusal } from '../refusal.ts';
import { readSecret } from '../secrets/references.ts';
import { Redactor } from '../secrets/redactor.ts';

export interface Sending {
  readonly env: NodeJS.ProcessEnv;
  readonly aws: () => Aws;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Never throws for what a receiver, a file or a secret does. */
export async function send(way: Way, letter: Letter, sending: Sending): Promise<Delivery> {
  const secrets = new Map<string, string>();
  for (const [name, reference] of Object.entries(secretsOf(way))) {
    const reading = await readSecret(reference, {
      env: sending.env,
      stdin: () => Promise.resolve(''),
      aws: () => Promise.resolve(sending.aws()),
    });
    if ('trouble' in reading) return { kind: 'failed', why: `its ${name}: ${answered(reading.trouble)}` };
    secrets.set(name, reading.value);
  }
  const redactor = new Redactor(secrets.values());
  const delivery = await sendBy(way, letter, secrets, sending);
  // Whatever a receiver sends back, in whichever form: no secret of a channel is kept or shown.
  return delivery.kind === 'delivered'
    ? { ...delivery, receipt: redactor.text(delivery.receipt) }
    : { ...delivery, why: redactor.text(delivery.why) };
}

async function sendBy(
  way: Way,
  letter: Letter,
  secrets: ReadonlyMap<string, string>,
  { env, aws, now, signal }: Sending,
): Promise<Delivery> {
  switch (way.kind) {
    case 'sns':
      return publish(way, letter, aws(), signal);
    case 'webhook': {
      const url = secrets.get('url') ?? way.url.value;
      const problem = urlProblem(url);
      if (problem !== undefined) return { kind: 'failed', why: `its url ${problem.message}` };
      const ca = certificates(way.caFile, env);
      if ('why' in ca) return { kind: 'failed', ...ca };
      const [signWith, bearer] = [secrets.get('signWith'), secrets.get('bearer')];
      const { postMessage } = await import('../../transports/messages/webhook.ts');
      return postMessage(
        {
          url,
          format: way.format,
          ...(signWith === undefined ? {} : { signWith }),
          ...(bearer === undefined ? {} : { bearer }),
          ...ca,
        },
        letter,
        { now: now(), signal },
      );
    }
    case 'email': {
      const ca = certificates(way.caFile, env);
      if ('why' in ca) return { kind: 'failed', ...ca };
      const { server, port, security, from, to, user } = way;
      const password = secrets.get('password');
      const { mailMessage } = await import('../../transports/messages/email.ts');
      return mailMessage(
        {
          server,
          port,
          security,
          from,
          to,
          ...(user === undefined ? {} : { user }),
          ...(password === undefined ? {} : { password }),
          ...ca,
        },
        letter,
        { signal },
      );
    }
    case 'command':
      return commandMessage(way, letter, { env, signal });
    default:
      return way satisfies never;
  }
}

function certificates(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): { readonly ca?: string } | { readonly why: string } {
  if (file === undefined) return {};
  try {
    return { ca: readText(file, { env }).text };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { why: `its caFile: ${answered(error.message)}` };
  }
}

/** FIFO topics drop the second message of the same id, for five minutes. */
async function publish(
  { topicArn, group }: Extract<Way, { kind: 'sns' }>,
  { id, subject, text, fields }: Letter,
  aws: Aws,
  signal: AbortSignal,
): Promise<Delivery> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]);
  try {
    const messageId = await publishMessage(
      {
        topicArn,
        message: text,
        subject,
        group,
        deduplicationId: id,
        attributes: { event: fields['event'] || 'summary', messageId: id },
      },
      { aws, signal: limit },
    );
    return { kind: 'delivered', receipt: messageId };
  } catch (error) {
    if (limit.aborted) {
      const why = signal.aborted
        ? 'it had not answered when Belay ended'
        : `it did not answer within ${attemptMs / 1000} s`;
      return { kind: 'failed', why: `${topicArn}: ${why}` };
    }
    if (error instanceof AwsFailure)
      return { kind: 'failed', why: `${error.code}: ${answered(error.message)}` };
    throw error;
  }
}
