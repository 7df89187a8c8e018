/** The two ways to reach db1, as the cases see them. */
import type { LabWorldWithAws } from '../../lab/world.ts';
import type { Inventory, Stage } from './stage.ts';

/** A way to reach db1. */
export interface Way {
  readonly title: string;
  readonly inventory: (world: LabWorldWithAws) => Inventory;
  /** What runbooks are given as Host or InstanceId, and the inventory that knows it. */
  readonly target: (stage: Stage, inventory: Inventory) => Target;
  /** The same host under its other name. */
  readonly otherTarget: (stage: Stage, inventory: Inventory) => Target;
  /** Also what needs no second way to be believed: taking back later, changing one's mind. */
  readonly isThorough: boolean;
  /** After each run: that it was this way. */
  readonly proof: (stage: Stage) => Promise<void>;
  /** What of the network has to be so for the proof to mean anything. */
  readonly ground: (stage: Stage) => Promise<void>;
}

export interface Target {
  readonly host: string;
  readonly inventory: Inventory | null;
}

/** One case, on busy cores. */
export const caseMs = 240_000;

/** What the cases are given. The stage is there once the tests run. */
export interface Bench {
  readonly way: Way;
  readonly stage: () => Stage;
  readonly inventory: () => Inventory;
}

/** The words of `belay run`. */
export const runOf = (file: string, parameters: Readonly<Record<string, string>>): string[] => [
  'run',
  file,
  ...Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]),
];

export const upgradeOf = ({ versions }: Stage): string => `${versions.old.full} → ${versions.new.full}`;
export const downgradeOf = ({ versions }: Stage): string => `${versions.new.full} → ${versions.old.full}`;
