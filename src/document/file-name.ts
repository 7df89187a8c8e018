/** Whether a runbook is named by its file, and not as Systems Manager knows it. */
export function isRunbookFile(name: unknown): boolean {
  return typeof name === 'string' && /\.(?:ya?ml|json)$/.test(name) && !name.startsWith('arn:');
}
