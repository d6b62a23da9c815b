// An incremental digest: the sum of what every part of the state contributes. Parts come and go in any order; equal
// states have equal sums.

export class Digest {
  #a = 0;
  #b = 0;

  constructor(a = 0, b = 0) {
    this.#a = a;
    this.#b = b;
  }

  add(a: number, b: number): void {
    this.#a = (this.#a + a) | 0;
    this.#b = (this.#b + b) | 0;
  }

  remove(a: number, b: number): void {
    this.#a = (this.#a - a) | 0;
    this.#b = (this.#b - b) | 0;
  }

  clone(): Digest {
    return new Digest(this.#a, this.#b);
  }

  /** 16 hex digits. */
  toString(): string {
    return hex(this.#a) + hex(this.#b);
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
