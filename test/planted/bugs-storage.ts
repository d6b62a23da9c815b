// Promises that are not kept: durability, recovery, corruption.

import type { PlantedBug } from './plant.ts';

export const storageBugs: readonly PlantedBug[] = [
  {
    name: 'missing-fsync',
    does: 'the log is written, and never synced',
    breaks: 'law 1; etcd #14143',
    claims: ['durable', 'termsRise', 'oneVote', 'acknowledged'],
    edits: [
      {
        file: 'src/engine/log/log.ts',
        find: 'await file.appendAndSync(start, parts, { file: index, position: notePosition(segment.notes), bytes: encodeNote(header.segment, segment.notes, note) });',
        replace: 'await file.write(start, parts);\n      void [index, notePosition, encodeNote, note];',
      },
    ],
  },
  {
    name: 'vote-not-persisted',
    does: 'the term is written to the log, the vote in it is not',
    breaks: 'law 1; Raft §5.2: at most one vote a term, remembered across restarts',
    claims: ['saidDurably', 'oneVote'],
    edits: [
      {
        file: 'src/engine/replica/replica.ts',
        find: "writes.push({ type: 'hardState', group, hardState: persist.hardState });",
        replace: "writes.push({ type: 'hardState', group, hardState: { ...persist.hardState, vote: 0 } });",
      },
    ],
  },
  {
    name: 'term-not-persisted',
    does: 'a term that was only heard of, and not voted in, is not written to the log',
    breaks: 'law 1; Raft figure 2: currentTerm is updated on stable storage before answering',
    claims: ['saidDurably', 'termsRise'],
    edits: [
      {
        file: 'src/core/raft/turn.ts',
        find: 'const changed = old.term !== state.term || old.vote !== state.vote;',
        replace: 'const changed = state.vote !== 0 && (old.term !== state.term || old.vote !== state.vote);',
      },
    ],
  },
  {
    name: 'vote-sent-before-sync',
    does: 'a vote is granted while it is still on its way to the disk',
    breaks: 'law 1; Raft figure 2',
    claims: ['saidDurably', 'oneVote'],
    edits: [
      {
        file: 'src/core/raft/election.ts',
        find: "sendDurably(turn, message.from, { type: 'voteReply', granted });",
        replace: "send(turn, message.from, { type: 'voteReply', granted });",
      },
    ],
  },
  {
    name: 'own-vote-before-sync',
    does: 'a candidate counts its own vote and asks for others while the disk still writes it',
    breaks: 'law 1; thesis §10.2.1',
    claims: ['saidDurably', 'oneVote'],
    edits: [
      {
        file: 'src/core/raft/election.ts',
        find: 'if (id !== state.id) sendDurably(turn, id, body);',
        replace: 'if (state.votes.set(state.id, true) && id !== state.id) send(turn, id, body);',
      },
    ],
  },
  {
    name: 'append-acknowledged-before-sync',
    does: 'a follower acknowledges entries that its disk does not hold yet',
    breaks: 'law 1; Raft §5.3',
    claims: ['saidDurably', 'durable'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: "sendDurably(turn, to, { type: 'appendReply'",
        replace: "send(turn, to, { type: 'appendReply'",
      },
    ],
  },
  {
    name: 'old-suffix-taken-for-the-new-one',
    does: 'a follower whose disk holds as many entries as an append brings acknowledges at once, though they are those that it cuts',
    breaks: 'law 1; Raft §5.3: what conflicts is deleted before what is new is appended',
    claims: ['saidDurably'],
    edits: [
      { file: 'src/core/raft/replication.ts', find: '  const { prevIndex, prevTerm, entries } = message;\n', replace: '  const { prevIndex, prevTerm, entries } = message;\n  const held = log.durable;\n' },
      {
        file: 'src/core/raft/replication.ts',
        find: '  acknowledge(turn, message.from, matched);\n}',
        replace: "  if (matched <= held && termIsDurable(state)) send(turn, message.from, { type: 'appendReply', index: matched, rejected: false, hintIndex: 0, hintTerm: 0 });\n  else acknowledge(turn, message.from, matched);\n}",
      },
    ],
  },
  {
    name: 'self-acknowledgement-before-sync',
    does: 'a leader counts itself for entries that its own disk does not hold yet',
    breaks: 'law 1; thesis §10.2.1; etcd #14370',
    claims: ['majority', 'durable'],
    edits: [
      {
        file: 'src/core/raft/replication.ts',
        find: '(id === state.id ? log.durable :',
        replace: '(id === state.id ? lastIndex(log) :',
      },
    ],
  },
  {
    name: 'hard-state-lost-by-a-cut',
    does: 'cutting a conflicting suffix takes the vote with it',
    breaks: 'law 4; design §5: a cut writes the hard state again in the same durable step',
    claims: ['oneVote'],
    edits: [
      {
        file: 'src/engine/log/batch.ts',
        find: "index: write.from, payload: nothing });\n",
        replace: "index: write.from, payload: nothing });\n      bound.hardState = encodeHardState({ term: bound.term, vote: 0, commit: 0 });\n",
      },
    ],
  },
  {
    name: 'own-snapshot-drops-the-suffix',
    does: 'a snapshot of one’s own is taken for one that replaces the log behind it, too',
    breaks: 'law 4: prefix and suffix truncation are different operations',
    claims: ['saidDurably', 'durable'],
    edits: [
      {
        file: 'src/engine/log/group.ts',
        find: 'this.#mark(decodeMarker(record.payload), record.detail === 1);',
        replace: 'this.#mark(decodeMarker(record.payload), record.detail === 1 || this.places.lastIndex > record.index);',
      },
    ],
  },
  {
    name: 'acknowledged-after-failed-fsync',
    does: 'a failed sync is passed over: what waited for it is called durable',
    breaks: 'law 6; CockroachDB #37102',
    claims: ['durable', 'termsRise'],
    edits: [
      {
        file: 'src/engine/replica/commit-round.ts',
        find: '        this.#dead = true;\n        const lost = [...batch, ...this.#waiting];\n        this.#waiting = [];\n        this.#failed(error);\n        for (const submission of lost) submission.lost?.();\n        return;\n',
        replace: '        void [error, this.#failed];\n',
      },
    ],
  },
  {
    name: 'acknowledged-after-failed-directory-sync',
    does: 'a failed sync of the log’s directory is passed over: what is written to the segment without a durable name is called durable',
    breaks: 'law 6: a failed sync stops the member, a directory’s as a file’s',
    claims: ['durable', 'termsRise', 'oneVote'],
    world: { nodes: 3, nemesis: ['failCall', 'power'] },
    edits: [
      {
        file: 'src/engine/log/segment.ts',
        find: '  await disk.rename(building, path);\n  await disk.syncDirectory(directory);\n',
        replace: '  await disk.rename(building, path);\n  await disk.syncDirectory(directory).catch(() => undefined);\n',
      },
    ],
  },
  {
    name: 'damage-taken-for-a-torn-tail',
    does: 'a record in the middle of the log that does not verify ends the log, and what follows is cut',
    breaks: 'law 7; etcd #6378 the other way round',
    claims: ['durable', 'termsRise', 'oneVote'],
    edits: [
      { file: 'src/engine/log/scan.ts', find: 'if (end < durable) damaged(', replace: 'if (end > context.size) damaged(' },
      { file: 'src/engine/log/scan.ts', find: 'if (tail.later) damaged(', replace: 'if (end > context.size) damaged(' },
      { file: 'src/engine/log/scan.ts', find: 'if (tail.same !== undefined && !(await hasUnwrittenSector(window, end, tail.same))) damaged(', replace: 'if (tail.same !== undefined && end > context.size && !(await hasUnwrittenSector(window, end, tail.same))) damaged(' },
    ],
  },
  {
    name: 'checksum-without-the-payload',
    does: 'a record’s checksum is of its head, and not of what it carries: flipped bits are believed',
    breaks: 'law 7; design §5: what rotted does not verify',
    claims: ['logMatching', 'equalStates', 'durable'],
    edits: [
      {
        file: 'src/engine/log/record.ts',
        find: 'return crc32c(bytes.subarray(at + 8, at + recordHeadBytes + length), crc32c(seedBytes));',
        replace: 'return crc32c(bytes.subarray(at + 8, at + recordHeadBytes), crc32c(seedBytes));',
      },
    ],
  },
  {
    name: 'segment-name-not-synced',
    does: 'a new segment’s directory entry is not made durable before records are acknowledged in it',
    breaks: 'law 1; design §5: write, sync the file, rename, sync the directory',
    claims: ['durable', 'termsRise'],
    edits: [
      {
        file: 'src/engine/log/segment.ts',
        find: '  await disk.rename(building, path);\n  await disk.syncDirectory(directory);\n',
        replace: '  await disk.rename(building, path);\n',
      },
    ],
  },
  {
    name: 'snapshot-marked-before-it-is-durable',
    does: 'the log is cut behind a snapshot whose file was never synced',
    breaks: 'law 1; design §5: the snapshot’s file before its marker in the log',
    claims: ['noFalseAlarm'],
    because: 'what the member promised lies behind a snapshot that is not there: it cannot even start, though nobody damaged its disk',
    edits: [
      {
        file: 'src/engine/replica/snapshot-file.ts',
        find: '    await file.sync();\n  } finally {',
        replace: '  } finally {',
      },
    ],
  },
  {
    name: 'spare-segment-taken-twice',
    does: 'the log forgets that its spare file was taken: the next segment looks for it in vain, and the member calls its disk failed',
    breaks: 'law 6: a member stops because its disk failed; this one’s is well',
    claims: ['noFalseAlarm'],
    because: 'it stops with an error of the disk’s, is started again and goes on: only that nobody had hurt the disk shows it',
    edits: [
      {
        file: 'src/engine/log/spare-pool.ts',
        find: '      this.#zeroed = 0;\n      const { disk } = this.#ports;\n',
        replace: '      const { disk } = this.#ports;\n',
      },
    ],
  },
  {
    name: 'forgotten-member-let-in',
    does: 'a member that lost its disk comes back under its old id',
    breaks: 'law 1; design §3: a forgotten vote is a second vote',
    claims: ['oneVote', 'durable', 'termsRise'],
    edits: [
      {
        file: 'src/engine/member/birth.ts',
        find: 'if (heard.some(({ birth }) => birth !== 0)) {',
        replace: 'if (heard.some(({ birth }) => birth < 0)) {',
      },
    ],
  },
];
