/** belay findings: what checks have found, with since when, and who knows of it. */
import { findingText, isOpen } from '../../compliance/index.ts';
import { sinceOf } from '../../runtime/compliance/instants.ts';
import type { CommandBody } from '../command-spec.ts';
import { withCompliance } from '../compliance-desk.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf } from '../options.ts';
import { dayText, minuteText } from '../view/check-lines.ts';
import { findingJson } from '../view/check-json.ts';
import { clipped, printable } from '../view/printable.ts';
import { tableLines } from '../view/table.ts';

const linesMax = 200;

export const body: CommandBody = (cli, _args, options) =>
  withCompliance(cli, async (compliance) => {
    const rule = textOf(options, 'rule');
    const target = textOf(options, 'host');
    const since = textOf(options, 'since');
    const found = compliance.findings({
      ...(flagOf(options, 'open') ? { isOpen: true } : {}),
      ...(rule === undefined ? {} : { rule }),
      ...(target === undefined ? {} : { target }),
      ...(since === undefined ? {} : { since: sinceOf(since, cli.now()) }),
    });
    if (flagOf(options, 'json')) {
      const findings = found.map(({ finding, acknowledgement }) => findingJson(finding, acknowledgement));
      await cli.pour(`${JSON.stringify({ schemaVersion: 1, findings }, null, 2)}\n`);
      return exitCodes.done;
    }
    if (found.length === 0) {
      const never = compliance.checks(undefined, 1).length === 0;
      cli.talk(never ? 'Nothing was checked in this state folder yet:' : 'There are no such findings.');
      if (never) cli.talk('  belay check');
      const known = [...new Set(compliance.findings({}).map((each) => each.finding.rule))];
      if (rule !== undefined && known.length > 0 && !known.includes(rule))
        cli.talk(
          `  ${printable(rule)} is not a rule that anything was found of: ${known.slice(0, 12).map(printable).join(', ')}`,
        );
      return exitCodes.done;
    }
    const ordered = found.toSorted(
      (left, right) => Number(isOpen(right.finding)) - Number(isOpen(left.finding)),
    );
    const rows = ordered
      .slice(0, linesMax)
      .map(({ finding, acknowledgement }) => [
        finding.status,
        finding.severity,
        printable(finding.rule),
        printable(finding.target),
        dayText(finding.firstSeenAt),
        dayText(finding.closedAt ?? finding.lastSeenAt),
        `${clipped(printable(findingText(finding)), 160)}${acknowledgement === null ? '' : `   acknowledged by ${printable(acknowledgement.by)} until ${minuteText(acknowledgement.until)}: ${clipped(printable(acknowledgement.why), 80)}`}`,
      ]);
    const head = ['STATUS', 'SEVERITY', 'RULE', 'TARGET', 'FIRST SEEN', 'LAST', ''];
    cli.out(
      tableLines([head, ...rows])
        .map((line) => `${line}\n`)
        .join(''),
    );
    const more = ordered.length - rows.length;
    if (more > 0) cli.talk(`${more} more are not shown: belay findings --json has all.`);
    return exitCodes.done;
  });
