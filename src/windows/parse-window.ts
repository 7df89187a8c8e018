/** A window file → Window, or everything that is wrong with it. */
import {
  checkKeys,
  entryOf,
  integerOf,
  makeReport,
  readBoolean,
  readList,
  readMap,
  readText,
  readTexts,
  readTree,
  requiredText,
  wrongType,
  type Diagnostic,
  type MapReader,
  type Report,
  type SourceText,
  type Span,
  type TreeNode,
} from '../document/index.ts';
import { reportWindow } from './errors.ts';
import { readDuration, readTask } from './parse-task.ts';
import { readSchedule } from './read-schedule.ts';
import type { Approval, FreezeSource, MissedRuns, Task, Window } from './types.ts';

export interface WindowOptions {
  /** Makes paths of the file absolute: relative ones to its folder, `~` to the home. Default: paths stay as written. */
  readonly resolvePath?: (path: string) => string;
}

export interface ParsedWindow {
  /** Present when no diagnostic is an error. */
  readonly window?: Window;
  readonly diagnostics: readonly Diagnostic[];
}

const windowKeys = [
  'Name',
  'Description',
  'Schedule',
  'ScheduleTimezone',
  'ScheduleOffset',
  'StartDate',
  'EndDate',
  'Duration',
  'Cutoff',
  'Enabled',
  'Freeze',
  'MissedRuns',
  'Approval',
  'Notify',
  'Tasks',
];
const namePattern = /^[a-zA-Z0-9_\-.]{3,128}$/;
const topicPattern = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$/;
const descriptionCharactersMax = 128;
const durationHoursMax = 24;

export function parseWindow(source: SourceText, options: WindowOptions = {}): ParsedWindow {
  const report = makeReport(source);
  const root = readTree(source, report);
  const window = root === undefined ? undefined : readWindow(root, source.text, options, report);
  const diagnostics = report.finish();
  return report.hasErrors || window === undefined ? { diagnostics } : { window, diagnostics };
}

function readWindow(
  root: TreeNode,
  text: string,
  options: WindowOptions,
  report: Report,
): Window | undefined {
  const top = { start: root.span.start, end: root.span.start };
  if (root.kind !== 'map') {
    report.error('NOT_A_MAP', top, 'a window file is a map of keys', 'Name: patch-db');
    return undefined;
  }
  const resolvePath = options.resolvePath ?? ((path: string) => path);
  const reader: MapReader = { node: root, what: 'the window', report };
  checkKeys(reader, windowKeys);
  const name = readName(reader, top);
  const description = readDescription(reader);
  const schedule = readSchedule(reader, text, top);
  const durationHours = readHours(reader, 'Duration', 1, durationHoursMax, top);
  const cutoffHours =
    entryOf(reader, 'Cutoff') === undefined ? 0 : readHours(reader, 'Cutoff', 0, durationHoursMax - 1, top);
  checkCutoff(reader, durationHours, cutoffHours);
  const rest = {
    isEnabled: readBoolean(reader, 'Enabled') ?? true,
    freeze: readFreeze(reader, resolvePath),
    missedRuns: readMissedRuns(reader),
    approval: readApproval(reader),
    ...readNotify(reader),
    tasks: readTasks(reader, resolvePath, top),
  };
  if (schedule === undefined || durationHours === undefined || cutoffHours === undefined) return undefined;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...schedule,
    durationHours,
    cutoffHours,
    ...rest,
  };
}

function readName(reader: MapReader, top: Span): string {
  const name = requiredText(reader, 'Name', top) ?? '';
  const entry = entryOf(reader, 'Name');
  if (name !== '' && entry !== undefined && !namePattern.test(name)) {
    const message = 'a window is named with 3 to 128 letters, digits, dots, dashes and underscores';
    reportWindow(reader.report, 'WINDOW_NAME', entry.value.span, message);
  }
  return name;
}

function readDescription(reader: MapReader): string | undefined {
  const text = readText(reader, 'Description');
  const entry = entryOf(reader, 'Description');
  if (text !== undefined && entry !== undefined && text.length > descriptionCharactersMax) {
    const message = `Description has ${text.length} characters, and AWS takes ${descriptionCharactersMax}`;
    reader.report.error('WRONG_VALUE', entry.value.span, message);
  }
  return text;
}

/** A whole number of hours within bounds. */
function readHours(reader: MapReader, key: string, min: number, max: number, top: Span): number | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) {
    reader.report.error('MISSING_KEY', top, `${reader.what} needs ${key}`, `${key} is a number of hours`);
    return undefined;
  }
  const hours = integerOf(entry.value);
  if (hours !== undefined && hours >= min && hours <= max) return hours;
  wrongType(reader, entry, `a number of hours from ${min} to ${max}`);
  return undefined;
}

function checkCutoff(reader: MapReader, duration: number | undefined, cutoff: number | undefined): void {
  const entry = entryOf(reader, 'Cutoff');
  if (entry === undefined || duration === undefined || cutoff === undefined || cutoff < duration) return;
  const message = `Cutoff is ${cutoff} h, so nothing could ever start in a window of ${duration} h`;
  reader.report.error('WRONG_VALUE', entry.value.span, message);
}

function readFreeze(reader: MapReader, resolvePath: (path: string) => string): readonly FreezeSource[] {
  return readTexts(reader, 'Freeze').map((text): FreezeSource =>
    /^https?:\/\//i.test(text) ? { kind: 'url', url: text } : { kind: 'file', path: resolvePath(text) },
  );
}

/** `skip`, or `{ catchUp: PT2H }`. */
function readMissedRuns(reader: MapReader): MissedRuns {
  const entry = entryOf(reader, 'MissedRuns');
  if (entry === undefined) return { kind: 'skip' };
  if (entry.value.kind === 'scalar' && entry.value.value === 'skip') return { kind: 'skip' };
  if (entry.value.kind === 'map') {
    const inner: MapReader = { node: entry.value, what: 'MissedRuns', report: reader.report };
    checkKeys(inner, ['catchUp']);
    const ageMsMax = readDuration(inner, 'catchUp');
    if (ageMsMax !== undefined) return { kind: 'catchUp', ageMsMax };
    if (entryOf(inner, 'catchUp') !== undefined) return { kind: 'skip' };
  }
  wrongType(
    reader,
    entry,
    'skip or { catchUp: PT2H }, the greatest age at which a missed run is made up for',
  );
  return { kind: 'skip' };
}

/** `none`, or who has to say yes before an occurrence begins. */
function readApproval(reader: MapReader): Approval | null {
  const entry = entryOf(reader, 'Approval');
  if (entry === undefined) return null;
  if (entry.value.kind === 'scalar' && entry.value.value === 'none') return null;
  const map = entry.value.kind === 'map' ? readMap(reader, 'Approval') : undefined;
  if (map === undefined) {
    wrongType(reader, entry, 'none or { Approvers: [alice] }');
    return null;
  }
  const inner: MapReader = { node: map.value, what: 'Approval', report: reader.report };
  checkKeys(inner, ['Approvers', 'MinRequiredApprovals']);
  const approvers = readTexts(inner, 'Approvers');
  const wanted = entryOf(inner, 'MinRequiredApprovals');
  const minRequired = wanted === undefined ? 1 : integerOf(wanted.value);
  if (approvers.length === 0) reader.report.error('MISSING_KEY', map.keySpan, 'Approval needs Approvers');
  else if (minRequired === undefined || minRequired < 1 || minRequired > approvers.length) {
    const message = `MinRequiredApprovals must be from 1 to ${approvers.length}, the number of Approvers`;
    reader.report.error('WRONG_VALUE', wanted?.value.span ?? map.keySpan, message);
  }
  return { approvers, minRequired: minRequired ?? 1 };
}

/** `{ Sns: arn, Channels: [ops] }`, or one of them. Whether belay.yaml has the channels is asked where it is at hand. */
function readNotify(reader: MapReader): Pick<Window, 'notifySns' | 'notifyChannels'> {
  const map = readMap(reader, 'Notify');
  if (map === undefined) return {};
  const inner: MapReader = { node: map.value, what: 'Notify', report: reader.report };
  checkKeys(inner, ['Sns', 'Channels']);
  const channels = readTexts(inner, 'Channels');
  const entry = entryOf(inner, 'Sns');
  if (entry === undefined && entryOf(inner, 'Channels') === undefined)
    reader.report.error('MISSING_KEY', map.keySpan, 'Notify needs Sns or Channels');
  const arn = readText(inner, 'Sns');
  if (entry !== undefined && arn !== undefined && !topicPattern.test(arn))
    wrongType(inner, entry, 'the ARN of an SNS topic, as arn:aws:sns:eu-west-1:123456789012:alarms');
  return {
    ...(arn === undefined || !topicPattern.test(arn) ? {} : { notifySns: arn }),
    ...(channels.length === 0 ? {} : { notifyChannels: channels }),
  };
}

function readTasks(reader: MapReader, resolvePath: (path: string) => string, top: Span): readonly Task[] {
  const items = readList(reader, 'Tasks');
  if (items === undefined || items.length === 0) {
    if (items !== undefined || entryOf(reader, 'Tasks') === undefined) {
      reader.report.error('MISSING_KEY', entryOf(reader, 'Tasks')?.keySpan ?? top, 'the window needs Tasks');
    }
    return [];
  }
  const names = new Set<string>();
  const tasks: Task[] = [];
  for (const item of items) {
    const read = readTask(item, resolvePath, reader.report);
    if (read === undefined) continue;
    if (read.task.name !== '' && names.has(read.task.name)) {
      reportWindow(
        reader.report,
        'DUPLICATE_TASK',
        read.nameSpan,
        `the window has a task ${read.task.name} already`,
      );
    }
    names.add(read.task.name);
    tasks.push(read.task);
  }
  return tasks;
}
