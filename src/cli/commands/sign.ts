/** belay sign: decides on what another account waits for, and lays the signed decision into the inbox of its state folder. */
import { resolve } from 'node:path';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf } from '../options.ts';
import { printable, printableLines } from '../view/printable.ts';

export const body: CommandBody = async (cli, [file = ''], options) => {
  const { dropDecision, openRequest, signRequest } = await import('../../runtime/approvals/request.ts');
  const { decisionText } = await import('../../runtime/approvals/decision-file.ts');
  const key = textOf(options, 'key');
  const aws = flagOf(options, 'aws');
  if (aws && key !== undefined)
    throw new Refusal('usage', 'TWO_WAYS', '--key and --aws are two ways to sign; one is enough');
  const request = openRequest(resolve(cli.cwd, file));
  const decision = flagOf(options, 'reject') ? 'reject' : 'approve';
  const { wait, inbox } = request;
  cli.talk(
    `${printable(wait.step)} of ${printable(wait.executionId)} (${printable(wait.runbook)}) asks:`,
    ...printableLines(wait.message)
      .split('\n')
      .map((line) => `  ${line}`),
    `  program sha256    ${printable(wait.programSha256)}`,
    `  parameters sha256 ${printable(wait.parametersSha256)}`,
  );
  const signed = await signRequest(
    request,
    {
      decision,
      comment: textOf(options, 'comment') ?? '',
      ...(key === undefined ? {} : { key: resolve(cli.cwd, key) }),
      ...(aws ? { aws } : {}),
    },
    cli.env,
    cli.now,
  );
  const word = decision === 'approve' ? 'approved' : 'rejected';
  if (textOf(options, 'out') === '-') {
    cli.out(decisionText(signed));
    return exitCodes.done;
  }
  const out = textOf(options, 'out');
  const path = dropDecision(signed, out === undefined ? inbox : resolve(cli.cwd, out));
  cli.talk(
    `${word} as ${printable(signed.approver)}: ${printable(path)}`,
    aws
      ? '  whoever runs the execution has to take it within 15 minutes'
      : '  it counts once the execution takes it',
  );
  return exitCodes.done;
};
