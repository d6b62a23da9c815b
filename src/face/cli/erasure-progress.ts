// A line on stderr that says how far it is: rewritten in place on a terminal, said once in ten elsewhere.

export class Progress {
  readonly #verb: string;
  readonly #quiet: boolean;
  #shown = -1;

  constructor(verb: string, quiet = false) {
    this.#verb = verb;
    this.#quiet = quiet;
  }

  readonly update = (done: number, total: number): void => {
    const step = process.stderr.isTTY ? 1 : 10;
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    const shown = percent - (percent % step);
    if (this.#quiet || shown === this.#shown) return;
    this.#shown = shown;
    process.stderr.write(process.stderr.isTTY ? `\r${this.#verb} ${shown} %` : `${this.#verb} ${shown} %\n`);
  };

  /** Leaves the cursor at the beginning of a line. May be called again. */
  readonly end = (): void => {
    if (this.#shown >= 0 && process.stderr.isTTY) process.stderr.write('\n');
    this.#shown = -1;
  };
}
