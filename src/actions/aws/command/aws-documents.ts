/** Documents of AWS that Belay carries on hosts itself, and those that it refuses by name. */
import type { CommandDocument } from '../../../document/index.ts';
import { patchProgram } from './patch-program.ts';

const patchBaseline: CommandDocument = {
  schemaVersion: '2.2',
  description: 'Scans for missing patches, or installs them (apt and dnf).',
  parameters: {
    Operation: { type: 'String', allowedValues: ['Scan', 'Install'] },
    RebootOption: {
      type: 'String',
      default: 'RebootIfNeeded',
      allowedValues: ['RebootIfNeeded', 'NoReboot'],
    },
    AssociationId: { type: 'String', default: '', allowedValues: [''] },
    SnapshotId: { type: 'String', default: '' },
    InstallOverrideList: { type: 'String', default: '', allowedValues: [''] },
    BaselineOverride: { type: 'String', default: '', allowedValues: [''] },
  },
  steps: [
    {
      name: 'PatchLinux',
      action: 'aws:runShellScript',
      inputs: {
        timeoutSeconds: '7200',
        runCommand: [`operation='{{ Operation }}' reboot='{{ RebootOption }}'`, patchProgram],
      },
      precondition: { left: 'platformType', right: 'Linux' },
      onFailure: null,
      onSuccess: null,
      finallyStep: false,
    },
  ],
};

const known: Readonly<Record<string, CommandDocument>> = { 'AWS-RunPatchBaseline': patchBaseline };

const refused: Readonly<Record<string, string>> = {
  'AWS-RunPowerShellScript':
    'it is for Windows; write a Command document with aws:runPowerShellScript for a host that has pwsh',
  'AWS-ConfigureAWSPackage':
    'packages of Distributor are signed for the SSM agent; host:package installs packages of the host',
  'AWS-UpdateSSMAgent': 'such a host has no need of the agent',
  'AWS-GatherSoftwareInventory': 'inventory is collected by the SSM agent',
  'AWS-InstallApplication': 'it is for Windows',
  'AWS-InstallWindowsUpdates': 'it is for Windows',
};

export function knownDocument(name: string): CommandDocument | undefined {
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

/** Why a document of AWS is not run on hosts; undefined where there is no more to say. */
export function refusedDocument(name: string): string | undefined {
  if (Object.hasOwn(refused, name)) return refused[name];
  return /^(AWS|AWSEC2|AWSSupport|AmazonCloudWatch)-/.test(name)
    ? 'it is a document of AWS that Belay does not know'
    : undefined;
}
