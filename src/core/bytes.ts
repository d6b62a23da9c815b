// Byte strings as values: comparison in the order of unsigned bytes, which is the order of keys everywhere.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const emptyBytes: Uint8Array = new Uint8Array(0);

/** UTF-8 of a string. */
export function utf8(text: string): Uint8Array {
  return text.length <= shortText ? (ascii(text) ?? encoder.encode(text)) : encoder.encode(text);
}

/** Most keys are shorter, and nothing but ASCII: then this is done before the encoder has begun. */
const shortText = 64;

function ascii(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 127) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

/** The string a UTF-8 sequence spells; malformed sequences become U+FFFD. */
export function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** < 0, 0 or > 0 as a sorts before, with or after b; a prefix sorts before what it begins. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The smallest key greater than every key that begins with `prefix` (etcd's range end of a prefix); a single 0 byte means "no upper end". */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i--) {
    if (prefix[i]! < 0xff) {
      const end = prefix.slice(0, i + 1);
      end[i]!++;
      return end;
    }
  }
  return new Uint8Array(1);
}
