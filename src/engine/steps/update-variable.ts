/** aws:updateVariable: gives a variable another value. All of them are replaced together, so that what a step saw stays as it was. */
import { variableNamed, variableProblem } from '../../document/index.ts';
import { own } from '../../json.ts';
import { flowDone, flowFailed } from '../endings.ts';
import type { RunStep } from '../step-run.ts';

export const updateVariable: RunStep = ({ frame, record }) => {
  const { execution } = frame;
  const { Name: written, Value: value } = record.inputs ?? {};
  const name = variableNamed(written);
  const variable = name === undefined ? undefined : own(execution.program.document.variables ?? {}, name);
  if (name === undefined || variable === undefined || value === undefined) {
    const message = `${record.path} changes ${JSON.stringify(written ?? null)}, which is not a variable of the document`;
    return Promise.resolve(flowFailed('INVALID_INPUT', message));
  }
  const problem = variableProblem(name, variable, value);
  if (problem !== undefined)
    return Promise.resolve(flowFailed('INVALID_INPUT', `${record.path}: ${problem}`));
  execution.variables = { ...execution.variables, [name]: value };
  const text = JSON.stringify(value);
  return Promise.resolve(flowDone({}, `${name} = ${text.length > 100 ? `${text.slice(0, 99)}…` : text}`));
};
