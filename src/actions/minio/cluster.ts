/**
 * How every minio: action reaches a cluster: each node by a connection made from the node itself, so that a node behind
 * a bastion is asked without a tool on it, the load balancer is not in the way, and keys never leave this process.
 */
import { Type, type Static } from 'typebox';
import type { HttpClient, HttpEndpoint } from '../../transports/http/client.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import type { Host } from '../../transports/host.ts';
import type { ActionContext } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';

const hostName = Type.String({ minLength: 1 });

/** Where the nodes are. The same inputs on every action. */
export const clusterInputs = {
  Hosts: Type.Array(hostName, {
    minItems: 1,
    uniqueItems: true,
    description: 'The hosts of the inventory that are the nodes of the cluster: all of them.',
  }),
  Port: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 65_535, default: 9000, description: 'Of the S3 API on each node.' }),
  ),
  Address: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9.:-]+$',
      default: '127.0.0.1',
      description: 'Where the server listens, as its own host sees it.',
    }),
  ),
  Tls: Type.Optional(Type.Boolean({ default: true, description: 'Whether the nodes speak TLS.' })),
  ServerName: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "The name that every node's certificate must hold; left out: each host's name in the inventory.",
    }),
  ),
  CaCertificates: Type.Optional(
    Type.String({
      pattern: '^$|-----BEGIN CERTIFICATE-----',
      description: 'PEM of the authorities trusted besides the public ones; empty: none.',
    }),
  ),
};

/** Who asks. */
export const keyInputs = {
  AccessKey: Type.String({
    minLength: 3,
    description: 'Of a user or key with the rights that the action needs.',
  }),
  SecretKey: Type.String({ minLength: 8, description: 'Give it as a secret parameter.' }),
};

/** Both: of every action but minio:health. */
export const keyedInputs = { ...clusterInputs, ...keyInputs };

const clusterSchema = strictObject(clusterInputs);
const keySchema = strictObject(keyInputs);
export type ClusterInputs = Static<typeof clusterSchema>;
export type KeyInputs = Static<typeof keySchema>;
export type KeyedInputs = ClusterInputs & KeyInputs;

/** A request of S3 or of the admin API that says nothing for so long is given up: the server's own deadline is 10 s. */
export const silenceMs = 30_000;

export interface Node {
  /** The inventory's name. */
  readonly name: string;
  readonly http: HttpClient;
}

type OpenS3 = (http: HttpClient, key: KeyInputs) => S3Client;

/** The nodes, to be disposed of when the asking is over. */
export class Cluster implements Disposable {
  readonly nodes: readonly Node[];
  readonly #openS3: OpenS3;

  constructor(nodes: readonly Node[], openS3: OpenS3) {
    this.nodes = nodes;
    this.#openS3 = openS3;
  }

  /** S3 through one node itself. */
  s3(node: Node, key: KeyInputs): S3Client {
    return this.#openS3(node.http, key);
  }

  [Symbol.dispose](): void {
    for (const { http } of this.nodes) http.close();
  }
}

/** Connects only when a node is asked. Rejects with ActionFailure UNKNOWN_HOST. */
export async function openCluster(inputs: ClusterInputs, context: ActionContext): Promise<Cluster> {
  // Loaded when first needed: Node's own HTTP client is a tenth of the time that `belay explain` may take.
  const [{ HttpClient }, { S3Client }] = await Promise.all([
    import('../../transports/http/client.ts'),
    import('../../transports/s3/client.ts'),
  ]);
  const nodes = inputs.Hosts.map((name) => ({
    name,
    http: new HttpClient(endpointOf(context.host(name), inputs)),
  }));
  return new Cluster(nodes, (http, { AccessKey, SecretKey }) => {
    const key = { accessKeyId: AccessKey, secretAccessKey: SecretKey };
    return new S3Client(http, { key, signal: context.signal, silenceMs });
  });
}

function endpointOf(host: Host, inputs: ClusterInputs): HttpEndpoint {
  const { Port: port = 9000, Address: address = '127.0.0.1', Tls = true } = inputs;
  const serverName = inputs.ServerName ?? host.name;
  return {
    label: `${host.name} port ${port}`,
    authority: `${serverName}:${port}`,
    dial: (options) => host.dial({ address, port }, options),
    ...(Tls ? { tls: { serverName, ...caOf(inputs) } } : {}),
  };
}

export const caOf = ({ CaCertificates }: { readonly CaCertificates?: string }): { ca?: string } =>
  CaCertificates === undefined || CaCertificates === '' ? {} : { ca: CaCertificates };

/** How many nodes are asked at the same time. */
const askedAtOnceMax = 16;

/** Asks every node, several at a time, and answers in their order. */
export async function eachNode<T>(nodes: readonly Node[], ask: (node: Node) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  for (let from = 0; from < nodes.length; from += askedAtOnceMax) {
    answers.push(...(await Promise.all(nodes.slice(from, from + askedAtOnceMax).map(ask))));
  }
  return answers;
}
