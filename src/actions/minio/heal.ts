/**
 * minio:heal: makes every object whole on every drive, pass after pass until one finds nothing to do. What is written
 * while a node is away stays incomplete after its return, and the health endpoints do not show it.
 */
import { Type } from 'typebox';
import { S3Failure } from '../../transports/s3/failure.ts';
import { defineAction, done, failed, pending, type ActionContext, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { askAny, mayPass } from './ask-any.ts';
import { keyedInputs, openCluster, type Cluster, type KeyedInputs } from './cluster.ts';
import { beginPass, followPass, type HealPass } from './heal-sequence.ts';

const askAgainMs = 500;
/** How long the node that heals may be out of reach before the pass is given up and begun anew, in ms. */
const outOfReachMsMax = 60_000;

type Inputs = KeyedInputs & { readonly PassesMax?: number };
type Outputs = {
  readonly Passes: number;
  readonly Scanned: number;
  readonly Healed: number;
  readonly Failed: string[];
};

/** Kept while one runner follows; a runner that resumes begins a pass anew, which costs time and nothing else. */
interface Progress {
  passes: number;
  healed: number;
  current: { readonly pass: HealPass; readonly node: string } | undefined;
  troubleSince: number | null;
}
const progressOf = new WeakMap<object, Progress>();

export const heal = defineAction({
  name: 'minio:heal',
  summary:
    'Heals every object of a MinIO cluster until a pass finds nothing left, and fails for what could not be made whole.',
  source: 'https://github.com/minio/minio/blob/master/cmd/admin-heal-ops.go',
  example: `
    - name: Heal
      action: minio:heal
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'`,
  inputs: strictObject({
    ...keyedInputs,
    PassesMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        default: 10,
        description: 'After so many passes that still healed something it is given up.',
      }),
    ),
  }),
  outputs: strictObject({
    Passes: Type.Integer(),
    Scanned: Type.Integer({ description: 'Objects and versions that the last pass looked at.' }),
    Healed: Type.Integer({ description: 'In all passes.' }),
    Failed: Type.Array(Type.String(), {
      description: 'The first of what the last pass could not heal, and why.',
    }),
  }),
  timeoutSeconds: 24 * 3_600,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, _before, context): Promise<Poll<Outputs>> => {
      const progress = progressOf.get(inputs) ?? {
        passes: 0,
        healed: 0,
        current: undefined,
        troubleSince: null,
      };
      progressOf.set(inputs, progress);
      using cluster = await openCluster(inputs, context);
      try {
        const answer = await advance(inputs, progress, cluster, context);
        progress.troubleSince = null;
        return answer;
      } catch (error) {
        if (error instanceof S3Failure && error.code === 'XMinioHealInvalidClientToken') {
          progress.current = undefined;
          return pending(askAgainMs, 'the pass was ended by somebody else; a new one begins');
        }
        if (!mayPass(error)) throw error;
        progress.troubleSince ??= context.now();
        if (context.now() - progress.troubleSince >= outOfReachMsMax) throw error;
        return pending(1_000, `waiting: ${error.message}`);
      }
    },
  },
  undo: {
    kind: 'none',
    reason: 'objects that are whole need not be damaged again',
    leavesChange: false,
  },
});

async function advance(
  inputs: Inputs,
  progress: Progress,
  cluster: Cluster,
  { signal }: ActionContext,
): Promise<Poll<Outputs>> {
  const { current } = progress;
  if (current === undefined) {
    progress.current = await askAny(cluster, async (node) => ({
      pass: await beginPass(node, inputs, signal),
      node: node.name,
    }));
    return pending(askAgainMs, `pass ${progress.passes + 1} begins`);
  }
  const { pass } = current;
  const node = cluster.nodes.find(({ name }) => name === current.node);
  if (node === undefined) throw new Error('the hosts of a step do not change');
  const state = await followPass(node, inputs, pass, signal);
  if (state.kind === 'running') {
    return pending(
      askAgainMs,
      `pass ${progress.passes + 1}: ${pass.scanned} objects looked at, ${pass.healed} healed`,
    );
  }
  progress.current = undefined;
  progress.healed += pass.healed;
  if (state.kind === 'forgotten') {
    return pending(askAgainMs, `${node.name} was restarted and knows nothing of the pass; a new one begins`);
  }
  progress.passes += 1;
  const outputs: Outputs = {
    Passes: progress.passes,
    Scanned: pass.scanned,
    Healed: progress.healed,
    Failed: pass.failures,
  };
  if (state.kind === 'stopped') {
    return failed('HEAL_STOPPED', `pass ${progress.passes} was stopped: ${state.why}`, {
      outputs,
      retryable: true,
    });
  }
  if (pass.healed > 0 && progress.passes < (inputs.PassesMax ?? 10)) {
    return pending(askAgainMs, `pass ${progress.passes} healed ${pass.healed}; another one follows`);
  }
  if (pass.failed > 0) {
    const more = pass.failed > pass.failures.length ? ` and ${pass.failed - pass.failures.length} more` : '';
    return failed(
      'COULD_NOT_HEAL',
      `${pass.failed} could not be made whole, though MinIO says success: ${pass.failures.join('; ')}${more}.\nReplace no drive and stop no node until it is known why.`,
      { outputs },
    );
  }
  if (pass.healed > 0) {
    return failed('STILL_HEALING', `after ${progress.passes} passes the last still healed ${pass.healed}`, {
      outputs,
      retryable: true,
    });
  }
  return done(outputs, {
    note: `${progress.healed} healed, ${pass.scanned} looked at; the last of ${progress.passes} passes found nothing`,
  });
}
