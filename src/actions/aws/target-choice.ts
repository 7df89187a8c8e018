/** What Targets of aws:executeAutomation may choose by: a key, and what that key takes. Asked at validation and again before anything is looked up. */

/** `AWS::EC2::Instance=*`: all instances of the account in the region. */
export const allInstances = 'AWS::EC2::Instance';

const keys = ['ParameterValues', 'Hosts', 'ResourceGroup', 'InstanceIds', allInstances];

/** Why nothing can be chosen by that; undefined: something can. */
export function targetProblem(key: string, values: readonly string[]): string | undefined {
  if (!keys.includes(key) && !/^tag:./s.test(key))
    return `${key} is not a key of Targets: there are ParameterValues, Hosts, tag:NAME, ResourceGroup, InstanceIds and ${allInstances}`;
  if (values.length === 0 && key !== 'Hosts') return `Targets by ${key} name no value`;
  if (key === allInstances && (values.length > 1 || values[0] !== '*'))
    return `${allInstances} takes * alone, which means every instance of the account in the region, and not ${values.join(', ')}: instances by their ids are InstanceIds`;
  return undefined;
}
