/** The inputs of aws:executeScript, and what is checked of them at validation. */
import { Type, type Static } from 'typebox';
import { parse } from 'yaml';
import type { CatalogProblem } from '../../../document/catalog.ts';
import { isExpression as isOpenValue } from '../../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../json.ts';
import type { ScriptTools } from '../../../transports/scripts.ts';
import { showOutputInput } from '../../scripts/show-output.ts';
import { strictObject } from '../../strict-object.ts';

export const executeScriptInputs = strictObject({
  Runtime: Type.String({
    pattern: '^(python3\\.[0-9]{1,2}|PowerShell( Core)? [0-9]+\\.[0-9]+)$',
    examples: ['python3.11', 'PowerShell 7.4'],
    description:
      'python3.6 to python3.13, PowerShell Core 6.0, PowerShell 7.0, 7.4: runs on what the machine of the runner has, and says so.',
  }),
  Handler: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Python: the function, called as handler(events, context); of an attachment, module.function. PowerShell has none.',
    }),
  ),
  InputPayload: Type.Optional(
    Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.String()], {
      description: 'What the handler gets as events, types kept; text is read as JSON.',
    }),
  ),
  Script: Type.Optional(
    Type.String({
      description: 'The program. Pass values through InputPayload: an expression becomes part of it.',
    }),
  ),
  ShowOutput: showOutputInput,
  Attachment: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'A .py or .zip of files: in the document; it lies beside it or in attachments/.',
    }),
  ),
});

export type ExecuteScriptInputs = Static<typeof executeScriptInputs>;

export type Runtime =
  /** `version`: `3.11`. */
  | { readonly language: 'python'; readonly version: string }
  | { readonly language: 'powershell'; readonly version: string };

/** `python3.11`, `PowerShell Core 6.0`; undefined: neither. */
export function runtimeOf(text: string): Runtime | undefined {
  const python = /^python(3\.\d{1,2})$/.exec(text)?.[1];
  if (python !== undefined) return { language: 'python', version: python };
  const version = /^PowerShell(?: Core)? (\d+\.\d+)$/.exec(text)?.[1];
  return version === undefined ? undefined : { language: 'powershell', version };
}

/** Inputs as written. */
export function checkExecuteScript(
  inputs: JsonObject,
  isExpression: (value: unknown) => boolean,
  tools: ScriptTools | undefined,
): readonly CatalogProblem[] {
  const { Runtime: runtimeText, Handler, Script, Attachment } = inputs;
  const problems: CatalogProblem[] = [];
  const hasScript = typeof Script === 'string' && Script.trim() !== '';
  if (!hasScript && Attachment === undefined) {
    problems.push({
      code: 'MISSING_INPUT',
      path: Script === undefined ? [] : ['Script'],
      message: 'aws:executeScript needs a Script, or an Attachment that holds it',
    });
  }
  const runtime = typeof runtimeText === 'string' ? runtimeOf(runtimeText) : undefined;
  if (runtime?.language === 'python') {
    problems.push(...checkHandler(Handler, Script, isExpression));
    problems.push(...checkAttached(inputs, isExpression));
    problems.push(...checkPythonTools(runtime.version, Script, tools));
  }
  if (runtime?.language === 'powershell') {
    if (Handler !== undefined)
      problems.push({
        code: 'UNUSED_INPUT',
        isWarning: true,
        isAboutKey: true,
        path: ['Handler'],
        message: 'PowerShell has no handler: the whole Script is run, and its last object is the result',
      });
    problems.push(...checkPowerShellTools(runtime.version, tools));
  }
  if (hasScript && isExpression(Script))
    problems.push({
      code: 'EXPRESSION_IN_SCRIPT',
      isWarning: true,
      path: ['Script'],
      message:
        'a value written into the text of a program becomes part of it: quotes or line breaks in it would run',
      hint: 'pass it through InputPayload and read it from events',
    });
  return problems;
}

/** AWS unpacks a PowerShell attachment, and takes no single file. Of a Python one it wants `file.function`. */
export function attachmentInSsm(inputs: JsonObject): readonly CatalogProblem[] {
  const { Runtime: runtime, Attachment: name } = inputs;
  const language = typeof runtime === 'string' ? runtimeOf(runtime)?.language : undefined;
  if (typeof name !== 'string' || isOpenValue(name)) return [];
  if (language === 'powershell' && !isZip(name)) {
    const message = `AWS takes PowerShell in a .zip, and this is ${name}`;
    return [{ code: 'WRONG_INPUT', path: ['Attachment'], message }];
  }
  const attached = language === 'python' ? attachedProgram(inputs, isOpenValue) : undefined;
  if (attached === undefined || attached.module !== undefined) return [];
  const { handler, stem } = attached;
  const message = `AWS wants the file before the function where an Attachment holds the program, and this is ${handler}`;
  const hint = isZip(name) ? `Write file.${handler}` : `Write ${stem}.${handler}`;
  return [{ code: 'WRONG_INPUT', path: ['Handler'], message, hint }];
}

const isZip = (name: string): boolean => /\.zip$/i.test(name);

/** What the Handler names of an Attachment that is the whole program; undefined: there is none, or it is not known before the run. */
function attachedProgram(
  { Handler: handler, Script: script, Attachment: name }: JsonObject,
  isExpression: (value: unknown) => boolean,
): { readonly handler: string; readonly module: string | undefined; readonly stem: string } | undefined {
  if (typeof handler !== 'string' || typeof name !== 'string') return undefined;
  if (isExpression(handler) || isExpression(name)) return undefined;
  if (typeof script === 'string' && script.trim() !== '') return undefined;
  const dot = handler.lastIndexOf('.');
  const module = dot === -1 ? undefined : handler.slice(0, dot);
  return { handler, module, stem: name.replace(/\.[^.]*$/, '') };
}

/** The function would not be found, or only where the file has the name of the archive. */
function checkAttached(
  inputs: JsonObject,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  const { Attachment: name } = inputs;
  const attached = attachedProgram(inputs, isExpression);
  if (attached === undefined || typeof name !== 'string') return [];
  const { handler, module, stem } = attached;
  const problem = { code: 'NO_HANDLER', isWarning: true, path: ['Handler'] } as const;
  if (isZip(name)) {
    if (module !== undefined) return [];
    const message = `${handler} names no file of ${name}: the function is looked for in ${stem}.py there`;
    return [{ ...problem, message, hint: `Write file.${handler}, with the name of the file that has it` }];
  }
  if (module === undefined || module === stem) return [];
  const message = `${name} is the module ${stem}, and Handler names the module ${module}: the step would fail when it looks for the function`;
  return [{ ...problem, message, hint: `Write ${stem}.${handler.slice(module.length + 1)}` }];
}

function checkHandler(
  handler: Json | undefined,
  script: Json | undefined,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  if (handler === undefined)
    return [
      {
        code: 'MISSING_INPUT',
        path: [],
        message: 'a Python script needs a Handler, the name of the function that is called',
      },
    ];
  if (typeof handler !== 'string' || typeof script !== 'string' || script.trim() === '') return [];
  if (isExpression(handler) || isExpression(script) || !/^\w+$/.test(handler)) return [];
  if (new RegExp(`\\b${handler}\\b|\\bimport\\s*\\*`).test(script)) return [];
  return [
    {
      code: 'NO_HANDLER',
      isWarning: true,
      path: ['Handler'],
      message: `the Script does not name ${handler} anywhere: the step would fail when it looks for the function`,
    },
  ];
}

/** A literal import of boto3 or of what comes with it. */
export function importsBoto3(script: Json | undefined): boolean {
  return (
    typeof script === 'string' &&
    /^[ \t]*(?:import|from)[ \t]+(?:[\w.]+[ \t]*,[ \t]*)*(?:boto3|botocore)\b/m.test(script)
  );
}

function checkPythonTools(
  version: string,
  script: Json | undefined,
  tools: ScriptTools | undefined,
): readonly CatalogProblem[] {
  if (tools === undefined) return [];
  const found = tools.python(version);
  if (found === undefined)
    return [
      {
        code: 'NO_INTERPRETER',
        isWarning: true,
        path: ['Runtime'],
        message: 'this machine has no python3 of 3.6 or later: the script cannot run here',
        hint: 'Install python3, or run the document where it is.',
      },
    ];
  const problems: CatalogProblem[] = [];
  if (!found.version.startsWith(`${version}.`))
    problems.push({
      code: 'OTHER_INTERPRETER',
      isWarning: true,
      path: ['Runtime'],
      message: `the document asks for Python ${version}, and this machine runs it with ${found.version} (${found.file})`,
    });
  if (importsBoto3(script) && !found.hasBoto3)
    problems.push({
      code: 'NO_BOTO3',
      isWarning: true,
      path: ['Script'],
      message: `the Script imports boto3, which ${found.file} does not have`,
      hint: boto3Hint(found.file),
    });
  return problems;
}

export function boto3Hint(file: string): string {
  return `Install it: ${file} -m pip install boto3`;
}

function checkPowerShellTools(version: string, tools: ScriptTools | undefined): readonly CatalogProblem[] {
  if (tools === undefined) return [];
  const found = tools.powerShell();
  if (found === undefined)
    return [
      {
        code: 'NO_INTERPRETER',
        isWarning: true,
        path: ['Runtime'],
        message: 'this machine has no pwsh: the script cannot run here',
        hint: 'Install PowerShell 7, or run the document where it is.',
      },
    ];
  if (found.version.startsWith(`${version}.`)) return [];
  return [
    {
      code: 'OTHER_INTERPRETER',
      isWarning: true,
      path: ['Runtime'],
      message: `the document asks for PowerShell ${version}, and this machine runs it with ${found.version} (${found.file})`,
    },
  ];
}

/** What the handler gets. Text that is JSON or YAML of a map or list is read as that; other text is given as it is. */
export function eventsOf(payload: ExecuteScriptInputs['InputPayload']): Json {
  if (payload === undefined) return {};
  if (typeof payload !== 'string') return payload as JsonObject;
  try {
    const read = parse(payload) as Json;
    return isJsonObject(read) || Array.isArray(read) ? read : payload;
  } catch {
    return payload;
  }
}
