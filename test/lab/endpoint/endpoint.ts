/**
 * An AWS endpoint with hands: moto answers, and what EC2 and SSM would do to machines is done to the lab's hosts.
 * Give SDKs `url` as AWS_ENDPOINT_URL. Whatever it does not own goes to moto byte by byte.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { JsonObject } from '../../../src/json.ts';
import type { ArrivedRequest } from './api-call.ts';
import { copyForSearch } from '../../support/secret-search/registry.ts';
import { createBackground, usualSettings, type Cell, type Settings } from './cell.ts';
import { createDispatch } from './dispatch.ts';
import { adopt, type Adoption } from './ec2/adopt.ts';
import { finishDetaching, hostDevice } from './ec2/attachments.ts';
import { createFaults, type Fault, type Faults } from './faults.ts';
import type { HostHands } from './hands.ts';
import { openJournal, type Journal } from './journal.ts';
import { connectMoto, startMoto } from './moto.ts';
import { jsonReply, plainReply, type Reply } from './reply.ts';
import { signingKeyPem } from './sns/sign.ts';
import { confirmByToken } from './sns/subscriptions.ts';
import { agentBody, answerAgent } from './ssm/agents.ts';
import { goOn } from './ssm/commands.ts';
import { standing } from './ssm/progress.ts';
import { openState, type InstanceState } from './state.ts';

export interface EndpointOptions {
  readonly hands: HostHands;
  /**
   * Kept after `close`, so that a new endpoint over the same moto goes on; over a moto of its own it begins anew. The journal
   * lies beside it and is always continued.
   */
  readonly stateFile: string;
  /** The URL of a moto that runs already; without it one is started, and ended by `close`. */
  readonly moto?: string;
  /** 0 for any free port, which is usual. */
  readonly port?: number;
  readonly settings?: Partial<Settings>;
}

export interface Endpoint {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Work in the background that failed, a sentence each. */
  readonly problems: readonly string[];
  /** Makes a host of the hands an EC2 instance, managed by SSM unless `agent` is false. Resolves to its id. */
  adopt(host: string, adoption?: Partial<Adoption>): Promise<string>;
  /** The id of an adopted host. Throws for any other. */
  instanceId(host: string): string;
  /**
   * The id of the volume that is attached to the host now, by the device the host sees (`/dev/xvdf`) or by the place where
   * that device was mounted when the host was adopted; undefined when there is none.
   */
  volumeAt(host: string, place: string): string | undefined;
  close(): Promise<void>;
}

const bodyBytesMax = 64 * 1024 * 1024;
const sweepMs = 200;

export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const stateFile = openState(options.stateFile, { continued: options.moto !== undefined });
  const { state } = stateFile;
  const journal = openJournal(options.stateFile.replace(/(?:\.json)?$/, '.journal.jsonl'));
  const moto = options.moto === undefined ? await startMoto() : connectMoto(options.moto);
  const background = createBackground();
  const cell: Cell = {
    moto,
    hands: options.hands,
    journal,
    settings: { ...usualSettings, ...options.settings },
    state,
    save: () => stateFile.save(),
    background: background.run,
    pause: background.pause,
  };
  const faults = createFaults();
  const dispatch = createDispatch(cell, faults);
  const answer = async (request: ArrivedRequest): Promise<Reply | 'cut'> => {
    const own = /^\/_lab\/(faults|journal|sns\.pem|agent\/(\w+)|confirm\/([\w-]+))$/.exec(request.path);
    if (own === null) return await dispatch(request);
    if (own[2] !== undefined) {
      const reply = await answerAgent(own[2], agentBody(request.body), cell);
      return jsonReply(reply ?? { message: `agents do not ask ${own[2]}` }, reply === undefined ? 404 : 200);
    }
    if (own[1] === 'sns.pem') return plainReply(signingKeyPem());
    if (own[3] !== undefined) return jsonReply(confirmByToken(own[3], cell));
    return own[1] === 'faults'
      ? answerFaults(request, faults)
      : jsonReply(journal.entries() as unknown as JsonObject[]);
  };
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing, answer));
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const volume of Object.values(state.volumes)) {
    if (volume.attachment?.state === 'detaching') finishDetaching(volume, volume.attachment, cell);
  }
  const sweep = setInterval(() => {
    for (const command of Object.values(state.commands)) {
      if (standing(command).completed < Object.keys(command.invocations).length) goOn(command, cell);
    }
  }, sweepMs);
  sweep.unref();
  const instanceOf = (host: string): InstanceState => {
    const instance = Object.values(state.instances).find(
      (one) => one.host === host && one.power !== 'terminated',
    );
    if (instance === undefined) throw new Error(`${host} has not been adopted`);
    return instance;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    faults,
    journal,
    problems: background.problems,
    adopt: (host, adoption = {}) => adopt(host, { ...usualAdoption, ...adoption }, port, cell),
    instanceId: (host) => instanceOf(host).instanceId,
    volumeAt: (host, place) => {
      const { instanceId, mounts } = instanceOf(host);
      return Object.values(state.volumes).find(
        ({ attachment }) =>
          attachment?.instanceId === instanceId && hostDevice(attachment.device) === (mounts[place] ?? place),
      )?.volumeId;
    },
    close: async () => {
      clearInterval(sweep);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await background.stop();
      await closed;
      copyForSearch(journal.file, 'endpoint.journal.jsonl');
      await moto.close();
      stateFile.close();
    },
  };
}

const usualAdoption: Adoption = {
  region: 'eu-west-1',
  zone: 'eu-west-1a',
  instanceType: 't3.small',
  tags: {},
  deviceNaming: 'sd',
  agent: true,
};

function answerFaults({ method, body }: ArrivedRequest, faults: Faults): Reply {
  if (method === 'POST') faults.add(JSON.parse(body.toString('utf8')) as Fault);
  if (method === 'DELETE') faults.clear();
  return jsonReply(faults.played() as unknown as JsonObject[]);
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: (request: ArrivedRequest) => Promise<Reply | 'cut'>,
): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) throw new Error(`a request of more than ${bodyBytesMax} bytes`);
      chunks.push(chunk);
    }
    const { method = 'GET', url: path = '/', headers, rawHeaders } = incoming;
    const reply = await answer({ method, path, headers, rawHeaders, body: Buffer.concat(chunks) });
    if (reply === 'cut') {
      incoming.socket.destroy();
      return;
    }
    outgoing.writeHead(reply.status, [...reply.headers]);
    outgoing.end(method === 'HEAD' ? undefined : reply.body);
  } catch (error) {
    // The caller is gone, or moto is: whoever is still there learns of it.
    if (!outgoing.headersSent) outgoing.writeHead(502, { 'Content-Type': 'text/plain' });
    outgoing.end(error instanceof Error ? error.message : String(error));
  }
}
