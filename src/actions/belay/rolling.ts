/** belay:rolling: nested steps for one target after another. The engine runs it; here it says what it takes, and finds its targets. */
import { Type, type Static } from 'typebox';
import { runByTheEngine } from '../run-by-the-engine.ts';
import { ActionFailure, defineAction } from '../define-action.ts';
import { share } from '../share.ts';
import { strictObject } from '../strict-object.ts';

const names = Type.Array(Type.String());

const inputs = strictObject({
  Targets: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    description:
      'Hosts of the inventory, each once and in this order: names, ranges (minio{01..04}), group:NAME, tag:KEY=VALUE.',
  }),
  MaxUnavailable: Type.Optional(
    share(
      1,
      'How many targets may be in their turn at once, 2 or 10%, never more than MaxErrors allows to fail: those in flight count as failed. Default 1.',
    ),
  ),
  MaxErrors: Type.Optional(
    share(
      0,
      'How many targets may fail before no further one is begun, 2 or 10%. Targets that cannot be reached count as failed. Default 0.',
    ),
  ),
  Order: Type.Optional(Type.Union([Type.Literal('listed'), Type.Literal('reversed')], { default: 'listed' })),
  BakeSeconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 86_400,
      default: 0,
      description: 'How long to wait after a turn before the next one.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const rolling = defineAction({
  name: 'belay:rolling',
  summary:
    'Runs its nested steps for one target after another, asks a gate before and after each, and stops when too many failed.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-scale-controls.html',
  example: `
- name: PatchNodes
  action: belay:rolling
  inputs:
    Targets: ['group:minio']
    BakeSeconds: 30
    Gate:
      - name: IsHealthy
        action: http:check
        inputs: { Url: 'https://minio.example.com/minio/health/cluster', WaitSeconds: 60 }
    Steps:
      - name: Stop
        action: host:service
        inputs: { Host: '{{ PatchNodes.Target }}', Name: minio, State: stopped }
      - name: Patch
        action: host:package
        inputs: { Host: '{{ PatchNodes.Target }}', Names: [openssl] }
      - name: Start
        action: host:service
        inputs: { Host: '{{ PatchNodes.Target }}', Name: minio, State: started }
`,
  inputs,
  nests: {
    scope: 'turn',
    lists: {
      Gate: {
        description:
          'Steps that only look. They must hold before and after each turn, and between targets while climbing down.',
        required: false,
        readsOnly: true,
      },
      Steps: {
        description:
          'The steps of one turn. Each undoes itself, on every target that was touched, newest first.',
        required: true,
        readsOnly: false,
      },
    },
    outputs: ['Target', 'Others', 'Targets'],
  },
  outputs: strictObject({ Targets: names, Succeeded: names, Failed: names, NotStarted: names }),
  timeoutSeconds: undefined,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  observe: async ({ Targets }: Inputs, context) => {
    const hosts = context.targets(Targets);
    if (hosts.length === 0)
      throw new ActionFailure({ code: 'UNKNOWN_TARGET', message: `${Targets.join(', ')} names no host` });
    return { Targets: [...hosts] };
  },
  effect: runByTheEngine,
  undo: { kind: 'notNeeded' },
  flow: 'rolling',
});
