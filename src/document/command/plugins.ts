/** The plugins of Command documents: what each takes, and where it runs. Source: Command document plugin reference of the SSM user guide. */

export interface Plugin {
  readonly platforms: readonly ('Linux' | 'MacOS' | 'Windows')[];
  /** Inputs by name; those marked with ! must be there. */
  readonly inputs: readonly string[];
  /** Why only the SSM agent can do it; undefined: Belay does it on hosts. */
  readonly agentOnly?: string;
}

const everywhere = ['Linux', 'MacOS', 'Windows'] as const;
/** What may be in the inputs of every plugin. */
export const flowInputs = ['onFailure', 'onSuccess', 'finallyStep'];

export const plugins: Readonly<Record<string, Plugin>> = {
  'aws:runShellScript': {
    platforms: ['Linux', 'MacOS'],
    inputs: ['runCommand!', 'timeoutSeconds', 'workingDirectory', 'id'],
  },
  'aws:runPowerShellScript': {
    platforms: ['Linux', 'Windows'],
    inputs: ['runCommand!', 'timeoutSeconds', 'workingDirectory', 'id'],
  },
  'aws:downloadContent': {
    platforms: everywhere,
    inputs: ['sourceType!', 'sourceInfo!', 'destinationPath'],
  },
  'aws:runDocument': {
    platforms: everywhere,
    inputs: ['documentType!', 'documentPath!', 'documentParameters'],
  },
  'aws:applications': {
    platforms: ['Windows'],
    inputs: ['action!', 'parameters', 'source!', 'sourceHash', 'id'],
    agentOnly: 'it installs Windows applications',
  },
  'aws:cloudWatch': {
    platforms: ['Windows'],
    inputs: ['startType', 'properties', 'id'],
    agentOnly: 'it configures the agent itself',
  },
  'aws:configureDocker': {
    platforms: ['Linux', 'Windows'],
    inputs: ['action!'],
    agentOnly: 'it is a part of the agent; host:package installs Docker',
  },
  'aws:configurePackage': {
    platforms: everywhere,
    inputs: ['name!', 'action!', 'installationType', 'version', 'additionalArguments'],
    agentOnly: 'packages of Distributor are signed for the agent; host:package installs packages of the host',
  },
  'aws:domainJoin': {
    platforms: ['Linux', 'Windows'],
    inputs: [
      'directoryId!',
      'directoryName!',
      'directoryOU',
      'dnsIpAddresses',
      'hostname',
      'keepHostName',
      'setHostName',
      'id',
    ],
    agentOnly: 'it is a part of the agent',
  },
  'aws:psModule': {
    platforms: ['Windows'],
    inputs: ['source!', 'sourceHash', 'runCommand', 'timeoutSeconds', 'workingDirectory', 'id'],
    agentOnly: 'it is for Windows',
  },
  'aws:refreshAssociation': {
    platforms: everywhere,
    inputs: ['associationIds'],
    agentOnly: 'associations are kept by the agent',
  },
  'aws:runDockerAction': {
    platforms: ['Linux', 'Windows'],
    inputs: [
      'action!',
      'container',
      'image',
      'cmd',
      'memory',
      'cpuShares',
      'volume',
      'env',
      'user',
      'publish',
      'id',
    ],
    agentOnly: 'it is a part of the agent; host:command runs docker',
  },
  'aws:softwareInventory': {
    platforms: everywhere,
    inputs: [
      'applications',
      'awsComponents',
      'customInventory',
      'customInventoryDirectory',
      'files',
      'instanceDetailedInformation',
      'instanceInformation',
      'networkConfig',
      'services',
      'windowsRegistry',
      'windowsRoles',
      'windowsUpdates',
      'billingInfo',
    ],
    agentOnly: 'inventory is collected by the agent',
  },
  'aws:updateAgent': {
    platforms: ['Windows'],
    inputs: ['agentName!', 'allowDowngrade', 'source!', 'targetVersion', 'id'],
    agentOnly: 'it updates EC2Config',
  },
  'aws:updateSsmAgent': {
    platforms: everywhere,
    inputs: ['agentName!', 'allowDowngrade', 'source!', 'targetVersion', 'id'],
    agentOnly: 'a host that Belay reaches by itself has no need of the agent',
  },
};
