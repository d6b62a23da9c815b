// Reads that see too little.

import type { PlantedBug } from './plant.ts';

export const readBugs: readonly PlantedBug[] = [
  {
    name: 'read-without-a-quorum',
    does: 'a leader answers reads without asking whether it still leads',
    breaks: 'thesis §6.4: a heartbeat round to a majority',
    claims: ['reads', 'linearizable'],
    edits: [
      {
        file: 'src/core/raft/read-index.ts',
        find: 'if (isQuorum(configurationOf(state), new Set([state.id]))) return noteRound(turn, state.id, id);\n  broadcastHeartbeat(turn);',
        replace: 'for (const voter of configurationOf(state).voters) noteRound(turn, voter, id);\n  broadcastHeartbeat(turn);',
      },
    ],
  },
  {
    name: 'read-before-own-commit',
    does: 'a new leader answers reads before an entry of its own term is committed',
    breaks: 'Raft §8; thesis §6.4',
    claims: ['reads', 'linearizable'],
    edits: [
      {
        file: 'src/core/raft/read-index.ts',
        find: 'return termAt(state.log, state.log.committed) === state.term;',
        replace: 'return termAt(state.log, state.log.committed) !== undefined;',
      },
    ],
  },
  {
    name: 'read-before-it-is-applied',
    does: 'a confirmed read is served though its index is not applied yet',
    breaks: 'thesis §6.4; etcd #741, #3879',
    claims: ['reads', 'linearizable'],
    edits: [
      {
        file: 'src/engine/replica/barriers.ts',
        find: 'if (index <= applied) release(waiters);',
        replace: 'if (index <= applied || waiters.length > 0) release(waiters);',
      },
    ],
  },
  {
    name: 'follower-reads-by-itself',
    does: 'a follower serves linearizable reads at its own commit index',
    breaks: 'thesis §6.4: a follower asks the leader',
    claims: ['reads', 'linearizable'],
    edits: [
      {
        file: 'src/core/raft/raft.ts',
        find: 'else if (state.lead !== 0) forwardReads(turn, refs);',
        replace: 'else if (state.lead !== 0) for (const ref of refs) turn.reads.push({ ref, index: state.log.committed });',
      },
      { file: 'src/core/raft/raft.ts', find: 'addReader, beginRound, forwardReads, onReadIndex', replace: 'addReader, beginRound, onReadIndex' },
    ],
  },
  {
    name: 'promise-not-kept',
    does: 'who has promised a leader to elect nobody else votes all the same',
    breaks: 'thesis §6.4.1: nobody else is elected until the election timeout has passed',
    claims: ['lease', 'reads', 'linearizable'],
    world: { nodes: 3, nemesis: ['isolate', 'partition', 'swizzle', 'pause', 'exit', 'drift', 'delay', 'stray'] },
    edits: [
      {
        file: 'src/core/raft/lease.ts',
        find: 'return options.lease !== undefined && state.loyalTicks < options.electionTicks;',
        replace: 'return options.lease !== undefined && state.loyalTicks < 0;',
      },
      {
        file: 'src/core/raft/election.ts',
        find: '(state.lead !== 0 && state.loyalTicks < options.electionTicks);',
        replace: '(state.lead !== 0 && state.loyalTicks < 0);',
      },
    ],
  },
  {
    name: 'lease-from-the-answer',
    does: 'a lease is counted from when a heartbeat was answered, and not from when it was sent',
    breaks: 'thesis §6.4.1: the lease starts when the round was begun',
    claims: ['lease', 'reads', 'linearizable'],
    world: { nodes: 3, nemesis: ['isolate', 'clog', 'exit', 'swizzle', 'partition'] },
    edits: [
      {
        file: 'src/core/raft/lease.ts',
        find: 'Math.max(progress.promisedUntil, message.stamp + ',
        replace: 'Math.max(progress.promisedUntil, state.now + ',
      },
    ],
  },
  {
    name: 'lease-without-drift',
    does: 'a lease runs as long as the promise behind it, as if all clocks were equally fast',
    breaks: 'thesis §6.4.1: the election timeout divided by the bound on clock drift',
    claims: ['lease', 'reads', 'linearizable'],
    world: { nodes: 3, nemesis: ['drift', 'isolate', 'delay', 'stray', 'transfer', 'slow'] },
    edits: [
      {
        file: 'src/core/raft/lease.ts',
        find: 'message.loyaltyMs / (1 + options.lease.driftMax));',
        replace: 'message.loyaltyMs / (1 + 0 * options.lease.driftMax));',
      },
    ],
  },
  {
    name: 'lease-outlives-a-handover',
    does: 'a leader that has told another to campaign still reads by its lease, though nobody is loyal to it then',
    breaks: 'thesis §6.4.1: a leadership transfer ends the lease',
    claims: ['lease', 'reads', 'linearizable'],
    world: { nodes: 3, nemesis: ['transfer', 'clog', 'delay', 'drop', 'isolate'] },
    edits: [
      {
        file: 'src/core/raft/lease.ts',
        find: ' || state.hasHandedOver) return 0;',
        replace: ') return 0;',
      },
    ],
  },
  {
    name: 'lease-before-own-commit',
    does: 'a new leader reads by its lease before an entry of its own term is committed',
    breaks: 'Raft §8; thesis §6.4.1',
    claims: ['lease', 'reads', 'linearizable'],
    world: { nodes: 3, nemesis: ['drift', 'isolate', 'delay', 'stray', 'transfer', 'slow'] },
    edits: [
      {
        file: 'src/core/raft/lease.ts',
        find: '  if (termAt(state.log, state.log.committed) !== state.term) return 0;\n',
        replace: '  if (termAt(state.log, state.log.committed) === undefined) return 0;\n',
      },
    ],
  },
];
