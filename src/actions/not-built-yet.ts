/** Actions that Belay refuses by name: part of the language and not built yet, or known to AWS's own runbooks alone. */

/** With what to do instead. None at present. */
export const notBuiltYet: ReadonlyMap<string, string> = new Map();

/** Actions that exist only inside of AWS, and why. Source: AWS's own published runbooks; the user guide has none of them. */
export const insideAws: ReadonlyMap<string, string> = new Map([
  ['aws:putServerUpgradeMetrics', 'it counts upgrades for the service team'],
  ['aws:shareSQLMedia', "it shares a snapshot of AWS's own with the account"],
  ['aws:installDistributorPackageOnAzure', 'it acts through a cloud connector that the service holds'],
]);
