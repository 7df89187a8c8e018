/** The SSM operations that the endpoint answers itself; every other goes to moto as it came. */
import type { Handler } from '../cell.ts';
import { cancelCommand, listCommands, sendCommand } from './commands.ts';
import { listComplianceItems, listResourceComplianceSummaries, putComplianceItems } from './compliance.ts';
import { describeInstanceInformation } from './instance-information.ts';
import { getCommandInvocation, listCommandInvocations } from './invocations.ts';
import {
  createMaintenanceWindow,
  describeMaintenanceWindows,
  describeMaintenanceWindowTargets,
  describeMaintenanceWindowTasks,
  getMaintenanceWindow,
  getMaintenanceWindowTask,
  registerTaskWithMaintenanceWindow,
  updateMaintenanceWindow,
} from './maintenance-windows.ts';

export const ssmOperations: Readonly<Record<string, Handler>> = {
  CancelCommand: cancelCommand,
  CreateMaintenanceWindow: createMaintenanceWindow,
  DescribeInstanceInformation: describeInstanceInformation,
  DescribeMaintenanceWindowTargets: describeMaintenanceWindowTargets,
  DescribeMaintenanceWindowTasks: describeMaintenanceWindowTasks,
  DescribeMaintenanceWindows: describeMaintenanceWindows,
  GetCommandInvocation: getCommandInvocation,
  GetMaintenanceWindow: getMaintenanceWindow,
  GetMaintenanceWindowTask: getMaintenanceWindowTask,
  ListCommandInvocations: listCommandInvocations,
  ListCommands: listCommands,
  ListComplianceItems: listComplianceItems,
  ListResourceComplianceSummaries: listResourceComplianceSummaries,
  PutComplianceItems: putComplianceItems,
  RegisterTaskWithMaintenanceWindow: registerTaskWithMaintenanceWindow,
  SendCommand: sendCommand,
  UpdateMaintenanceWindow: updateMaintenanceWindow,
};
