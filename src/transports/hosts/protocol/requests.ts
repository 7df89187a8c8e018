/** Requests to a keeper, as the bytes that go to its standard input. */
import type { HostScript, OutputOffsets } from '../../host.ts';
import { commandSettings, goFunction } from './command.ts';
import { pushedBytesMax } from './keeper.ts';
import { wrapperProgram } from './launch.ts';
import { shellQuote } from './quote.ts';
import type { HostShell } from './shell.ts';

/** A shell reads a line byte by byte; beyond this a block, which takes a process, is cheaper. */
const lineBytesMax = 1_000;
const plainText = /^[\x20-\x7e\n]*$/;
/** Longer texts do not fit into one argument of a process (Linux: 128 KiB). */
const argumentBytesMax = 100_000;

/** Text for the keeper itself, or for the worker whose descriptor is given. Line breaks stand between quotes only. */
function framed(text: string, worker?: number): Buffer {
  if (text.length <= lineBytesMax && plainText.test(text)) {
    const line = text.replaceAll('\n', `'"$b_nl"'`);
    return Buffer.from(worker === undefined ? `${line}\n` : `b_pass ${worker}\n${line}\n`);
  }
  // The closing colon keeps trailing line breaks from being lost.
  const bytes = Buffer.from(`${text}\n:`);
  const header =
    worker === undefined ? `b_block ${bytes.byteLength}\n` : `b_pass_block ${worker} ${bytes.byteLength}\n`;
  return Buffer.concat([Buffer.from(header), bytes]);
}

export interface CommandToStart {
  readonly folder: string;
  readonly token: string;
  readonly script: HostScript;
}

export function startByWorker(id: number, worker: number, command: CommandToStart): Buffer {
  const { folder, token, script } = command;
  return framed(`${commandSettings(script)}; b_start ${id} ${folder} ${shellQuote(token)}`, worker);
}

export function startByWrapper(id: number, shell: HostShell, nonce: string, command: CommandToStart): Buffer {
  const told = `b_id=${id} b_nonce=${nonce}
b_say() { printf '%s %s %s\\n' "$b_nonce" "$b_id" "$*" >&4; }
b_head() { printf '%s %s %s %s\\n' "$b_nonce" "$b_id" "$1" "$2" >&3; }
b_torn() { printf '%s 0 gone\\n' "$b_nonce" >&4; }
b_lock() { IFS= read -r b_turn <&5; }
b_unlock() { echo >&5; }
b_look 0 0 ${pushedBytesMax} $b_offset_max
b_tell ended`;
  const { folder, token, script } = command;
  const named = `b_folder=${folder} b_token=${shellQuote(token)}`;
  return Buffer.concat([Buffer.from(`b_detach ${id}\n`), wrapperProgram(shell, named, script, told)]);
}

export function lookRequest(id: number, folder: string, from: OutputOffsets, bytesMax: number): Buffer {
  return framed(
    `b_id=${id}; b_place ${folder}; b_look ${from.stdout} ${from.stderr} ${bytesMax} $b_offset_max; b_tell look`,
  );
}

export function stopRequest(id: number, folder: string): Buffer {
  return framed(`( b_id=${id}; b_place ${folder}; b_stop ) </dev/null >/dev/null 2>&1 &`);
}

export function forgetRequest(id: number, folders: readonly string[]): Buffer {
  return framed(`b_id=${id}; b_forget ${folders.join(' ')}`);
}

export function readRequest(id: number, script: HostScript): Buffer {
  const { text } = script;
  const input = script.stdin === undefined ? '' : Buffer.from(script.stdin).toString('base64');
  const needsFile = text.startsWith('#!') || Buffer.byteLength(text) > argumentBytesMax;
  // A reading script may ask by which login it runs (actions/scripts/authorized-keys.ts).
  const more = ['BELAY_SESSION=$b_session', 'export BELAY_SESSION'];
  const go = goFunction(script, needsFile ? '"$b_slot.t"' : undefined, more);
  const kept = needsFile ? shellQuote(text) : "''";
  return framed(`b_input=${shellQuote(input)} b_script=${kept}; ${go}; b_read ${id}`);
}

export function measureRequest(id: number, read: number): Buffer {
  return framed(`b_measure ${read} ${id}`);
}

export function endReadRequest(read: number): Buffer {
  return framed(`b_end_read ${read}`);
}

export function sweepRequest(reads: readonly number[]): Buffer {
  return framed(`b_sweep ${reads.join(' ')}`);
}
