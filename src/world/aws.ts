/**
 * The AWS port over the sandbox. What it does not model – an operation, a member, a filter, a region – it refuses by
 * name with NOT_MODELLED; it never answers as if it had done it.
 */
import type { Json, JsonObject } from '../json.ts';
import { AwsFailure, type Aws, type AwsCall, type AwsModels } from '../transports/aws.ts';
import type { Operation } from './aws/operation.ts';
import { AwsNotModelled, AwsRefusal } from './aws/refusal.ts';
import { mask } from './aws/mask.ts';
import { Params } from './aws/params.ts';
import { services } from './aws/services.ts';
import { hash, uuidOf } from './ids.ts';
import { note } from './note.ts';
import type { World } from './world.ts';

/**
 * `models` checks calls offline, as the real client does before it sends them; without them a misspelt member is
 * refused as one that the sandbox does not model.
 */
export function sandboxAws(world: World, models?: AwsModels): Aws {
  let requests = 0;
  return view(world.look().callerArn);

  function view(callerArn: string, viewRegion?: string): Aws {
    return {
      call: async (written, { reveal = false } = {}) => {
        const found = resolve(written, models);
        const params =
          models?.canonical?.(written.service, written.operation, written.params) ?? written.params;
        const call = { ...written, params };
        const context: Context = { ...found, region: call.region ?? viewRegion ?? world.look().region };
        requests += 1;
        const requestId = uuidOf(hash('request', requests));
        const reply = await serve(call, callerArn, context, requestId);
        return {
          ...(reveal ? reply : mask(reply, context.model?.sensitive ?? [])),
          ResponseMetadata: { RequestId: requestId, HTTPStatusCode: 200 },
        };
      },
      identity: async (signal) => {
        if (signal?.aborted === true)
          throw cancelled({ service: 'sts', operation: 'GetCallerIdentity', region: world.look().region });
        const { account, region, partition } = world.look();
        return { account, arn: callerArn, region: viewRegion ?? region, partition };
      },
      assume: (roleArn, region = viewRegion) => view(sessionArn(roleArn), region),
    };
  }

  async function serve(
    call: AwsCall,
    callerArn: string,
    context: Context,
    requestId: string,
  ): Promise<JsonObject> {
    const { model } = context;
    if (call.signal?.aborted === true) throw cancelled(context);
    const problems = models?.check(context.service, context.operation, call.params) ?? [];
    const first = problems.find(({ code }) => code !== 'WRONG_VALUE' && code !== 'UNKNOWN_VALUE');
    if (first) throw failure(context, 'BAD_PARAMETERS', first.message);
    const { region } = world.look();
    if (context.region !== region) throw notModelled(context, `the region ${context.region}, only ${region}`);
    if (!model) throw notModelled(context, `${context.service}:${context.operation}`);

    const params = new Params(withToken(model, call));
    try {
      params.onlyKnows([...model.members, 'DryRun']);
      const request = { params, now: world.now(), callerArn };
      if (!model.changes) return model.run({ ...request, state: structuredClone(world.look()) });
      if (params.flag('DryRun')) {
        model.run({ ...request, state: structuredClone(world.look()) });
        throw new AwsRefusal('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
      }
      return await world.change((state) => {
        const reply = model.run({ ...request, state });
        note(state, request.now, `${context.service}:${context.operation}`, subjectOf(call.params, reply));
        return reply;
      });
    } catch (error) {
      if (error instanceof AwsNotModelled) throw notModelled(context, error.message);
      if (!(error instanceof AwsRefusal)) throw error;
      throw failure(context, error.code, `was refused: ${error.code}: ${sentence(error.message)}`, {
        httpStatus: error.httpStatus,
        requestId,
      });
    }
  }
}

interface Context {
  readonly service: string;
  readonly operation: string;
  readonly region: string;
  readonly model?: Operation;
}

/** The modelled operation under any spelling; without one, the names as they were given. */
function resolve(
  call: Pick<AwsCall, 'service' | 'operation'>,
  models: AwsModels | undefined,
): Omit<Context, 'region'> {
  const known = models?.resolve(call.service, call.operation);
  const service = Object.keys(services).find((name) => isSame(name, known?.service ?? call.service));
  if (service === undefined)
    return { service: known?.service ?? call.service, operation: known?.operation ?? call.operation };
  const found = Object.entries(services[service] ?? {}).find(([name]) => isSame(name, call.operation));
  return found
    ? { service, operation: found[0], model: found[1] }
    : { service, operation: known?.operation ?? call.operation };
}

/** Whether the call, if it is modelled, changes something. */
export function changesWorld(call: Pick<AwsCall, 'service' | 'operation'>): boolean {
  return resolve(call, undefined).model?.changes ?? false;
}

function isSame(a: string, b: string): boolean {
  const letters = (name: string) => name.replaceAll(/[-_]/g, '').toLowerCase();
  return letters(a) === letters(b);
}

function withToken({ tokenMember }: Operation, { params, token }: AwsCall): JsonObject {
  if (tokenMember === undefined || token === undefined || params[tokenMember] !== undefined) return params;
  return { ...params, [tokenMember]: token };
}

/** What the call was about, for the journal. */
function subjectOf(params: JsonObject, reply: JsonObject): string {
  const from = { ...params, ...reply };
  const ids = ['SnapshotId', 'VolumeId', 'InstanceIds', 'InstanceId', 'Resources', 'Name', 'TopicArn'];
  const value: Json = ids.map((key) => from[key]).find((one) => one !== undefined) ?? '-';
  return Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : '-';
}

/** `arn:aws:sts::123456789012:assumed-role/Patcher/belay` for `arn:aws:iam::123456789012:role/ops/Patcher`. */
function sessionArn(roleArn: string): string {
  const [, partition = 'aws', , , account = '', resource = ''] = roleArn.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${resource.split('/').at(-1) ?? resource}/belay`;
}

function failure(
  { service, operation, region }: Context,
  code: string,
  says: string,
  more: { readonly httpStatus?: number; readonly requestId?: string } = {},
): AwsFailure {
  const message = code === 'BAD_PARAMETERS' ? says : `${service} ${operation} in ${region} ${says}`;
  return new AwsFailure({ code, message, retryable: false, effect: 'none', ...more });
}

function notModelled(context: Context, what: string): AwsFailure {
  return failure(
    context,
    'NOT_MODELLED',
    `was refused: the sandbox does not model ${sentence(what)} Nothing was changed; run it without --sandbox.`,
  );
}

function cancelled(context: Context): AwsFailure {
  return failure(context, 'CANCELLED', 'was cancelled before it was sent.');
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
