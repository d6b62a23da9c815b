// The state machine: snapshots, sessions, replies.

import type { PlantedBug } from './plant.ts';

export const stateBugs: readonly PlantedBug[] = [
  {
    name: 'applied-index-saved-apart-from-the-data',
    does: 'a snapshot pins the applied index, and writes out whatever the keys are by then',
    breaks: 'law 5; etcd #13766',
    claims: ['equalStates'],
    edits: [
      {
        file: 'src/core/kv/kv.ts',
        find: 'const source: SnapshotSource = { state: { ...this.#state }, sessions: this.#sessions.pin() };',
        replace: 'const live = this.#state;\n    const state: KvState = { ...live, get root() { return live.root; } };\n    const source: SnapshotSource = { state, sessions: this.#sessions.pin() };',
      },
    ],
  },
  {
    name: 'empty-entry-not-counted',
    does: 'an entry without commands moves the applied index, and not the term that goes with it',
    breaks: 'law 5; etcd #14571: every applied entry is counted',
    claims: ['equalStates', 'logMatching'],
    edits: [
      {
        file: 'src/core/kv/kv.ts',
        find: '    state.appliedTerm = term;\n',
        replace: '    if (payload !== undefined) state.appliedTerm = term;\n',
      },
    ],
  },
  {
    name: 'snapshot-merged-into-the-state',
    does: 'an installed snapshot leaves in place what it says is not there: deleted keys live on',
    breaks: 'law 8',
    claims: ['equalStates'],
    edits: [
      {
        file: 'src/core/kv/kv.ts',
        find: '  /** O(1): pins the state. */\n',
        replace: `  merge(older: Kv): void {
    const edit = new MapEdit<Version>(this.#state.root);
    for (const cursor = new Cursor(older.#state.root, new Uint8Array(0)); !cursor.done; cursor.next()) {
      if ((edit.get(cursor.key)?.version ?? 0) > 0 || cursor.value.version === 0) continue;
      edit.set(cursor.key, cursor.value);
      for (let version: Version | undefined = cursor.value; version !== undefined; version = version.older) this.#digest.add(version.hashA, version.hashB);
    }
    this.#state.root = edit.finish();
  }

  /** O(1): pins the state. */
`,
      },
      { file: 'src/core/kv/kv.ts', find: "import { Cursor } from './ordered-map.ts';", replace: "import { Cursor, MapEdit } from './ordered-map.ts';" },
      {
        file: 'src/engine/replica/replica.ts',
        find: '    this.#machine = machine;\n    this.#digests.clear();',
        replace: '    (machine as unknown as { kv: { merge(older: unknown): void } }).kv.merge((this.#machine as unknown as { kv: unknown }).kv);\n    this.#machine = machine;\n    this.#digests.clear();',
      },
    ],
  },
  {
    name: 'sessions-not-in-the-snapshot',
    does: 'a restored state has forgotten every session',
    breaks: 'thesis §6.3: sessions are part of the state; design §6',
    claims: ['equalStates', 'exactlyOnce'],
    edits: [
      {
        file: 'src/core/kv/restore.ts',
        find: 'this.#sessions, this.#superseded);',
        replace: 'new Map(), this.#superseded);',
      },
    ],
  },
  {
    name: 'replies-not-in-the-snapshot',
    does: 'a restored session has forgotten its replies: what is repeated is applied again',
    breaks: 'thesis §6.3; design §6',
    claims: ['equalStates', 'exactlyOnce'],
    edits: [
      {
        file: 'src/core/kv/restore.ts',
        find: '      replies.set(sequence, reply.slice());\n',
        replace: '',
      },
    ],
  },
  {
    name: 'retry-applied-twice',
    does: 'a repeated request is not recognised',
    breaks: 'thesis §6.3: exactly once; design §6',
    claims: ['exactlyOnce', 'equalStates'],
    edits: [
      {
        file: 'src/core/kv/kv.ts',
        find: 'session.replies.get(sequence);\n    if (known !== undefined) return known;\n',
        replace: 'session.replies.get(sequence);\n    if (known !== undefined && known.length === 0) return known;\n',
      },
    ],
  },
  {
    name: 'reply-by-index-alone',
    does: 'all commands of a batch get the reply of the first',
    breaks: 'design §4: what is keyed by index is keyed by index and position',
    claims: ['linearizable', 'reads', 'acknowledged'],
    edits: [
      {
        file: 'src/engine/replica/replica.ts',
        find: 'settle(command, application.replies[position]!)',
        replace: 'settle(command, application.replies[position * 0]!)',
      },
    ],
  },
  {
    name: 'lost-proposal-proposed-again',
    does: 'a proposal whose leader was lost before it answered is proposed again by the member that forwarded it',
    breaks: 'Raft §8: a command whose outcome is unknown may be in the log; only its client knows whether to repeat it',
    claims: ['proposedOnce', 'exactlyOnce'],
    edits: [
      {
        file: 'src/engine/replica/replica.ts',
        find: "        failAll(batch, { code: 'UNAVAILABLE', detail: 'the leader was lost before it answered: the outcome is unknown' });\n",
        replace: '        this.#held = true;\n        this.#intake.putBack(batch);\n',
      },
    ],
  },
];
