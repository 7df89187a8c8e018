/** host:command: an author's command or shell text on one host. What it does nobody knows: it has no undo of its own. */
import { Type, type Static } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import type { Host, HostScript } from '../../transports/host.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  type ActionContext,
  type Failed,
} from '../define-action.ts';
import type { Json } from '../../json.ts';
import { strictObject } from '../strict-object.ts';
import { overHosts } from './over-hosts.ts';
import { detached } from '../effects/detached.ts';
import { lostText, type OutputText } from '../effects/output-text.ts';
import { lastLines } from '../scripts/fields.ts';
import { checkShowOutput, isKept, showOutputInput, shown } from '../scripts/show-output.ts';

/** What GetCommandInvocation gives of each stream, too. All of it is in the step's log. */
const stdoutCharactersMax = 24_000;
const stderrCharactersMax = 8_000;
/** A character of UTF-8 has at most four bytes. */
const outputBytesMax = stdoutCharactersMax * 4;
/** A step's outputs have 64 KiB as JSON, where a line break or a letter of another script takes two bytes and more. */
const stdoutJsonBytesMax = 40_000;
const stderrJsonBytesMax = 16_000;

type Outputs = { readonly ExitCode: number; readonly Stdout: string; readonly Stderr: string };

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
  Command: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      description: 'A program and its arguments, taken as they are: no shell reads them.',
    }),
  ),
  Script: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'POSIX sh, or what its first line #! names. Holds no expressions: pass values through Env.',
    }),
  ),
  Env: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String(), {
      description: 'Environment of the command; the place for values and for secrets.',
    }),
  ),
  WorkingDirectory: Type.Optional(Type.String({ pattern: '^/' })),
  ShowOutput: showOutputInput,
  ExpectExitCodes: Type.Optional(
    Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), {
      minItems: 1,
      description: 'Exit codes that mean success; default 0.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

const onOne = defineAction({
  name: 'host:command',
  summary:
    'Runs a command or a shell script on one host or on many, detached, and gives its exit code and output.',
  source: 'https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html',
  example: `
    - name: Checkpoint
      action: host:command
      inputs:
        Host: db1
        Script: 'runuser -u postgres -- psql -qc CHECKPOINT "$DATABASE"'
        Env: { DATABASE: postgres }
      undo: { none: a checkpoint changes no data }`,
  inputs,
  outputs: strictObject({
    ExitCode: Type.Integer(),
    Stdout: Type.String({
      description:
        'The first 24,000 characters, fewer where they take more than 40,000 bytes. Of a step that was given a secret it is kept only where the runbook reads it, or ShowOutput is true; otherwise it is empty.',
    }),
    Stderr: Type.String({ description: 'The first 8,000 characters, in the same way.' }),
  }),
  secretInputs: ['Env'],
  timeoutSeconds: 3_600,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  check: (inputs, tools) => {
    const problems: CatalogProblem[] = [];
    const { Command, Script } = inputs;
    if ((Command === undefined) === (Script === undefined)) {
      problems.push({
        code: 'COMMAND_OR_SCRIPT',
        path: [],
        message: `host:command takes either a Command or a Script, and is given ${Script === undefined ? 'neither' : 'both'}`,
      });
    }
    if (typeof Script === 'string' && (tools.isExpression(Script) || /\{\{.*?\}\}/s.test(Script))) {
      problems.push({
        code: 'EXPRESSION_IN_SCRIPT',
        path: ['Script'],
        message: 'a value written into shell text becomes part of the program: quotes or ; in it would run',
        hint: 'pass it through Env and write "$NAME" in the Script',
      });
    }
    problems.push(...checkShowOutput(inputs.ShowOutput, (value) => tools.isExpression(value)));
    if (Array.isArray(Command)) problems.push(...pastedInto(Command, tools));
    return problems;
  },

  effect: detached<Inputs, null, Outputs>({
    host: ({ Host }) => Host,
    script: (inputs, _, context) => scriptOf(inputs, context),
    waitingFor: () => 'the command runs',
    mayStartAnew: false,
    outputBytesMax,
    finish: ({ host, exitCode, stderrTail, text }, { ExpectExitCodes = [0] }, _, context) => {
      const [stdout, stderr] = [text('stdout'), text('stderr')];
      const outputs: Outputs = {
        ExitCode: exitCode,
        Stdout: isKept('Stdout', context)
          ? shortened(stdout.text, stdoutCharactersMax, stdoutJsonBytesMax)
          : '',
        Stderr: isKept('Stderr', context)
          ? shortened(stderr.text, stderrCharactersMax, stderrJsonBytesMax)
          : '',
      };
      if (ExpectExitCodes.includes(exitCode))
        return lostOf(host, { stdout, stderr }, context) ?? done(outputs);
      const wanted =
        ExpectExitCodes.length === 1 ? `${ExpectExitCodes[0]}` : `one of ${ExpectExitCodes.join(', ')}`;
      const how =
        exitCode > 128 ? `exit code ${exitCode} (signal ${exitCode - 128})` : `exit code ${exitCode}`;
      const said = lastLines(stderrTail) || lastLines(stdout.text.slice(-2_000)) || 'it said nothing';
      return failed('COMMAND_FAILED', `${host.label}: ${how}, wanted ${wanted}: ${shown(context, said)}`, {
        outputs,
      });
    },
  }),
  undo: {
    kind: 'none',
    reason: 'nobody but its author knows what a command changed; give the step an undo of its own',
    leavesChange: true,
  },
});

export const command = overHosts(onOne);

/** `sh -c 'echo {{ X }}'`: an interpreter that is given its program as an argument. */
function pastedInto(
  command: readonly Json[],
  tools: { isExpression(value: unknown): boolean },
): CatalogProblem[] {
  const isProgram = (index: number): boolean => {
    const before = command[index - 1];
    return typeof before === 'string' && /^(?:-[a-z]*[ce]|--eval|--command|-Command|--execute)$/.test(before);
  };
  return command.flatMap((text, index): CatalogProblem[] =>
    isProgram(index) && tools.isExpression(text)
      ? [
          {
            code: 'EXPRESSION_IN_SCRIPT',
            isWarning: true,
            path: ['Command', index],
            message:
              'a value written into the text of a program becomes part of it: quotes or ; in it would run',
            hint: 'pass it through Env and write "$NAME", or as an argument of its own behind the text',
          },
        ]
      : [],
  );
}

function scriptOf(inputs: Inputs, context: ActionContext): HostScript {
  const { Command, Script, Env, WorkingDirectory } = inputs;
  const program = Script === undefined ? { text: 'exec "$@"', args: Command ?? [] } : { text: Script };
  if (context.isSecret(Script ?? [...(Command ?? [])])) {
    throw new ActionFailure({
      code: 'SECRET_IN_COMMAND',
      message:
        'a secret is in the Command or Script, where every user of the host could read it; nothing was run. Pass it through Env',
    });
  }
  return {
    ...program,
    ...(Env === undefined ? {} : { env: Env, secret: context.isSecret(Env) }),
    ...(WorkingDirectory === undefined ? {} : { workingDirectory: WorkingDirectory }),
  };
}

/** What a later step takes as a value is handed on byte for byte, or not at all. */
function lostOf(
  host: Host,
  streams: { readonly stdout: OutputText; readonly stderr: OutputText },
  { isUsed }: ActionContext,
): Failed | undefined {
  for (const [output, { lost }] of [
    ['Stdout', streams.stdout],
    ['Stderr', streams.stderr],
  ] as const) {
    if (lost === undefined || isUsed?.(output) !== true) continue;
    return failed(
      'OUTPUT_NOT_TEXT',
      `${host.label}: a step of the runbook takes ${output} as a value, and ${lostText(lost)}. The command ran; belay logs has its bytes. Have it print UTF-8, or base64`,
    );
  }
  return undefined;
}

/** The first characters that fit both bounds. */
function shortened(text: string, charactersMax: number, jsonBytesMax: number): string {
  let kept = text.slice(0, charactersMax);
  for (let bytes = jsonBytes(kept); bytes > jsonBytesMax; bytes = jsonBytes(kept)) {
    kept = kept.slice(0, Math.floor((kept.length * jsonBytesMax) / bytes));
  }
  // Not in the middle of a character that is two halves.
  return kept.isWellFormed() ? kept : kept.replace(/[\ud800-\udbff]$/, '');
}

const jsonBytes = (text: string) => Buffer.byteLength(JSON.stringify(text));
