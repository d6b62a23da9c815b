// A socket whose client puts URLs where HTTP/2 wants a host, with every request's headers mended on their way in
// (authority.ts). A client's header table has room for some dozens of fields: whoever names another deadline with each
// call pushes its authority out of it, and then sends it again, in the middle of the connection. Bytes pass through
// JavaScript here, so only who has sent such an authority gets one of these.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { GrowingBytes } from '../growing-bytes.ts';
import { FrameType, frameBytesMax, headBytes, mendHeaders, prefaceBytes } from './http2-frame.ts';

export class MendedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #frames = new FrameMender();

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      const bytes = this.#frames.take(chunk);
      if (bytes.length > 0 && !this.push(bytes)) socket.pause();
    });
    socket.once('end', () => void this.push(null));
    // Whatever breaks it, it closes: that says all that anybody here needs to know, and no error is left without a listener.
    socket.on('error', () => void this.destroy());
    socket.once('close', () => void this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#socket.write(chunk, () => done());
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#socket.cork();
    for (const [at, { chunk }] of chunks.entries()) this.#socket.write(chunk, at === chunks.length - 1 ? () => done() : undefined);
    this.#socket.uncork();
  }

  override _final(done: () => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

/** Lets bytes through as they come, but for headers: those when they are whole. */
class FrameMender {
  /** Of what goes through as it is, how much is still to come: the preface, then what is in frames. */
  #free = prefaceBytes;
  /** The beginning of a frame that cannot be let through yet. */
  readonly #held = new GrowingBytes();

  take(chunk: Buffer): Buffer {
    this.#held.add(chunk);
    const { bytes } = this.#held;
    let at = 0;
    for (;;) {
      const passing = Math.min(this.#free, bytes.length - at);
      this.#free -= passing;
      at += passing;
      if (bytes.length < at + headBytes) break;
      const end = at + headBytes + bytes.readUIntBE(at, 3);
      // A longer one breaks the rules: node:http2 will say so.
      if (bytes[at + 3] === FrameType.headers && end - at <= headBytes + frameBytesMax) {
        if (bytes.length < end) break;
        mendHeaders(bytes.subarray(at, end));
      }
      this.#free = end - at;
    }
    // What is kept is copied by this, so what is let through stays as it is.
    if (at > 0) this.#held.drop(at);
    return bytes.subarray(0, at);
  }
}
