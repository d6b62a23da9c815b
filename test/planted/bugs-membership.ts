// Who belongs, and who counts.

import type { PlantedBug } from './plant.ts';

export const membershipBugs: readonly PlantedBug[] = [
  {
    name: 'joint-quorum-as-one-majority',
    does: 'while a joint configuration rules, a majority of the new voters is enough',
    breaks: 'Raft §6: agreement needs separate majorities',
    claims: ['majority', 'elected'],
    world: { nodes: 3, nemesis: ['join', 'exchange', 'promote', 'slow', 'isolate', 'swizzle', 'delay'] },
    edits: [
      {
        file: 'src/core/raft/quorum.ts',
        find: 'return Math.min(majorityIndex(configuration.voters, match), majorityIndex(configuration.outgoing, match));',
        replace: 'return majorityIndex(configuration.voters, match);',
      },
      {
        file: 'src/core/raft/quorum.ts',
        find: 'const halves = [majorityVote(configuration.voters, votes), majorityVote(configuration.outgoing, votes)];',
        replace: 'const halves = [majorityVote(configuration.voters, votes)];',
      },
    ],
  },
  {
    name: 'learner-counted',
    does: 'what a learner holds counts towards the majority of the voters',
    breaks: 'thesis §4.2.1: a learner is not counted',
    claims: ['majority'],
    edits: [
      {
        file: 'src/core/raft/quorum.ts',
        find: 'return Math.min(majorityIndex(configuration.voters, match), majorityIndex(configuration.outgoing, match));',
        replace: `const held = [...configuration.voters, ...configuration.learners].map(match).toSorted((a, b) => b - a);
  return Math.min(held[configuration.voters.length >> 1]!, majorityIndex(configuration.outgoing, match));`,
      },
    ],
  },
  {
    name: 'configuration-outlives-its-entry',
    does: 'a change of membership stays in force when the entry that made it is cut',
    breaks: 'Raft §6: a server uses the latest configuration in its log; it rolls back with truncation',
    claims: ['configuration'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: '  while (state.configurations.length > 1 && state.configurations.at(-1)!.index >= from) state.configurations.pop();\n',
        replace: '',
      },
    ],
  },
  {
    name: 'configuration-not-in-the-snapshot',
    does: 'a snapshot is marked with the oldest configuration that is known, not with the one at its index',
    breaks: 'Raft §7: a snapshot holds the latest configuration as of its last index',
    claims: ['configuration'],
    edits: [
      {
        file: 'src/engine/replica/snapshotter.ts',
        find: 'configuration: configurationAt(replica.raft.state, index),',
        replace: 'configuration: configurationAt(replica.raft.state, 1 + index * 0),',
      },
    ],
  },
  {
    name: 'change-before-own-term-commits',
    does: 'a new leader changes the membership before it has committed anything',
    breaks: 'Ongaro, raft-dev 2015: a leader first commits an entry of its own term',
    claims: ['oneChange', 'majority'],
    world: { nodes: 3, nemesis: ['join', 'exchange', 'promote', 'slow', 'isolate', 'swizzle', 'delay'] },
    edits: [
      {
        file: 'src/core/raft/membership.ts',
        find: "  if (termAt(state.log, state.log.committed) !== state.term) return 'notReady';\n",
        replace: "  if (termAt(state.log, state.log.committed) === undefined) return 'notReady';\n",
      },
    ],
  },
  {
    name: 'two-changes-at-once',
    does: 'a second change of membership begins while the first is not committed',
    breaks: 'thesis §4.1: one at a time',
    claims: ['oneChange', 'majority'],
    world: { nodes: 3, nemesis: ['join', 'exchange', 'promote', 'slow', 'isolate', 'swizzle', 'delay'] },
    edits: [
      {
        file: 'src/core/raft/membership.ts',
        find: "if (before.outgoing.length > 0 || state.configurations.at(-1)!.index > state.log.committed) return 'inProgress';",
        replace: "if (before.outgoing.length > 0) return 'inProgress';",
      },
    ],
  },
  {
    name: 'learner-campaigns',
    does: 'a learner that hears no leader asks for votes',
    breaks: 'thesis §4.2.1: a learner has no vote, and does not stand',
    claims: ['campaigns', 'elected'],
    edits: [
      {
        file: 'src/core/raft/election.ts',
        find: '=> isVoter(configuration, id) && !configuration.witnesses.includes(id));',
        replace: '=> (isVoter(configuration, id) || configuration.learners.includes(id)) && !configuration.witnesses.includes(id));',
      },
    ],
  },
  {
    name: 'witness-campaigns',
    does: 'a witness, which holds no payloads, asks for votes',
    breaks: 'design §4: a witness votes, and never leads',
    claims: ['campaigns', 'elected'],
    world: { nodes: 5, nemesis: ['join', 'remove', 'isolate', 'exit', 'slow', 'delay'] },
    edits: [
      {
        file: 'src/core/raft/election.ts',
        find: '=> isVoter(configuration, id) && !configuration.witnesses.includes(id));',
        replace: '=> isVoter(configuration, id));',
      },
    ],
  },
  {
    name: 'leaving-leader-counts-itself',
    does: 'a leader that is being removed counts its own log towards the majority of those who stay',
    breaks: 'Raft §6; thesis §4.2.2: it replicates log entries but does not count itself in majorities',
    claims: ['majority'],
    world: { nodes: 5, nemesis: ['join', 'remove', 'isolate', 'exit', 'slow', 'delay'] },
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: 'const index = quorumIndex(configurationOf(state), (id)',
        replace: 'const ruling = configurationOf(state);\n  const index = quorumIndex(isLeaving(state) ? { ...ruling, voters: [...ruling.voters, state.id] } : ruling, (id)',
      },
    ],
  },
];
