/** The SSM operations that the endpoint answers itself; every other goes to moto as it came. */
import type { Handler } from '../cell.ts';
import { cancelCommand, listCommands, sendCommand } from './commands.ts';
import { listComplianceItems, listResourceComplianceSummaries, putComplianceItems } from './compliance.ts';
import { describeInstanceInformation } from './instance-information.ts';
import { getCommandInvocation, listCommandInvocations } from './invocations.ts';

export const ssmOperations: Readonly<Record<string, Handler>> = {
  CancelCommand: cancelCommand,
  DescribeInstanceInformation: describeInstanceInformation,
  GetCommandInvocation: getCommandInvocation,
  ListCommandInvocations: listCommandInvocations,
  ListCommands: listCommands,
  ListComplianceItems: listComplianceItems,
  ListResourceComplianceSummaries: listResourceComplianceSummaries,
  PutComplianceItems: putComplianceItems,
  SendCommand: sendCommand,
};
