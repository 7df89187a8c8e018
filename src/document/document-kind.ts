/** Documents of Systems Manager that are no runbooks, each told by what it is. */
import { requiredEntry, type MapReader } from './read-keys.ts';
import { describeNode, scalarText, type MapNode, type Span, type TreeNode } from './tree.ts';

const commandVersions = ['1.2', '2.0', '2.2', '2'];

/** Whether it is an Automation document; where it is not, the report says what it is. */
export function isAutomation(reader: MapReader, top: Span): boolean {
  const { node: root, report } = reader;
  const other = otherKind(root);
  if (other !== undefined) {
    const at = root.entries.get(other.key)?.keySpan ?? top;
    report.error('NOT_A_RUNBOOK', at, `this is ${other.what}, and no runbook`, other.hint);
    return false;
  }
  const entry = requiredEntry(reader, 'schemaVersion', top, versionHint);
  if (entry === undefined) {
    // Misspelt, it is told by who looks at all keys, and nobody does here.
    for (const { key, keySpan } of root.entries.values()) {
      const hint = report.suggest(key, ['schemaVersion']);
      if (hint?.startsWith('Did') === true)
        report.error('UNKNOWN_KEY', keySpan, `the document has no key ${key}`, hint);
    }
    return false;
  }
  const written = scalarText(entry.value);
  if (written === '0.3') return true;
  const isCommand = commandVersions.includes(written);
  report.error(
    isCommand ? 'COMMAND_DOCUMENT' : 'SCHEMA_VERSION',
    entry.value.span,
    isCommand
      ? `schemaVersion ${written} is an SSM Command document; Belay runs Automation documents, '0.3'`
      : `schemaVersion is ${describeNode(entry.value)}, but must be '0.3'`,
    isCommand ? 'An aws:runCommand step can run it by its name.' : undefined,
  );
  return false;
}

const versionHint =
  "A runbook begins with schemaVersion: '0.3'. A configuration (ApplicationConfiguration) or any other data is none.";

interface OtherKind {
  readonly what: string;
  readonly key: string;
  readonly hint?: string;
}

/** By what only documents of that type have. */
function otherKind(root: MapNode): OtherKind | undefined {
  const has = (...keys: readonly string[]): boolean => keys.every((key) => root.entries.has(key));
  if (has('Name', 'Schedule', 'Tasks'))
    return { what: 'a maintenance window', key: 'Schedule', hint: 'belay window validate FILE reads it.' };
  if (has('Name', 'Rules'))
    return { what: 'a compliance file', key: 'Rules', hint: 'belay check FILE reads it.' };
  if (has('hosts') && !has('mainSteps'))
    return { what: 'a configuration of hosts (belay.yaml)', key: 'hosts', hint: 'belay doctor reads it.' };
  if (has('templateBody') && !has('mainSteps'))
    return {
      what: 'an SSM document of the type CloudFormation',
      key: 'templateBody',
      hint: 'aws:createStack takes the template that it holds.',
    };
  if (has('sessionType')) return { what: 'a Session document', key: 'sessionType' };
  if ((has('packages') || has('packageArn')) && !has('mainSteps'))
    return {
      what: 'the manifest of a Distributor package',
      key: has('packages') ? 'packages' : 'packageArn',
      hint: 'AWS-ConfigureAWSPackage installs it, by aws:runCommand.',
    };
  if (isPolicy(root.entries.get('mainSteps')?.value))
    return {
      what: 'a Policy document',
      key: 'mainSteps',
      hint: 'State Manager applies it to managed nodes by an association.',
    };
  if (has('$schema') && !has('mainSteps'))
    return { what: 'a JSON Schema (ApplicationConfigurationSchema)', key: '$schema' };
  return undefined;
}

/** Inventory is gathered by Policy documents alone, which otherwise look as Command documents do. */
function isPolicy(steps: TreeNode | undefined): boolean {
  const items = steps?.kind === 'list' ? steps.items : [];
  const actions = items.map((item) =>
    item.kind === 'map' ? scalarText(item.entries.get('action')?.value) : '',
  );
  return actions.length > 0 && actions.every((action) => action === 'aws:softwareInventory');
}
