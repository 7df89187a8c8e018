/** While an execution with signed approvals runs, decisions of other accounts are taken out of the state folder's inbox. */
import type { Journal } from '../../journal/index.ts';
import type { Configurations } from '../configuration.ts';
import { DropBox } from './drop-box.ts';
import { Taker } from './take-dropped.ts';

/** How often the inbox is looked into, in ms. */
const lookMs = 500;

export interface WatchPorts {
  readonly journal: Journal;
  readonly stateDir: string;
  readonly configurations: Configurations;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly tell: (text: string) => void;
}

/** Looks at once, and then again and again until it is disposed of. Rejects never. */
export async function watchInbox(ports: WatchPorts): Promise<AsyncDisposable> {
  const taker = new Taker(ports);
  const box = new DropBox({ ...ports, take: (text) => taker.take(text) });
  let trouble = '';
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    try {
      await box.collect();
    } catch (error) {
      // Whatever it is, it is no trouble of the execution: who waits for an answer goes on waiting.
      const why = error instanceof Error ? error.message : String(error);
      if (why !== trouble) ports.tell(`the inbox could not be looked into: ${why}`);
      trouble = why;
    }
  };
  let looking = look();
  await looking;
  const next = (): void => {
    timer = setTimeout(() => {
      looking = look().then(() => {
        if (!isOver) next();
      });
    }, lookMs);
    timer.unref();
  };
  next();
  return {
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
