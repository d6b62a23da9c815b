// Of HTTP/2's frames (RFC 9113, section 4) what must be known to mend requests before node:http2 has them.

import { mendAuthority } from './authority.ts';

export const prefaceBytes = 24;
export const headBytes = 9;
/** The largest there may be before settings say otherwise, and ours never do. */
export const frameBytesMax = 16_384;
export const FrameType = { headers: 1, settings: 4 } as const;
export const Flag = { ack: 1, padded: 8, priority: 32 } as const;

/** Of a whole HEADERS frame, in place; whether there was anything to mend. */
export function mendHeaders(frame: Uint8Array): boolean {
  const flags = frame[4]!;
  const padding = (flags & Flag.padded) !== 0 ? (frame[headBytes] ?? 0) : 0;
  const from = headBytes + ((flags & Flag.padded) !== 0 ? 1 : 0) + ((flags & Flag.priority) !== 0 ? 5 : 0);
  return from + padding <= frame.length && mendAuthority(frame.subarray(from, frame.length - padding));
}
