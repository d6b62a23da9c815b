// Elections, the log, commitment.

import type { PlantedBug } from './plant.ts';

export const consensusBugs: readonly PlantedBug[] = [
  {
    name: 'two-votes-in-a-term',
    does: 'a member votes for whoever asks, also the second time in a term',
    breaks: 'Raft §5.2: first come, first served, one vote a term',
    claims: ['oneVote'],
    edits: [
      {
        file: 'src/core/raft/election.ts',
        find: 'const free = state.vote === message.from || (state.vote === 0 && state.lead === 0 && (message.transfer || !isBound(state, turn.options)));',
        replace: 'const free = state.vote >= 0 || isBound(state, turn.options);',
      },
    ],
  },
  {
    name: 'vote-for-a-shorter-log',
    does: 'logs whose last terms are equal are called up to date, whatever their length',
    breaks: 'Raft §5.4.1: of equal terms, the longer log is more up to date',
    claims: ['upToDate', 'leaderCompleteness'],
    edits: [
      {
        file: 'src/core/raft/log.ts',
        find: 'return term > own || (term === own && index >= lastIndex(log));',
        replace: 'return term > own || (term === own && index > 0);',
      },
    ],
  },
  {
    name: 'pre-vote-raises-terms',
    does: 'who is asked for a pre-vote enters the term it speaks of',
    breaks: 'thesis §9.6: a pre-vote changes nobody’s term',
    claims: ['preVotes'],
    edits: [
      {
        file: 'src/core/raft/raft.ts',
        find: "const hypothetical = message.type === 'preVote' ||",
        replace: 'const hypothetical =',
      },
      {
        file: 'src/core/raft/election.ts',
        find: 'const granted = message.term > state.term && upToDate',
        replace: 'const granted = message.term >= state.term && upToDate',
      },
    ],
  },
  {
    name: 'truncation-without-conflict',
    does: 'an append cuts the log where it begins, also where its entries are there already',
    breaks: 'law 2; Raft §5.3: only if an existing entry conflicts',
    claims: ['conflictsOnly', 'durable'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: '    if (term === entry.term) continue;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'no-log-matching',
    does: 'a follower accepts entries behind one that differs from the leader’s',
    breaks: 'Raft §5.3: the consistency check of prevLogTerm',
    claims: ['logMatching'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: '} else if (termAt(log, prevIndex) !== prevTerm) {',
        replace: '} else if (termAt(log, prevIndex) === undefined) {',
      },
    ],
  },
  {
    name: 'commit-index-goes-back',
    does: 'a follower takes over its leader’s commit index, also when it is lower than its own',
    breaks: 'law 3; Raft figure 2: commitIndex increases monotonically',
    claims: ['committedStays'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: '  if (index <= log.committed) return;\n  assert(index <= lastIndex(log)',
        replace: '  if (index === log.committed || index < log.offset) return;\n  assert(index <= lastIndex(log)',
      },
    ],
  },
  {
    name: 'older-term-committed-by-counting',
    does: 'a leader commits an entry of an earlier term once a majority holds it',
    breaks: 'law 3; Raft §5.4.2, figure 8',
    claims: ['ownTerm'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: '  if (termAt(log, index) !== state.term) return false;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'commit-taken-from-a-refused-append',
    does: 'a follower takes over the commit index of an append before it has looked whether the append follows on its log',
    breaks: 'law 3; Raft figure 2: up to the last entry that the append proved equal',
    claims: ['committedStays', 'logMatching'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: '  const { prevIndex, prevTerm, entries } = message;\n',
        replace: '  const { prevIndex, prevTerm, entries } = message;\n  commitTo(turn, Math.min(message.commit, lastIndex(log)));\n',
      },
    ],
  },
  {
    name: 'append-commits-all-it-brings',
    does: 'a follower that is told of any new commit commits all that the append made it hold, as if its leader’s disk and others’ had it, too',
    breaks: 'law 3; Raft figure 2: the minimum of leaderCommit and the index of the last new entry',
    claims: ['majority'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: 'commitTo(turn, Math.min(message.commit, matched));',
        replace: 'commitTo(turn, message.commit > log.committed ? matched : Math.min(message.commit, matched));',
      },
    ],
  },
  {
    name: 'heartbeat-commits-the-unmatched',
    does: 'a heartbeat tells the leader’s commit index to followers that are not known to hold it',
    breaks: 'law 3; thesis §3.5',
    claims: ['committedStays'],
    edits: [
      {
        file: 'src/core/raft/heartbeat.ts',
        find: 'const commit = Math.min(progress.match, state.log.committed);',
        replace: 'const commit = Math.max(0, state.log.committed - 0 * progress.match);',
      },
    ],
  },
  {
    name: 'minority-commits',
    does: 'fewer than a majority are enough to commit',
    breaks: 'Raft §5.3: a majority',
    claims: ['majority'],
    edits: [
      {
        file: 'src/core/raft/quorum.ts',
        find: 'return sorted[voters.length >> 1]!;',
        replace: 'return sorted[(voters.length - 1) >> 2]!;',
      },
    ],
  },
  {
    name: 'late-tick-counts-many-times',
    does: 'a tick that comes late is followed by all that were missed, at once',
    breaks: 'design §4: a late tick counts once',
    claims: ['tickOnce'],
    edits: [
      {
        file: 'src/engine/member/ticker.ts',
        find: 'this.#due = Math.max(this.#due + this.#intervalMs, this.#clock.now() + this.#intervalMs / 2);',
        replace: 'for (this.#due += this.#intervalMs; this.#due <= this.#clock.now(); this.#due += this.#intervalMs) this.#tick();',
      },
    ],
  },
  {
    name: 'shorter-append-cuts',
    does: 'an append takes away all that lies behind its own entries: one that is late takes what came meanwhile',
    breaks: 'law 2; Raft §5.3: the entries that follow an existing one that conflicts, and no others',
    claims: ['conflictsOnly'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: 'if (prevIndex + entries.length <= log.committed) return',
        replace: 'if (prevIndex + entries.length <= log.offset) return',
      },
      {
        file: 'src/core/raft/replication.ts',
        find: '  const matched = prevIndex + entries.length;\n',
        replace: '  const matched = prevIndex + entries.length;\n  if (matched < lastIndex(log)) cut(turn, matched + 1);\n',
      },
      // The sound code would not let it pass unnoticed.
      { file: 'src/core/raft/log.ts', find: "  assert(from > log.committed, 'committed entries are never cut (Leader Completeness, Raft §5.4)');\n", replace: '' },
    ],
  },
  {
    name: 'match-goes-back',
    does: 'a leader takes the newest answer for the truth: one that was overtaken lowers matchIndex',
    breaks: 'law 3; thesis §3.5: matchIndex increases monotonically',
    claims: ['matchRises'],
    edits: [
      {
        file: 'src/core/raft/progress.ts',
        find: '  if (index <= progress.match) return false;\n',
        replace: '  if (index === progress.match) return false;\n',
      },
    ],
  },
  {
    name: 'match-from-an-earlier-term',
    does: 'a leader counts what a member acknowledged to a leader of an earlier term, and may have cut since',
    breaks: 'law 3; Raft §5.1: what carries a stale term is rejected',
    claims: ['matchSaid', 'majority'],
    world: { nodes: 3, nemesis: ['isolate', 'swizzle', 'stray', 'delay', 'exit', 'transfer'] },
    edits: [
      {
        file: 'src/core/raft/raft.ts',
        find: '} else if (message.term < state.term) {\n',
        replace: "} else if (message.term < state.term && (message.type !== 'appendReply' || message.rejected)) {\n",
      },
    ],
  },
  {
    name: 'leads-unheard',
    does: 'a leader goes on though no quorum answers it',
    breaks: 'thesis §6.2: a leader steps down if an election timeout passes without answers of a majority',
    claims: ['heard'],
    edits: [
      {
        file: 'src/core/raft/election.ts',
        find: '  if (!isQuorum(configurationOf(state), active)) becomeFollower(turn, state.term, 0);\n',
        replace: '  if (!isQuorum(configurationOf(state), active)) state.electionElapsed = 0;\n',
      },
    ],
  },
  {
    name: 'vote-for-an-older-term',
    does: 'the longer of two logs is called up to date, whatever the terms of their last entries',
    breaks: 'Raft §5.4.1: the log whose last entry has the later term is more up to date',
    claims: ['upToDate', 'leaderCompleteness'],
    edits: [
      {
        file: 'src/core/raft/log.ts',
        find: 'return term > own || (term === own && index >= lastIndex(log));',
        replace: 'return term > own + Number.MAX_SAFE_INTEGER || index >= lastIndex(log);',
      },
    ],
  },
];
