// Lines for a log that may be full, or that nobody reads any more: a member does not end of that. What cannot be
// written waits, bounded, and is tried again with the next line and after a while; beyond the bound lines are dropped
// and counted.

const waitingBytesMax = 1 << 20;
const againMs = 1000;

export class LogLines {
  /** Answers how much of it was written; throws when nothing can be. */
  readonly #write: (bytes: Uint8Array) => number;
  /** Of the first there may be only the rest: nothing comes between a line's parts. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #again: NodeJS.Timeout | undefined;

  constructor(write: (bytes: Uint8Array) => number) {
    this.#write = write;
  }

  /** A line with its end. Never throws. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > waitingBytesMax) this.#flush();
    if (this.#waitingBytes + bytes.length > waitingBytesMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#flush();
  }

  /** How many lines are missing at this place, once: 0 while what came before them waits itself. */
  takeDropped(): number {
    if (this.#dropped === 0) return 0;
    this.#flush();
    if (this.#waitingBytes > 0) return 0;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #flush(): void {
    try {
      for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
        const written = this.#write(first);
        this.#waitingBytes -= written;
        if (written === first.length) this.#waiting.shift();
        else this.#waiting[0] = first.subarray(written);
      }
    } catch {
      if (this.#again !== undefined) return;
      this.#again = setTimeout(() => {
        this.#again = undefined;
        this.#flush();
      }, againMs).unref();
    }
  }
}
