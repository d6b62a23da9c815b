// What happened, as one number: every event's time, place, kind and bytes go into a hash that two runs of a seed must
// agree on, and, if somebody listens, out as a line.

import { utf8 } from '../core/bytes.ts';
import { crc32c } from '../core/wire/index.ts';

export interface TraceEvent {
  /** Virtual milliseconds. */
  readonly at: number;
  readonly who: string;
  readonly kind: string;
  /** CRC-32C of the bytes concerned; 0: none. */
  readonly digest: number;
  readonly detail?: unknown;
}

export class Trace {
  #a = 0x243f6a88;
  #b = 0x85a308d3;
  readonly #words = new Map<string, number>();
  readonly #sink: ((event: TraceEvent) => void) | undefined;
  events = 0;

  constructor(sink?: (event: TraceEvent) => void) {
    this.#sink = sink;
  }

  event(at: number, who: string, kind: string, digest: number, detail?: unknown): void {
    const microseconds = Math.round(at * 1000);
    this.#mix(microseconds >>> 0);
    this.#mix(Math.floor(microseconds / 0x1_0000_0000));
    this.#mix(this.#word(who));
    this.#mix(this.#word(kind));
    this.#mix(digest);
    this.events++;
    this.#sink?.({ at, who, kind, digest, ...(detail === undefined ? {} : { detail }) });
  }

  /** 16 hex digits. */
  get hash(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#a) + hex(this.#b);
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x9e3779b1);
    this.#a = (this.#a << 13) | (this.#a >>> 19);
    this.#b = (Math.imul(this.#b, 0x85ebca77) + (this.#a ^ word)) | 0;
    this.#b = (this.#b << 17) | (this.#b >>> 15);
  }

  #word(text: string): number {
    let word = this.#words.get(text);
    if (word === undefined) this.#words.set(text, (word = crc32c(utf8(text))));
    return word;
  }
}
