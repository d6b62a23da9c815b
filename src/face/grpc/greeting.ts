// The beginning of a connection, up to the headers of its first request, before node:http2 has it: what clients put
// there must be mended first (authority.ts). Most clients send them at once, behind their settings. Some, grpc-go
// among them, wait for the server's settings: they are sent empty ones, and what they answer is taken out again, since
// node:http2, which sends its own, would not know what it is an answer to.
//
// Of a client that asks for nothing yet, nothing is awaited for long: it keeps its connection in reserve.

import type { Socket } from 'node:net';
import type { Clock } from '../../engine/ports.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { Flag, FrameType, frameBytesMax, headBytes, mendHeaders, prefaceBytes } from './http2-frame.ts';

/** More than the first windows of a connection let a client send. */
const greetingBytesMax = 128 << 10;
const reserveMs = 250;
const emptySettings: Uint8Array = Uint8Array.of(0, 0, 0, FrameType.settings, 0, 0, 0, 0, 0);

/**
 * Calls `greeted` once, with all that was read given back to the socket, and nobody listening to it. `isMended`: this
 * client's authorities are URLs, and so will later ones be.
 */
export function greet(socket: Socket, clock: Clock, greeted: (isMended: boolean) => void): void {
  const held = new GrowingBytes();
  /** Everything before was looked at. */
  let at = prefaceBytes;
  let asked = false;
  /** Where its answer to ours stands. */
  let answeredAt: number | undefined;
  let hasHeaders = false;
  let hasSettings = false;
  let isBroken = false;
  let isMended = false;
  let cancel: (() => void) | undefined;

  const over = (): void => {
    cancel?.();
    socket.removeListener('data', data).removeListener('end', ended).removeListener('close', over);
  };
  const ended = (): void => {
    over();
    socket.destroy();
  };
  const done = (): void => {
    over();
    socket.pause();
    const { bytes } = held;
    if (answeredAt !== undefined) socket.unshift(Buffer.concat([bytes.subarray(0, answeredAt), bytes.subarray(answeredAt + headBytes)]));
    else if (bytes.length > 0) socket.unshift(bytes);
    greeted(isMended);
  };
  /** False: it is not whole yet. */
  const frame = (): boolean => {
    const { bytes } = held;
    if (bytes.length < at + headBytes) return false;
    const length = bytes.readUIntBE(at, 3);
    const [type, flags] = [bytes[at + 3], bytes[at + 4]!];
    const end = at + headBytes + length;
    // Too long to be one: node:http2 will say so.
    if (length > frameBytesMax) {
      isBroken = true;
      return false;
    }
    if (bytes.length < end) return false;
    if (type === FrameType.settings) {
      hasSettings = true;
      if ((flags & Flag.ack) !== 0 && length === 0 && asked) answeredAt ??= at;
    }
    if (type === FrameType.headers) {
      hasHeaders = true;
      if (mendHeaders(bytes.subarray(at, end))) isMended = true;
    }
    at = end;
    return true;
  };
  const data = (chunk: Buffer): void => {
    held.add(chunk);
    while (frame());
    if (isBroken || (hasHeaders && asked === (answeredAt !== undefined))) return done();
    if (held.length > greetingBytesMax) return ended();
    if (!hasSettings) return;
    if (!asked) {
      asked = true;
      socket.write(emptySettings);
    }
    if (answeredAt !== undefined) cancel ??= clock.after(reserveMs, done);
  };

  // It was paused, if somebody had it before.
  socket.on('data', data).on('end', ended).on('close', over).resume();
}
