// The state machine of the labs' Raft tests: it only writes down what was applied, and tells whoever watches.

import { assert } from '../../src/core/assert.ts';
import { Reader, Writer } from '../../src/core/wire/index.ts';
import type { Application, MachineFactory, StateMachine } from '../../src/engine/replica/state-machine.ts';

export interface LabMachine extends StateMachine {
  /** The labs' index i is `values[i − 1]`: commands only, without the entries by which a leader begins its term. */
  readonly values: number[];
}

export function encodeCommand(value: number, padding = 0): Uint8Array {
  return new Writer(8 + padding).u53(value).raw(new Uint8Array(padding)).finish();
}

/** @param watch called with the whole list after every command */
export function labMachines(watch: (values: readonly number[]) => void): MachineFactory {
  const machine = (values: number[], index: number, term: number): LabMachine => {
    let [appliedIndex, appliedTerm] = [index, term];
    const fold = (hash: number, value: number): number => (Math.imul(hash, 31) + value) | 0;
    let digest = values.reduce(fold, 0);
    return {
      values,
      apply(at, atTerm, payload): Application {
        assert(at === appliedIndex + 1, 'entries are applied in order');
        [appliedIndex, appliedTerm] = [at, atTerm];
        if (payload === undefined) return { replies: [], step: () => true };
        const value = new Reader(payload).u53();
        values.push(value);
        digest = fold(digest, value);
        watch(values);
        return { replies: [new Uint8Array(0)], step: () => true };
      },
      get appliedIndex() {
        return appliedIndex;
      },
      get appliedTerm() {
        return appliedTerm;
      },
      // None, as far as the replica is told: the labs' bound on the log does not grow with the state.
      bytes: 0,
      snapshot() {
        const writer = new Writer(32 + values.length * 8).u53(appliedIndex).u53(appliedTerm).u32(values.length);
        for (const value of values) writer.u53(value);
        let block: Uint8Array | undefined = writer.finish();
        return {
          next: () => {
            const next = block;
            block = undefined;
            return next;
          },
        };
      },
      digest: () => `${digest}`,
    };
  };
  return {
    empty: () => machine([], 0, 0),
    restore: () => {
      let restored: LabMachine | undefined;
      return {
        add: (block) => {
          const reader = new Reader(block);
          const [index, term] = [reader.u53(), reader.u53()];
          restored = machine(Array.from({ length: reader.u32() }, () => reader.u53()), index, term);
        },
        finish: () => restored!,
      };
    },
    encodeBatch: (_stamp, commands) => {
      assert(commands.length === 1, 'the labs propose one by one');
      return commands[0]!;
    },
    restamp: () => undefined,
  };
}
