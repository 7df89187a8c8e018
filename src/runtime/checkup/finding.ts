/** What a look at the surroundings found. */
export interface Finding {
  readonly area: 'tools' | 'state' | 'configuration' | 'aws' | 'hosts' | 'channels' | 'leftovers';
  /** What was looked at: `ssh`, `db1`. */
  readonly what: string;
  /** `note`: worth knowing, nothing is wrong. */
  readonly verdict: 'good' | 'note' | 'bad';
  readonly says: string;
  /** What to do. */
  readonly hint?: string;
}
