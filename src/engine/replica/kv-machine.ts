// The KV as a group's state machine.

import { Kv, KvRestore, encodeBatch, restampBatch } from '../../core/kv/index.ts';
import type { MachineFactory, StateMachine, StateSnapshot } from './state-machine.ts';

export class KvMachine implements StateMachine {
  readonly kv: Kv;

  constructor(kv: Kv) {
    this.kv = kv;
  }

  apply(index: number, term: number, payload: Uint8Array | undefined): ReturnType<Kv['apply']> {
    return this.kv.apply(index, term, payload);
  }

  get appliedIndex(): number {
    return this.kv.appliedIndex;
  }

  get appliedTerm(): number {
    return this.kv.appliedTerm;
  }

  get bytes(): number {
    return this.kv.size.bytes;
  }

  snapshot(): StateSnapshot {
    return this.kv.snapshot();
  }

  digest(): string {
    return this.kv.digest().digest;
  }
}

export const kvMachines: MachineFactory = {
  empty: () => new KvMachine(new Kv()),
  restore: () => {
    const restore = new KvRestore();
    return { add: (block) => restore.add(block), finish: () => new KvMachine(restore.finish()) };
  },
  encodeBatch,
  restamp: restampBatch,
};
