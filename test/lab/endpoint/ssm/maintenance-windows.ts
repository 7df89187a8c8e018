/**
 * Maintenance windows as AWS tells them. moto keeps windows, targets and tasks, and leaves out GetMaintenanceWindowTask,
 * UpdateMaintenanceWindow, pages, when a window was made, and what it was not given is null instead of absent.
 */
import type { Json, JsonObject } from '../../../../src/json.ts';
import { objectsParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, jsonReply } from '../reply.ts';

/** AWS gives 10 to 100 of each kind at once; so few here, so that callers have to ask again. */
const pageSize = 10;
const shares = /^(?:[1-9]\d*|[1-9]\d?%|100%)$/;

export const createMaintenanceWindow: Handler = async (call, cell) => {
  const reply = await cell.moto.ssm(call.caller, call.operation, call.params);
  const id = textParam(reply, 'WindowId') ?? '';
  cell.state.windows[id] = { createdAt: Math.floor(Date.now()) / 1000, changes: {} };
  cell.save();
  return jsonReply(reply);
};

export const updateMaintenanceWindow: Handler = async (call, cell) => {
  const id = textParam(call.params, 'WindowId') ?? '';
  await windowOf(call, cell, id);
  const { WindowId: _id, Replace: _replace, ...changes } = call.params;
  const known = cell.state.windows[id] ?? { createdAt: 0, changes: {} };
  cell.state.windows[id] = { ...known, changes: { ...known.changes, ...changes } };
  cell.save();
  return jsonReply(await windowOf(call, cell, id));
};

export const getMaintenanceWindow: Handler = async (call, cell) => {
  const id = textParam(call.params, 'WindowId') ?? '';
  const { createdAt = 0 } = cell.state.windows[id] ?? {};
  return jsonReply({
    ...(await windowOf(call, cell, id)),
    AllowUnassociatedTargets: false,
    CreatedDate: createdAt,
    ModifiedDate: createdAt,
  });
};

export const describeMaintenanceWindows: Handler = async (call, cell) => {
  const { NextToken: _token, MaxResults: _size, ...params } = call.params;
  const reply = await cell.moto.ssm(call.caller, call.operation, params);
  const windows = objectsParam(reply, 'WindowIdentities').map((window) => {
    const { changes = {} } = cell.state.windows[textParam(window, 'WindowId') ?? ''] ?? {};
    return { ...told(window), ...changes };
  });
  return jsonReply(paged('WindowIdentities', windows, call.params));
};

export const describeMaintenanceWindowTargets: Handler = async (call, cell) => {
  const { NextToken: _token, MaxResults: _size, ...params } = call.params;
  const reply = await cell.moto.ssm(call.caller, call.operation, params);
  return jsonReply(paged('Targets', objectsParam(reply, 'Targets').map(told), call.params));
};

/** Source: RegisterTaskWithMaintenanceWindow of the API reference, and the guide on tasks without targets. */
export const registerTaskWithMaintenanceWindow: Handler = async (call, cell) => {
  const { params } = call;
  const type = textParam(params, 'TaskType') ?? '';
  const hasTargets = objectsParam(params, 'Targets').length > 0;
  const given = ['MaxConcurrency', 'MaxErrors'].filter((name) => params[name] !== undefined);
  if (!hasTargets && type === 'RUN_COMMAND')
    throw new ApiError('ValidationException', 'Targets are required for RUN_COMMAND tasks');
  if (!hasTargets && given.length > 0)
    throw new ApiError('ValidationException', `${given.join(' and ')} cannot be given without Targets`);
  if (hasTargets && !shares.test(textParam(params, 'MaxConcurrency') ?? ''))
    throw new ApiError('ValidationException', 'MaxConcurrency must be a number or a percentage');
  const reply = await cell.moto.ssm(call.caller, call.operation, params);
  const id = textParam(reply, 'WindowTaskId') ?? '';
  cell.state.windowTasks[id] = {
    ...params,
    WindowTaskId: id,
    // The service keeps placeholders for a task that has no targets.
    ...(hasTargets ? {} : { Targets: [], MaxConcurrency: '1', MaxErrors: '1' }),
    Priority: params['Priority'] ?? 0,
  };
  cell.save();
  return jsonReply(reply);
};

/** In short: what the task gives its document is only told by GetMaintenanceWindowTask. */
export const describeMaintenanceWindowTasks: Handler = async (call, cell) => {
  const { NextToken: _token, MaxResults: _size, ...params } = call.params;
  const reply = await cell.moto.ssm(call.caller, call.operation, params);
  const tasks = objectsParam(reply, 'Tasks').map((task) => {
    const whole = cell.state.windowTasks[textParam(task, 'WindowTaskId') ?? ''] ?? told(task);
    const { TaskInvocationParameters: _given, TaskType: type = null, ...short } = whole;
    return { ...short, Type: type };
  });
  return jsonReply(paged('Tasks', tasks, call.params));
};

export const getMaintenanceWindowTask: Handler = (call, cell) => {
  const id = textParam(call.params, 'WindowTaskId') ?? '';
  const task = cell.state.windowTasks[id];
  if (task === undefined || task['WindowId'] !== call.params['WindowId'])
    return Promise.reject(
      new ApiError('DoesNotExistException', `Maintenance window task ${id} does not exist`),
    );
  return Promise.resolve(jsonReply({ TaskParameters: {}, ...task }));
};

async function windowOf({ caller }: ApiCall, cell: Cell, id: string): Promise<JsonObject> {
  const window = await cell.moto.ssm(caller, 'GetMaintenanceWindow', { WindowId: id }).catch(() => undefined);
  // moto breaks over an id that it does not know.
  if (window === undefined)
    throw new ApiError('DoesNotExistException', `Maintenance window ${id} does not exist`);
  return { ...told(window), ...cell.state.windows[id]?.changes };
}

/** What was not given is absent in AWS. */
function told(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]: [string, Json]) => value !== null && value !== ''),
  );
}

function paged(name: string, all: readonly JsonObject[], params: JsonObject): JsonObject {
  const from = Number(textParam(params, 'NextToken')?.replace('lab-page-', '') ?? 0);
  const until = from + pageSize;
  return {
    [name]: all.slice(from, until),
    ...(until < all.length ? { NextToken: `lab-page-${until}` } : {}),
  };
}
