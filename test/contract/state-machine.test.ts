// What every StateMachine must do for its replica: the KV, and the list that the labs' tests apply to.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { encodeCommand as kvCommand } from '../../src/core/kv/index.ts';
import { kvMachines } from '../../src/engine/replica/kv-machine.ts';
import type { MachineFactory, StateMachine } from '../../src/engine/replica/state-machine.ts';
import { encodeCommand as labCommand, labMachines } from '../support/lab-machine.ts';

interface Subject {
  readonly machines: MachineFactory;
  /** The n-th of a series of commands, each of which changes the state. */
  readonly command: (n: number) => Uint8Array;
  /** How many commands one entry may carry. */
  readonly batchMax: number;
  /** One that is refused, if there is such a thing: it is applied all the same. */
  readonly refused: Uint8Array | undefined;
}

const put = (key: string, value: string): Uint8Array => kvCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'put', key: utf8(key), value: utf8(value) } });

const subjects: readonly (readonly [string, () => Subject])[] = [
  ['the KV', () => ({
    machines: kvMachines,
    command: (n) => put(`key ${n % 7}`, `value ${n}`),
    batchMax: 5,
    refused: kvCommand({ type: 'write', session: 0, sequence: 0, lowest: 0, request: { type: 'compact', revision: 1_000_000 } }),
  })],
  ['the labs’ list', () => ({ machines: labMachines(() => undefined), command: (n) => labCommand(n), batchMax: 1, refused: undefined })],
];

/** Applies one entry; its replies. A budget of one unit a step is the smallest there is. */
function apply(machine: StateMachine, index: number, payload: Uint8Array | undefined, budget = 1e9): readonly Uint8Array[] {
  const application = machine.apply(index, 3, payload);
  for (let steps = 0; !application.step(budget); steps++) if (steps > 1e6) throw new Error('an application that never ends');
  return application.replies;
}

function blocksOf(machine: StateMachine): Uint8Array[] {
  const snapshot = machine.snapshot();
  const blocks: Uint8Array[] = [];
  for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) blocks.push(block.slice());
  expect(snapshot.next()).toBeUndefined();
  return blocks;
}

function restored(machines: MachineFactory, blocks: readonly Uint8Array[]): StateMachine {
  const restore = machines.restore(1);
  for (const block of blocks) {
    const lent = block.slice();
    restore.add(lent);
    // The block was lent.
    lent.fill(0xee);
  }
  return restore.finish();
}

describe.each(subjects)('state machine: %s', (_, create) => {
  const lived = (count: number, budget?: number): { subject: Subject; machine: StateMachine } => {
    const subject = create();
    const machine = subject.machines.empty(1);
    for (let index = 1; index <= count; index++) apply(machine, index, subject.machines.encodeBatch(1000 + index, [subject.command(index)]), budget);
    return { subject, machine };
  };

  it('begins with nothing applied', () => {
    const machine = create().machines.empty(1);
    expect([machine.appliedIndex, machine.appliedTerm]).toEqual([0, 0]);
  });

  it('answers every command of an entry, in order', () => {
    const { machines, command, batchMax } = create();
    const machine = machines.empty(1);
    for (let count = 1; count <= batchMax; count++) {
      expect(apply(machine, count, machines.encodeBatch(5, Array.from({ length: count }, (__, n) => command(n))))).toHaveLength(count);
    }
  });

  it('every entry moves the applied index, also one without commands, and one whose commands are refused (law 5)', () => {
    const { subject, machine } = lived(2);
    const digest = machine.digest();
    expect(apply(machine, 3, undefined)).toEqual([]);
    expect([machine.appliedIndex, machine.appliedTerm]).toEqual([3, 3]);
    if (subject.refused !== undefined) expect(apply(machine, 4, subject.machines.encodeBatch(1, [subject.refused]))).toHaveLength(1);
    expect(machine.appliedIndex).toBe(subject.refused === undefined ? 3 : 4);
    expect(machine.digest()).toBe(digest);
  });

  it('applies in order, each entry once', () => {
    const { subject, machine } = lived(3);
    const payload = subject.machines.encodeBatch(1, [subject.command(9)]);
    for (const index of [3, 5, 0]) expect(() => machine.apply(index, 3, payload)).toThrow(/order/);
    expect(machine.appliedIndex).toBe(3);
  });

  it('is the same state in steps of any size', () => {
    const [whole, small] = [lived(30).machine, lived(30, 1).machine];
    expect(small.digest()).toBe(whole.digest());
    expect(blocksOf(small)).toEqual(blocksOf(whole));
  });

  it('equal histories are equal digests and equal bytes; one command more is another digest', () => {
    const [one, two, more] = [lived(20).machine, lived(20).machine, lived(21).machine];
    expect(two.digest()).toBe(one.digest());
    expect(blocksOf(two)).toEqual(blocksOf(one));
    expect(more.digest()).not.toBe(one.digest());
  });

  it('a snapshot is of the moment it was asked for, whatever is applied while it is read', () => {
    const { subject, machine } = lived(20);
    const before = blocksOf(machine);
    const snapshot = machine.snapshot();
    for (let index = 21; index <= 60; index++) apply(machine, index, subject.machines.encodeBatch(1, [subject.command(index)]));
    const blocks: Uint8Array[] = [];
    for (let block = snapshot.next(); block !== undefined; block = snapshot.next()) blocks.push(block);
    expect(blocks).toEqual(before);
    expect(restored(subject.machines, blocks).appliedIndex).toBe(20);
  });

  it('what is restored is what was: index, term, digest, bytes; and lives on the same', () => {
    const { subject, machine } = lived(25);
    const again = restored(subject.machines, blocksOf(machine));
    expect([again.appliedIndex, again.appliedTerm, again.digest(), again.bytes]).toEqual([25, 3, machine.digest(), machine.bytes]);
    for (const each of [machine, again]) for (let index = 26; index <= 40; index++) apply(each, index, subject.machines.encodeBatch(index, [subject.command(index)]));
    expect(again.digest()).toBe(machine.digest());
    expect(blocksOf(again)).toEqual(blocksOf(machine));
  });

  it('a state of nothing is restored, too', () => {
    const { machines } = create();
    const again = restored(machines, blocksOf(machines.empty(1)));
    expect([again.appliedIndex, again.digest()]).toEqual([0, machines.empty(1).digest()]);
  });

  it('restores are apart from each other, and from what they were taken of (law 8)', () => {
    const { subject, machine } = lived(5);
    const blocks = blocksOf(machine);
    const [one, two] = [restored(subject.machines, blocks), restored(subject.machines, blocks)];
    apply(one, 6, subject.machines.encodeBatch(1, [subject.command(99)]));
    expect([two.digest(), two.appliedIndex]).toEqual([machine.digest(), 5]);
    expect(one.digest()).not.toBe(two.digest());
  });

  it('a batch is stamped anew in place, and carries the same commands', () => {
    const { machines, command } = create();
    const batch = machines.encodeBatch(1, [command(1)]);
    const bytes = batch.length;
    machines.restamp(batch, 2 ** 52);
    expect(batch.length).toBe(bytes);
    const [stamped, plain] = [machines.empty(1), machines.empty(1)];
    apply(stamped, 1, batch);
    apply(plain, 1, machines.encodeBatch(2 ** 52, [command(1)]));
    expect(stamped.digest()).toBe(plain.digest());
  });
});
