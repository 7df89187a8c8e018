/** belay ack: somebody knows of findings and keeps them quiet until a stated time. */
import { covers, isOpen } from '../../compliance/index.ts';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { withCompliance } from '../compliance-desk.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf } from '../options.ts';
import { utcText } from '../view/instant-text.ts';
import { printable } from '../view/printable.ts';

export const body: CommandBody = (cli, [rule = ''], options) =>
  withCompliance(cli, (compliance) => {
    const about = {
      rule,
      target: textOf(options, 'host') ?? '*',
      subject: textOf(options, 'subject') ?? '*',
    };
    if (flagOf(options, 'end')) {
      const count = compliance.unacknowledge(about);
      if (count === 0)
        throw new Refusal('usage', 'NOT_ACKNOWLEDGED', `nothing of ${rule} is acknowledged in these words`, {
          hint: 'belay findings --open shows who acknowledged what; give the same --host and --subject',
        });
      cli.talk(
        `${count === 1 ? 'The acknowledgement has' : `${count} acknowledgements have`} ended. The next check tells again.`,
      );
      return exitCodes.done;
    }
    const why = textOf(options, 'why')?.trim() ?? '';
    const until = textOf(options, 'until');
    if (why === '' || until === undefined) {
      const missing = why === '' ? '--why' : '--until';
      throw new Refusal('usage', 'MISSING_OPTION', `belay ack needs ${missing}`, {
        hint: `belay ack ${rule} --until 14d --why "waits for the maintenance window, OPS-12"`,
      });
    }
    const meant = compliance.findings({ isOpen: true }).filter(({ finding }) => covers(about, finding));
    if (meant.length === 0) {
      const known = [...new Set(compliance.findings({ isOpen: true }).map(({ finding }) => finding.rule))];
      throw new Refusal(
        'usage',
        'NO_SUCH_FINDING',
        `no finding is open for rule ${rule}${about.target === '*' ? '' : ` on ${about.target}`}${about.subject === '*' ? '' : ` of ${about.subject}`}`,
        {
          hint:
            known.length === 0
              ? 'nothing is open at all'
              : `open ones are of ${known.slice(0, 12).join(', ')}`,
        },
      );
    }
    const given = compliance.acknowledge(about, why, until);
    const open = meant.filter(({ finding }) => isOpen(finding)).length;
    const more =
      about.subject === '*'
        ? ` So is what the rule finds${about.target === '*' ? '' : ` on ${printable(about.target)}`} until then.`
        : '';
    cli.talk(
      `${open} ${open === 1 ? 'finding is' : 'findings are'} acknowledged by ${given.by} until ${utcText(given.until)}.${more} The first check after that tells what is still open.`,
    );
    return exitCodes.done;
  });
