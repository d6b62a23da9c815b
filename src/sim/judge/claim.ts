// What must hold at every moment of every run, each claim with a name of its own. A checker of this directory speaks
// for each but for those that a run waits for or a process ends with (simulator.md).

export const claims = {
  oneLeader: 'one leader a term',
  oneVote: 'one vote a member and term, whatever it forgets',
  elected: 'who leads was elected by a majority of each half, and is a voter that holds payloads',
  campaigns: 'who campaigns is a voter that holds payloads',
  upToDate: 'a vote goes only to a log that is at least as new',
  logMatching: 'equal index and term, equal entries and all before them',
  leaderCompleteness: 'a leader holds all that was committed before its term',
  committedStays: 'what is committed is never replaced, nor the commit index lowered',
  ownTerm: 'a leader counts replicas only for entries of its own term',
  majority: 'what is committed was promised by a majority',
  configuration: 'a member goes by the newest configuration in its log, or by that of its snapshot',
  oneChange: 'a change of membership begins once the one before it, and an entry of the leader’s own term, are committed',
  durable: 'what a member promised is there after it died',
  termsRise: 'terms never go back, not even in death',
  matchRises: 'matchIndex never goes back',
  matchSaid: 'matchIndex is what that member said in this term',
  heard: 'who leads was heard by a quorum within two election timeouts',
  lease: 'who reads by a lease knows what is committed, and nobody else is elected or could be',
  equalStates: 'equal applied indexes, equal states',
  exactlyOnce: 'a write of a session is applied once',
  proposedOnce: 'what may be in a log is not proposed again, unless its client asks again',
  acknowledged: 'what was acknowledged is there, and what was refused is not',
  reads: 'a read shows the state of the revision it names, and one as new as was asked for',
  linearizable: 'the clients’ history is linearizable',
  atomic: 'a transaction is seen whole',
  liveness: 'after healing, the members converge and the clients go on',
  saidDurably: 'nothing is promised before the log has it synced',
  conflictsOnly: 'a log is cut only where an entry of another term takes the place',
  preVotes: 'nobody is in a term in which nobody campaigned',
  tickOnce: 'however late a tick is, it counts once',
  settles: 'every call of a client ends when its time is up',
  noBug: 'no assertion fails, and no exception escapes',
  noFalseAlarm: 'nobody refuses to run whose disk nobody has damaged, nor says that equal states differ',
} as const;
export type ClaimName = keyof typeof claims;

export class BrokenClaim extends Error {
  override readonly name = 'BrokenClaim';
  readonly claim: ClaimName;

  constructor(claim: ClaimName, detail: string) {
    super(`${claims[claim]}: ${detail}`);
    this.claim = claim;
  }
}
