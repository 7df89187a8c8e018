/** Whether belay.yaml has the channels that a file names. */
import {
  makeReport,
  makeSuggester,
  didYouMean,
  readTree,
  type SourceText,
  type TreeNode,
} from '../../document/index.ts';
import { reportNotify, type Channel } from '../../notify/index.ts';
import type { Configuration } from '../configuration.ts';
import { Refusal } from '../refusal.ts';

export interface KnownChannels {
  /** Null: there is no belay.yaml. */
  readonly file: string | null;
  readonly channels: readonly Channel[];
}

export const channelsOf = ({ file, inventory }: Configuration): KnownChannels => ({
  file,
  channels: inventory?.channels ?? [],
});

/** Each unknown one with its place in a runbook (`notify: { channels: […] }`). Throws Refusal. */
export function refuseUnknownChannels(
  source: SourceText,
  named: readonly string[],
  known: KnownChannels,
): void {
  if (unknownOf(named, known).length === 0) return;
  const report = makeReport(source);
  for (const item of namedItems(readTree(source, makeReport(source)))) {
    const [unknown] = item.kind === 'scalar' ? unknownOf([String(item.value)], known) : [];
    if (unknown !== undefined)
      reportNotify(report, 'UNKNOWN_CHANNEL', item.span, unknown.message, unknown.hint);
  }
  throw new Refusal('usage', 'UNKNOWN_CHANNEL', 'the runbook names channels that nobody knows', {
    diagnostics: report.finish(),
    sources: [source],
  });
}

export interface UnknownChannel {
  readonly message: string;
  readonly hint: string;
}

export function unknownOf(named: readonly string[], { file, channels }: KnownChannels): UnknownChannel[] {
  const names = channels.map(({ name }) => name);
  const where = file === null ? 'there is no belay.yaml here, and so no channel' : `${file} has no channel`;
  return named
    .filter((name) => !names.includes(name))
    .map((name) => ({
      message: `${where} ${name}`,
      hint:
        didYouMean(makeSuggester(), name, names) ??
        'Channels stand below notify: of belay.yaml; docs/notify.md has examples.',
    }));
}

function namedItems(root: TreeNode | undefined): readonly TreeNode[] {
  const notify = root?.kind === 'map' ? root.entries.get('notify')?.value : undefined;
  const channels = notify?.kind === 'map' ? notify.entries.get('channels')?.value : undefined;
  return channels?.kind === 'list' ? channels.items : [];
}
