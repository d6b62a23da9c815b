import type { Input, Raft, Ready } from '../../core/raft/index.ts';

/** Listens to what a member's Raft is told and answers, step by step. */
export function listenToSteps(raft: Raft, told: (input: Input) => void, answered: (ready: Ready) => void): void {
  const step = raft.step.bind(raft);
  raft.step = (inputs): Ready => {
    for (const input of inputs) told(input);
    const ready = step(inputs);
    answered(ready);
    return ready;
  };
}
