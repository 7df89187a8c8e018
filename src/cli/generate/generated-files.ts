/** Files in the repository that are made from code: editor schemas, reference pages, the page of the runbooks. A test holds them up to date. */
import { join } from 'node:path';
import { actions, createCatalog, createCheckCatalog } from '../../actions/index.ts';
import { complianceCodes, complianceSchema } from '../../compliance/index.ts';
import { documentCodes, runbookSchema } from '../../document/index.ts';
import { inventoryCodes, inventorySchema } from '../../inventory/index.ts';
import { notifyCodes } from '../../notify/index.ts';
import { offlineModels } from '../../runtime/offline-models.ts';
import { windowCodes, windowSchema } from '../../windows/index.ts';
import { exitCodeMeanings } from '../exit-codes.ts';
import { explainAction, type ActionExplanation, type Field } from '../explain-action.ts';
import { runbooksPage } from './runbooks-page.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Text by path from the repository's root. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const catalog = createCatalog(offlineModels());
  const descriptions = Object.fromEntries([...actions.values()].map(({ name, summary }) => [name, summary]));
  const files = new Map<string, string>([
    ['schemas/runbook.schema.json', json(runbookSchema(catalog, descriptions))],
    ['schemas/belay.schema.json', json(inventorySchema())],
    ['schemas/window.schema.json', json(windowSchema())],
    ['schemas/compliance.schema.json', json(complianceSchema(createCheckCatalog()))],
    ['docs/codes.md', codesPage()],
    ['docs/actions/README.md', actionsIndex()],
    ['docs/runbooks.md', `${made}${runbooksPage(root)}`],
  ]);
  for (const action of actions.values()) files.set(pageOf(action.name), actionPage(explainAction(action)));
  return files;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const pageOf = (name: string): string => `docs/actions/${name.replace(':', '-')}.md`;
const made = '<!-- Made by `npm run generate` from the code; edit the code. -->\n\n';
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function actionsIndex(): string {
  const rows = [...actions.values()]
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, summary }) => `| [\`${name}\`](${name.replace(':', '-')}.md) | ${cell(summary)} |`);
  return `${made}# Actions\n\n| Action | What it does |\n|---|---|\n${rows.join('\n')}\n`;
}

function actionPage(action: ActionExplanation): string {
  return [
    `${made}# ${action.name}\n\n${action.summary}\n`,
    `\`\`\`yaml\n${action.example.trim()}\n\`\`\`\n`,
    fieldTable('Inputs', action.inputs),
    fieldTable('Outputs', action.outputs),
    `## Undo\n\n${action.undo}.\n`,
    ...(action.before.length === 0
      ? []
      : [
          `An undo list of your own reads what was observed before: ${action.before.map((name) => `\`{{ before.${name} }}\``).join(', ')}.\n`,
        ]),
    ...(action.permissions.length === 0
      ? []
      : [
          `## Permissions\n\nAs with the inputs of the example: ${action.permissions.map((name) => `\`${name}\``).join(', ')}.\n`,
        ]),
    `Source of its rules: <${action.source}>\n`,
  ].join('\n');
}

function fieldTable(title: string, fields: readonly Field[]): string {
  if (fields.length === 0) return `## ${title}\n\nNone.\n`;
  const rows = fields.map(
    ({ name, type, required, says }) =>
      `| \`${name}\` | ${cell(type)} | ${required ? 'yes' : ''} | ${cell(says)} |`,
  );
  return `## ${title}\n\n| Name | Type | Required | |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function codesPage(): string {
  const table = (codes: Readonly<Record<string, string>>): string =>
    `| Code | Meaning |\n|---|---|\n${Object.entries(codes)
      .map(([code, meaning]) => `| \`${code}\` | ${cell(meaning)} |`)
      .join('\n')}\n`;
  const exits = exitCodeMeanings.map(({ code, meaning }) => `| ${code} | ${cell(meaning)} |`).join('\n');
  return [
    `${made}# Codes\n`,
    `## Exit codes\n\n| Code | Meaning |\n|---|---|\n${exits}\n`,
    `## What can be wrong with a runbook\n\n${table(documentCodes)}`,
    `## What can be wrong with belay.yaml\n\n${table({ ...inventoryCodes, ...notifyCodes })}`,
    `## What can be wrong with a window file\n\n${table(windowCodes)}`,
    `## What can be wrong with a compliance file\n\n${table(complianceCodes)}`,
  ].join('\n');
}
