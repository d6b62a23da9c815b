// A file read from front to back through a window, so that checking a log never holds a segment in memory.

import type { DiskFile } from '../ports.ts';

const windowBytes = 1 << 20;

export class SegmentWindow {
  readonly size: number;
  readonly #file: DiskFile;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Position of the window's first byte. */
  base = 0;

  constructor(file: DiskFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Is [position, position + length) in the window, as far as the file goes? */
  holds(position: number, length: number): boolean {
    return position >= this.base && Math.min(position + length, this.size) <= this.base + this.bytes.length;
  }

  /** Moves the window so that it does. */
  async hold(position: number, length: number): Promise<void> {
    if (this.holds(position, length)) return;
    this.bytes = await this.#file.read(position, Math.max(length, windowBytes));
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.base = position;
  }
}
