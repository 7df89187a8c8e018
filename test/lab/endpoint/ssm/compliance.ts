/** Compliance items of instances (moto has none): put by whoever checked, listed and summed up for whoever asks. */
import type { JsonObject } from '../../../../src/json.ts';
import { listParam, objectParam, objectsParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, jsonReply } from '../reply.ts';
import type { ComplianceState } from '../state.ts';
import { paged } from './commands.ts';

/** COMPLETE, the usual upload, replaces all items of the resource's type; PARTIAL only those it brings (API reference, PutComplianceItems). */
export const putComplianceItems: Handler = (call, cell) => {
  const { params } = call;
  const resourceId = required(params, 'ResourceId');
  const complianceType = required(params, 'ComplianceType');
  if (!/^(?:Association|Patch|Custom:.+)$/.test(complianceType))
    throw new ApiError(
      'ValidationException',
      `ComplianceType ${complianceType} is not Association, Patch or Custom:NAME`,
    );
  const summary = objectParam(params, 'ExecutionSummary');
  required(summary, 'ExecutionTime');
  const brought = objectsParam(params, 'Items').map((item): JsonObject => {
    required(item, 'Severity');
    required(item, 'Status');
    return {
      ...item,
      Id: textParam(item, 'Id') ?? '',
      ComplianceType: complianceType,
      ResourceType: textParam(params, 'ResourceType') ?? 'ManagedInstance',
      ResourceId: resourceId,
      ExecutionSummary: summary,
    };
  });
  const key = `${call.caller.region}/${resourceId}/${complianceType}`;
  const isPartial = textParam(params, 'UploadType') === 'PARTIAL';
  const ids = new Set(brought.map((item) => textParam(item, 'Id')));
  const kept = isPartial
    ? (cell.state.compliance[key]?.items ?? []).filter((item) => !ids.has(textParam(item, 'Id')))
    : [];
  cell.state.compliance[key] = {
    region: call.caller.region,
    resourceId,
    complianceType,
    items: [...kept, ...brought],
  };
  cell.save();
  return Promise.resolve(jsonReply({}));
};

function required(params: JsonObject, name: string): string {
  const value = textParam(params, name);
  if (value === undefined || value === '') throw new ApiError('ValidationException', `${name} is missing`);
  return value;
}

function recordsOf({ caller }: ApiCall, cell: Cell): ComplianceState[] {
  return Object.values(cell.state.compliance).filter(({ region }) => region === caller.region);
}

export const listComplianceItems: Handler = (call, cell) => {
  const resources = listParam(call.params, 'ResourceIds');
  const items = recordsOf(call, cell)
    .filter(({ resourceId }) => resources.length === 0 || resources.includes(resourceId))
    .flatMap((record) => record.items)
    .filter((item) => passes(item, call));
  const { entries, next } = paged(items, call.params);
  return Promise.resolve(jsonReply({ ComplianceItems: entries, ...next }));
};

/** Filters with EQUAL and NOT_EQUAL on the item's own members. */
function passes(item: JsonObject, call: ApiCall): boolean {
  return objectsParam(call.params, 'Filters').every((filter) => {
    const value = textParam(item, textParam(filter, 'Key') ?? '');
    const type = textParam(filter, 'Type') ?? 'EQUAL';
    if (value === undefined || !['EQUAL', 'NOT_EQUAL'].includes(type))
      throw new ApiError(
        'InvalidFilter',
        'the lab filters compliance items by their members, EQUAL or NOT_EQUAL',
      );
    return listParam(filter, 'Values').includes(value) === (type === 'EQUAL');
  });
}

export const listResourceComplianceSummaries: Handler = (call, cell) => {
  const summaries = recordsOf(call, cell).map(({ resourceId, complianceType, items }): JsonObject => {
    const bad = items.filter((item) => item['Status'] !== 'COMPLIANT');
    const worst = severities.find((severity) => bad.some((item) => item['Severity'] === severity));
    return {
      ComplianceType: complianceType,
      ResourceType: 'ManagedInstance',
      ResourceId: resourceId,
      Status: bad.length > 0 ? 'NON_COMPLIANT' : 'COMPLIANT',
      OverallSeverity: worst ?? 'UNSPECIFIED',
      ExecutionSummary: items[0]?.['ExecutionSummary'] ?? {},
      CompliantSummary: { CompliantCount: items.length - bad.length },
      NonCompliantSummary: { NonCompliantCount: bad.length },
    };
  });
  const { entries, next } = paged(
    summaries.filter((summary) => passes(summary, call)),
    call.params,
  );
  return Promise.resolve(jsonReply({ ResourceComplianceSummaryItems: entries, ...next }));
};

const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNSPECIFIED'];
