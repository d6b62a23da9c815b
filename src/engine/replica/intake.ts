// Commands that came since the last turn, bounded in bytes, cut into batches: one entry a turn.

import { OperationError } from '../../core/errors.ts';
import type { Failure } from '../../core/errors.ts';
import { settle } from './pending.ts';
import type { PendingBatch, PendingCommand } from './pending.ts';

export class Intake {
  readonly #batchBytesMax: number;
  readonly #queueBytesMax: number;
  #queue: PendingCommand[] = [];
  #bytes = 0;

  constructor(batchBytesMax: number, queueBytesMax: number) {
    this.#batchBytesMax = batchBytesMax;
    this.#queueBytesMax = queueBytesMax;
  }

  add(command: Uint8Array, deadline: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      // Refused before it costs memory; nothing has happened, so the caller may try again.
      if (this.#bytes + command.length > this.#queueBytesMax) {
        reject(new OperationError({ code: 'OVERLOADED' }));
        return;
      }
      this.#bytes += command.length;
      const settled = (reply: Uint8Array | Failure): void => {
        if (reply instanceof Uint8Array) resolve(reply);
        else reject(new OperationError(reply));
      };
      this.#queue.push({ command, deadline, settle: settled });
    });
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What fits in one entry, at least one command; those whose callers gave up are left out. */
  take(): PendingBatch | undefined {
    let end = 0;
    let bytes = 0;
    while (end < this.#queue.length) {
      const { length } = this.#queue[end]!.command;
      if (end > 0 && bytes + length > this.#batchBytesMax) break;
      bytes += length;
      end++;
    }
    const commands = this.#queue.splice(0, end).filter((command) => command.settle !== undefined);
    this.#bytes -= bytes;
    return commands.length === 0 ? undefined : { commands };
  }

  /** Certainly not in any log: to be proposed again, first. */
  putBack(batch: PendingBatch): void {
    const waiting = batch.commands.filter((command) => command.settle !== undefined);
    for (const { command } of waiting) this.#bytes += command.length;
    this.#queue.unshift(...waiting);
  }

  expire(now: number, failure: Failure): void {
    if (this.#queue.every((command) => command.deadline > now)) return;
    for (const command of this.#queue) if (command.deadline <= now) settle(command, failure);
    const kept = this.#queue.filter((command) => command.settle !== undefined);
    this.#bytes = kept.reduce((sum, { command }) => sum + command.length, 0);
    this.#queue = kept;
  }
}
