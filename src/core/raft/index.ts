// Raft as a pure function: feed `Raft.step` the inputs of a turn, do what its Ready says, in its order.
export * from './entry.ts';
export { decodeConfiguration, encodeConfiguration } from './configuration.ts';
export { decodeChanges, encodeChanges, membersMax, refusalCodes } from './change.ts';
export type { Change, ChangeRefusal } from './change.ts';
export type { Body, Envelope, Message, MessageType } from './message.ts';
export type { ChangeOutcome, Input, Persist, ProposalOutcome, Ready } from './ready.ts';
export { Raft } from './raft.ts';
export { entryBytes } from './log.ts';
export { Role, configurationAt, configurationOf, defaultRaftOptions } from './state.ts';
export type { RaftOptions, RaftState, Restored } from './state.ts';
export { allMembers, allVoters, isQuorum, isVoter, isWitness, quorumIndex, quorumVote } from './quorum.ts';
export { describeChanges, describeConfiguration, describeInput, describeMessage, describeRole, describeState, describeStep, standingOf } from './describe.ts';
export type { Standing } from './describe.ts';
