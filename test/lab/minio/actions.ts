/** Drives the actions minio:* against the lab's cluster over ssh, with the inputs that all of them share. */
import type { HostAddress } from '../../../src/transports/host.ts';
import { openHosts, type Hosts } from '../../../src/transports/hosts/connect.ts';
import type { AnyAction } from '../../../src/actions/define-action.ts';
import type { JsonObject } from '../../../src/json.ts';
import { newToken, run, undo, type Ending, type Run, type World } from '../../support/action-bed.ts';
import { MinioLab } from './cluster.ts';

export class MinioActions {
  readonly #minio: MinioLab;
  readonly #hosts: Hosts;
  readonly #executions = new WeakMap<Run, string>();

  constructor(minio: MinioLab) {
    this.#minio = minio;
    const entries = Object.entries(minio.lab.inventory().hosts);
    const addresses = new Map(
      entries.map(([name, { address, user, identityFile, knownHostsFile }]): [string, HostAddress] => [
        name,
        { name, transport: 'ssh', address, user, identityFile, knownHostsFile, become: 'none', tags: {} },
      ]),
    );
    this.#hosts = openHosts(addresses, { stateDir: minio.lab.stateFolder });
  }

  close(): Promise<void> {
    return this.#hosts.close();
  }

  get world(): World {
    return {
      hosts: Object.fromEntries(MinioLab.hosts.map((name) => [name, this.#hosts.host(name)])),
      secrets: [this.#minio.root.secretKey, this.#minio.backup.secretKey],
      timeoutMs: 240_000,
    };
  }

  /** The inputs with those of every step put in. */
  inputs(action: AnyAction, own: JsonObject = {}): JsonObject {
    const { accessKey, secretKey } = this.#minio.root;
    const nodes = { Hosts: [...this.#minio.nodes], CaCertificates: this.#minio.ca };
    return action.name === 'minio:health'
      ? { ...nodes, ...own }
      : { ...nodes, AccessKey: accessKey, SecretKey: secretKey, ...own };
  }

  /** The second S3 server, as its own host sees it. */
  get target(): JsonObject {
    const { accessKey, secretKey } = this.#minio.backup;
    return { Url: 'http://127.0.0.1:7070', Host: 'bk1', AccessKey: accessKey, SecretKey: secretKey };
  }

  /** Each run is an execution of its own, and its undo belongs to it. */
  async run(
    action: AnyAction,
    own: JsonObject = {},
    options: { readonly lostReply?: boolean } = {},
  ): Promise<Run> {
    const executionId = newToken();
    const done = await run(action, this.inputs(action, own), { ...this.world, executionId }, options);
    this.#executions.set(done, executionId);
    return done;
  }

  async ending(action: AnyAction, own: JsonObject = {}): Promise<Ending> {
    return (await this.run(action, own)).ending;
  }

  undo(action: AnyAction, done: Run): Promise<Ending> {
    const executionId = this.#executions.get(done);
    return undo(action, done, { ...this.world, ...(executionId === undefined ? {} : { executionId }) });
  }
}
