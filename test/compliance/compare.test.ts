/** src/compliance/compare.ts: what is new, still, fixed and unknown, and that nobody is told anything that nobody saw. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compare,
  isOpen,
  verdictOfCheck,
  withDoubts,
  type Acknowledgement,
  type Change,
  type Finding,
  type Judged,
  type Look,
} from '../../src/compliance/index.ts';
import { broken, kept, look, unknown } from './looks.ts';

const rules = ['r', 's'].map((name) => ({ name, severity: 'HIGH' as const }));

class Memory {
  now = 1_000;
  findings: readonly Finding[] = [];
  acknowledgements: Acknowledgement[] = [];

  /** Of the last check, by exit code. */
  verdict = '';

  /** Checks, remembers, and says `KIND SUBJECT`, in capitals where somebody is told. */
  check(looks: readonly Look[], isWholeSet = true): string[] {
    this.now += 1_000;
    const { findings, changes } = compare({
      set: 'set',
      rules,
      looks,
      memory: this.findings.filter(isOpen),
      acknowledgements: this.acknowledgements,
      isWholeSet,
      now: this.now,
    });
    this.verdict = verdictOfCheck(withDoubts(looks, changes), this.acknowledgements, this.now);
    const key = (finding: Finding): string => JSON.stringify([finding.rule, finding.target, finding.subject]);
    const all = new Map(this.findings.map((finding) => [key(finding), finding]));
    for (const finding of findings) all.set(key(finding), finding);
    this.findings = [...all.values()];
    return changes.map(told);
  }

  open(): string[] {
    return this.findings
      .filter(isOpen)
      .map(({ subject, status, code }) => `${subject} ${status} ${code}`.trim());
  }

  quiet(until: number, target = '*'): void {
    this.acknowledgements.push({ id: 1, rule: 'r', target, subject: '*', by: 'ann', why: 'x', at: 0, until });
  }
}

function told({ kind, finding, isLoud }: Change): string {
  return `${isLoud ? kind.toUpperCase() : kind} ${finding.subject}`.trim();
}

describe('one finding after the other', () => {
  test('is told once, goes on quietly, is told once when it is fixed, and is new when it comes back', () => {
    const memory = new Memory();
    expect(memory.check([look('r', 'h', [broken('a'), kept('b')])])).toEqual(['NEW a']);
    expect(memory.check([look('r', 'h', [broken('a'), kept('b')])])).toEqual(['still a']);
    expect(memory.findings).toMatchObject([{ firstSeenAt: 2_000, lastSeenAt: 3_000 }]);
    expect(memory.check([look('r', 'h', [kept('a'), kept('b')])])).toEqual(['FIXED a']);
    expect(memory.check([look('r', 'h', [kept('a'), kept('b')])])).toEqual([]);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['NEW a']);
    expect(memory.findings).toMatchObject([{ firstSeenAt: 6_000, status: 'open' }]);
  });

  test('a host that is down makes what was open unknown, never fixed, and nothing of what held is compliant', () => {
    const memory = new Memory();
    memory.check([look('r', 'h', [broken('a'), broken('b')]), look('s', 'h', [kept('c')])]);
    expect(memory.check([look('r', 'h', [unknown('')]), look('s', 'h', [unknown('')])])).toEqual([
      'UNKNOWN a',
      'UNKNOWN b',
      'UNKNOWN',
    ]);
    expect(memory.open()).toEqual(['a open UNREACHABLE', 'b open UNREACHABLE', 'unknown UNREACHABLE']);
    expect(memory.check([look('r', 'h', [unknown('')]), look('s', 'h', [unknown('')])])).toEqual([
      'still a',
      'still b',
      'still',
    ]);
    expect(memory.check([look('r', 'h', [broken('a'), kept('b')]), look('s', 'h', [kept('c')])])).toEqual([
      'KNOWN a',
      'FIXED b',
      'KNOWN',
    ]);
    expect(memory.open()).toEqual(['a open']);
  });

  test('what was unknown and turns out to be broken is new', () => {
    const memory = new Memory();
    expect(memory.check([look('r', 'h', [unknown('a')])])).toEqual(['UNKNOWN a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['NEW a']);
  });

  test('what a listing does not have any more is gone only when a second one does not have it either', () => {
    const memory = new Memory();
    memory.check([look('r', 'account', [broken('vol-1'), broken('vol-2')], false)]);
    expect(memory.check([look('r', 'account', [kept('vol-2')], false)])).toEqual([
      'FIXED vol-2',
      'UNKNOWN vol-1',
    ]);
    expect(memory.open()).toEqual(['vol-1 open NOT_LISTED']);
    expect(memory.verdict).toBe('UNDETERMINED');
    expect(memory.check([look('r', 'account', [unknown('', 'Throttling')], false)])).toEqual(['still vol-1']);
    expect(memory.check([look('r', 'account', [kept('vol-2')], false)])).toEqual(['still vol-1']);
    expect(memory.check([look('r', 'account', [kept('vol-2')], false)])).toEqual(['FIXED vol-1']);
    expect(memory.verdict).toBe('COMPLIANT');
  });

  test('what is not seen any more beside something else that is wrong is retired, and nobody says fixed', () => {
    const memory = new Memory();
    expect(memory.check([look('r', 'h', [broken('owner of f'), kept('mode of f')])])).toEqual([
      'NEW owner of f',
    ]);
    expect(memory.check([look('r', 'h', [broken('f')])])).toEqual(['NEW f', 'RETIRED owner of f']);
    expect(memory.check([look('r', 'h', [kept('owner of f'), kept('mode of f')])])).toEqual(['FIXED f']);
  });

  test('what was unknown and is not seen beside something that is wrong is known again, and not called as it must be', () => {
    const memory = new Memory();
    memory.check([look('r', 'h', [broken('configuration'), unknown('upstream u')])]);
    expect(memory.check([look('r', 'h', [kept('configuration'), broken('one in u')])])).toEqual([
      'FIXED configuration',
      'NEW one in u',
      'KNOWN upstream u',
    ]);
    expect(memory.findings.map(({ subject, status }) => `${subject} ${status}`)).toContain(
      'upstream u retired',
    );
  });

  test('a host that a rule may still mean is unknown and not retired while nobody can find out whom it means', () => {
    const memory = new Memory();
    const both = [look('r', 'i-1', [broken('a')]), look('r', 'i-2', [kept('a')])];
    expect(memory.check(both)).toEqual(['NEW a']);
    const throttled = [look('r', 'i-2', [kept('a')]), look('r', 'account', [unknown('')], false)];
    expect(memory.check(throttled)).toEqual(['UNKNOWN', 'UNKNOWN a']);
    expect(memory.verdict).toBe('UNDETERMINED');
    expect(memory.open()).toEqual(['a open UNREACHABLE', 'unknown UNREACHABLE']);
    expect(memory.check(throttled)).toEqual(['still', 'still a']);
    expect(memory.check(both)).toEqual(['KNOWN a', 'KNOWN']);
    expect(memory.open()).toEqual(['a open']);
    expect(memory.check([look('r', 'i-2', [kept('a')])])).toEqual(['RETIRED a']);
  });

  test('what leaves the file is retired and not fixed, and only a whole check says so', () => {
    const memory = new Memory();
    memory.check([look('r', 'h', [broken('a')])]);
    expect(memory.check([look('s', 'h', [kept('c')])], false)).toEqual([]);
    expect(memory.check([look('s', 'h', [kept('c')])])).toEqual(['RETIRED a']);
    expect(memory.findings).toMatchObject([{ status: 'retired' }]);
  });

  test('what is acknowledged is quiet from its beginning to its end, and is told when the time is over', () => {
    const memory = new Memory();
    memory.quiet(4_500);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['new a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['STILL a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [kept('a')])])).toEqual(['FIXED a']);
  });

  test('what was told and is acknowledged later is told again when the time is over', () => {
    const memory = new Memory();
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['NEW a']);
    memory.quiet(3_500);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['STILL a']);
  });
});

describe('what is acknowledged', () => {
  test.each([
    ['gets worse', broken('a', 'far worse')],
    ['changes', broken('a', 'bad in another way')],
  ])('and %s is quiet until the time is over, and is told then as it is', (_what, worse) => {
    const memory = new Memory();
    memory.check([look('r', 'h', [broken('a')])]);
    memory.quiet(4_500);
    expect(memory.check([look('r', 'h', [worse])])).toEqual(['still a']);
    expect(memory.verdict).toBe('COMPLIANT');
    expect(memory.check([look('r', 'h', [worse])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [worse])])).toEqual(['STILL a']);
    expect(memory.verdict).toBe('NON_COMPLIANT');
    expect(memory.findings[0]?.found).toBe(worse.kind === 'broken' ? worse.found : '');
    expect(memory.check([look('r', 'h', [worse])])).toEqual(['still a']);
  });

  test('at its very end it holds no more, and is told once', () => {
    const memory = new Memory();
    memory.check([look('r', 'h', [broken('a')])]);
    memory.quiet(4_000);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['STILL a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
  });

  test('is told as fixed where it was told before; comes back quietly, and is told when the time is over', () => {
    const memory = new Memory();
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['NEW a']);
    memory.quiet(6_500);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [kept('a')])])).toEqual(['FIXED a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['new a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['still a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['STILL a']);
    expect(memory.check([look('r', 'h', [kept('a')])])).toEqual(['FIXED a']);
  });

  test('and was never told is not told as fixed, and is new when it comes back later', () => {
    const memory = new Memory();
    memory.quiet(3_500);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['new a']);
    expect(memory.check([look('r', 'h', [kept('a')])])).toEqual(['fixed a']);
    expect(memory.check([look('r', 'h', [broken('a')])])).toEqual(['NEW a']);
  });

  test('and cannot be looked at any more is unknown: quiet, and never compliant', () => {
    const memory = new Memory();
    memory.check([look('r', 'h', [broken('a')])]);
    memory.quiet(3_500);
    expect(memory.check([look('r', 'h', [unknown('')])])).toEqual(['unknown a']);
    expect(memory.verdict).toBe('UNDETERMINED');
    expect(memory.check([look('r', 'h', [unknown('')])])).toEqual(['STILL a']);
  });
});

const judged = fc.uniqueArray(
  fc.record({
    kind: fc.constantFrom('kept', 'broken', 'unknown'),
    subject: fc.constantFrom('', 'a', 'b', 'c'),
  }),
  { selector: ({ subject }) => subject, maxLength: 4 },
);
const asJudged = ({ kind, subject }: { kind: string; subject: string }): Judged =>
  kind === 'unknown' || subject === '' ? unknown(subject) : kind === 'kept' ? kept(subject) : broken(subject);
const looksOf = fc.array(
  fc.record({
    rule: fc.constantFrom('r', 's'),
    target: fc.constantFrom('h', 'i'),
    judged,
    isWhole: fc.boolean(),
  }),
  { maxLength: 4 },
);

test('over any checks: nothing is fixed that was not seen kept or missed twice, and every end was told as often as its beginning', () => {
  fc.assert(
    fc.property(fc.array(looksOf, { maxLength: 8 }), fc.boolean(), (checks, isQuiet) => {
      const memory = new Memory();
      if (isQuiet) memory.quiet(5_000, 'h');
      for (const drawn of checks) {
        const looks = [...new Map(drawn.map((each) => [`${each.rule} ${each.target}`, each])).values()].map(
          (each) => look(each.rule, each.target, each.judged.map(asJudged), each.isWhole),
        );
        const before = memory.findings;
        memory.check(looks, false);
        for (const finding of memory.findings) {
          const was = before.find(
            (each) =>
              each.rule === finding.rule &&
              each.target === finding.target &&
              each.subject === finding.subject,
          );
          if (finding.status !== 'fixed' || was === undefined || was.status === 'fixed') continue;
          const seen = looks.find(({ rule, target }) => rule === finding.rule && target === finding.target);
          expect(seen).toBeDefined();
          const isDoubtful = seen?.judged.some(({ kind }) => kind === 'unknown') ?? true;
          const own = seen?.judged.find(({ subject }) => subject === finding.subject);
          const isMissed =
            own === undefined && !isDoubtful && (seen?.isWhole === true || was.missedTimes > 0);
          expect(own?.kind === 'kept' || isMissed || finding.subject === '').toBe(true);
        }
        for (const { judged: all, rule, target } of looks)
          for (const each of all) {
            const now = memory.findings.find(
              (finding) =>
                finding.rule === rule && finding.target === target && finding.subject === each.subject,
            );
            if (each.kind === 'broken') expect(now).toMatchObject({ status: 'open', code: '' });
            if (each.kind === 'unknown' && each.subject !== '') expect(now?.code).toBe('UNREACHABLE');
          }
      }
    }),
  );
});
