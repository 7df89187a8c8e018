/**
 * aws:executeScript: an author's Python or PowerShell, on the machine that Belay runs on. The script runs detached under the
 * step's token, as a host's command does: a runner that was killed finds it again and reads its first result.
 */
import { Type } from 'typebox';
import { isExpression } from '../../document/index.ts';
import { defineAction, failed, type ActionContext } from '../define-action.ts';
import { detached } from '../effects/detached.ts';
import { checkShowOutput, withheldText } from '../scripts/show-output.ts';
import { strictObject } from '../strict-object.ts';
import type { OutputSink } from '../../transports/host.ts';
import { scriptEnding, type ScriptOutputs } from './script/ending.ts';
import {
  attachmentInSsm,
  checkExecuteScript,
  executeScriptInputs,
  type ExecuteScriptInputs,
} from './script/inputs.ts';
import { chooseInterpreter, placeOf, reportBytesMax, scriptCommand } from './script/launch.ts';
import { readReport } from './script/report.ts';

export const executeScript = defineAction({
  name: 'aws:executeScript',
  summary: 'Runs a Python or PowerShell script on the machine that Belay runs on, and gives what it returns.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeScript.html',
  example: `
- name: CountDays
  action: aws:executeScript
  inputs:
    Runtime: python3.11
    Handler: count_days
    InputPayload: { since: '2026-01-01' }
    Script: |
      import datetime
      def count_days(events, context):
          since = datetime.date.fromisoformat(events['since'])
          return {'days': (datetime.date.today() - since).days}
  outputs:
    - { Name: Days, Selector: $.Payload.days, Type: Integer }
  undo: { none: it only counts }
`,
  inputs: executeScriptInputs,
  outputs: strictObject({
    Payload: Type.Unknown({
      description: 'What the handler returned, as JSON, at most 256 KiB; of PowerShell, the last object.',
    }),
  }),
  // Not in the user guide; AWS's own runbooks read it, as a String.
  derivedOutputs: [{ Name: 'OutputPayload', Selector: '$', Type: 'String' }],
  secretInputs: ['InputPayload'],
  programInputs: ['Script'],
  outputBytesMax: 3 * 256 * 1024,
  timeoutSeconds: 600,
  timeoutSecondsMaxInSsm: 600,
  permissions: () => [],
  targets: () => [],
  hasHostTargets: false,
  check: (inputs, tools) => [
    ...checkShowOutput(inputs.ShowOutput, (value) => tools.isExpression(value)),
    ...checkExecuteScript(inputs, (value) => tools.isExpression(value), tools.scripts),
  ],
  checkInSsm: attachmentInSsm,
  fileInputs: ['Attachment'],
  ready: async ({ Runtime, Attachment }, context) => {
    if (!isExpression(Runtime)) chooseInterpreter(Runtime, placeOf(context));
    if (Attachment !== undefined && !isExpression(Attachment)) await context.attachment?.(Attachment);
  },

  effect: detached<ExecuteScriptInputs, null, ScriptOutputs>({
    host: (_inputs, context) => placeOf(context).host,
    log: (context) => printed(context),
    script: (inputs, _before, context) => scriptCommand(inputs, context),
    waitingFor: () => 'the script runs',
    mayStartAnew: false,
    outputBytesMax: reportBytesMax + 1,
    finish: ({ exitCode, stdout, stderrTail }, inputs, _before, context) => {
      if (Buffer.byteLength(stdout) > reportBytesMax)
        return failed('SCRIPT_DIED', "the script wrote over Belay's own report of its end");
      return scriptEnding(readReport(stdout), {
        handler: inputs.Handler,
        file: chooseInterpreter(inputs.Runtime, placeOf(context)).interpreter.file,
        exitCode,
        said: context.hidesOutput === true ? withheldText : stderrTail,
        hidesMessages: context.hidesOutput === true,
        lineOf: (line) => context.lineOf?.(inputs.Script ?? '', line) ?? `line ${line} of the Script`,
      });
    },
  }),
  undo: {
    kind: 'none',
    reason: 'nobody but its author knows what a script changed; give the step an undo: of its own',
    leavesChange: true,
  },
});

/** What is printed comes as standard error; standard output carries only the report of the end. */
function printed(context: ActionContext): OutputSink {
  const log = context.log(placeOf(context).host.name);
  return { write: (stream, chunk) => (stream === 'stderr' ? log.write('stdout', chunk) : undefined) };
}
