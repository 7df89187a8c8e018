/** ssm: compliance items of managed nodes, as they are put and listed. */
import { changes, reads, type Operations } from './operation.ts';
import { AwsNotModelled, AwsRefusal } from './refusal.ts';
import { page } from './page.ts';

const itemsMax = 10_000;

export const complianceOperations: Operations = {
  PutComplianceItems: changes(
    ['ResourceId', 'ResourceType', 'ComplianceType', 'ExecutionSummary', 'Items', 'UploadType'],
    ({ state, params }) => {
      const node = params.needText('ResourceId');
      const type = params.needText('ComplianceType');
      if (!Object.values(state.hosts).some(({ instanceId }) => instanceId === node))
        throw new AwsRefusal('InvalidResourceId', `${node} is not a managed node`);
      if (params.text('UploadType') === 'PARTIAL')
        throw new AwsNotModelled('PutComplianceItems with UploadType PARTIAL');
      const items = params.objects('Items');
      if (items.length > itemsMax)
        throw new AwsRefusal(
          'ValidationException',
          `Member must have length less than or equal to ${itemsMax}`,
        );
      for (const item of items) {
        item.needText('Severity');
        item.needText('Status');
      }
      (state.complianceItems ??= {})[`${node} ${type}`] = items.map(({ values }) => ({
        ...values,
        ComplianceType: type,
        ResourceType: 'ManagedInstance',
        ResourceId: node,
      }));
      return {};
    },
  ),

  ListComplianceItems: reads(
    ['ResourceIds', 'ResourceTypes', 'Filters', 'MaxResults', 'NextToken'],
    ({ state, params }) => {
      const nodes = params.texts('ResourceIds');
      const types = params.objects('Filters').flatMap((filter) => {
        if (filter.text('Key') !== 'ComplianceType' || (filter.text('Type') ?? 'EQUAL') !== 'EQUAL')
          throw new AwsNotModelled('ListComplianceItems with filters besides ComplianceType EQUAL');
        return filter.texts('Values');
      });
      const items = Object.values(state.complianceItems ?? {})
        .flat()
        .filter(
          ({ ResourceId, ComplianceType }) =>
            (nodes.length === 0 || (typeof ResourceId === 'string' && nodes.includes(ResourceId))) &&
            (types.length === 0 || (typeof ComplianceType === 'string' && types.includes(ComplianceType))),
        );
      return page(params, 'ComplianceItems', items);
    },
  ),
};
