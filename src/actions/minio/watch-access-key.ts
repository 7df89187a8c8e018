/**
 * minio:watchAccessKey: asks the cluster for a stated while who still uses an access key, before somebody disables it. The
 * trace shows what comes meanwhile; a job that runs once a night is seen only by a watch over a night.
 */
import { Type, type Static } from 'typebox';
import { defineAction, done, failed, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { askAny } from './ask-any.ts';
import { keyedInputs, openCluster } from './cluster.ts';
import { watchKey } from './trace.ts';

const namesShown = 20;

type Outputs = {
  readonly Requests: number;
  readonly UsedBy: string[];
  readonly Signed: number;
  readonly Seconds: number;
};

const inputs = strictObject({
  ...keyedInputs,
  Watched: Type.String({ minLength: 3, description: 'The access key that nobody should use any more.' }),
  Seconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 86_400,
      default: 60,
      description: 'How long. What comes more seldom is not seen.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const watchAccessKey = defineAction({
  name: 'minio:watchAccessKey',
  summary:
    'Watches all requests to a MinIO cluster for a while and fails, naming who, when one of them is signed with an access key that is to go.',
  source: 'https://github.com/minio/minio/blob/master/cmd/http-tracer.go',
  example: `
    - name: IsStillUsed
      action: minio:watchAccessKey
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'
        Watched: app1-2025
        Seconds: 300`,
  inputs,
  outputs: strictObject({
    Requests: Type.Integer({ description: 'That were signed with it.' }),
    UsedBy: Type.Array(Type.String(), {
      description:
        'Address, kind of request and program of each user, with the number of requests; the first 20.',
    }),
    Signed: Type.Integer({ description: 'All requests that were seen, by whichever key.' }),
    Seconds: Type.Integer(),
  }),
  timeoutSeconds: 90_000,
  secretInputs: ['AccessKey', 'SecretKey'],
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      const seconds = inputs.Seconds ?? 60;
      using cluster = await openCluster(inputs, context);
      context.notice(`watching for ${seconds} s who uses ${inputs.Watched}`);
      const { signed, uses } = await askAny(cluster, (node) =>
        watchKey(node, inputs, {
          accessKey: inputs.Watched,
          ms: seconds * 1_000,
          signal: context.signal,
          onUse: (by) => context.notice(`${inputs.Watched} is used by ${by}`),
        }),
      );
      const requests = uses.reduce((sum, use) => sum + use.requests, 0);
      const usedBy = uses.slice(0, namesShown).map((use) => `${use.by}: ${use.requests}`);
      const outputs: Outputs = { Requests: requests, UsedBy: usedBy, Signed: signed, Seconds: seconds };
      if (requests > 0) {
        const more = uses.length > usedBy.length ? ` and ${uses.length - usedBy.length} more` : '';
        return failed(
          'KEY_IN_USE',
          `${inputs.Watched} signed ${requests} requests within ${seconds} s: ${usedBy.join('; ')}${more}`,
          { outputs },
        );
      }
      return done(outputs, {
        note: `none of ${signed} requests within ${seconds} s was signed with ${inputs.Watched}`,
      });
    },
  },
  undo: { kind: 'notNeeded' },
});
