import { describe, expect, it } from 'vitest';
import { text, utf8 } from './bytes.ts';

describe('strings as bytes', () => {
  it('are UTF-8, whatever their length and wherever they leave ASCII', () => {
    const encoder = new TextEncoder();
    for (const length of [0, 1, 63, 64, 65, 200]) {
      for (const odd of ['', '\u007f', '\u0080', 'é', '漢', '😀', '\ud800']) {
        for (const whole of ['a'.repeat(length) + odd, odd + 'b'.repeat(length)]) {
          expect(utf8(whole)).toEqual(encoder.encode(whole));
          expect(text(utf8(whole))).toBe(new TextDecoder().decode(encoder.encode(whole)));
        }
      }
    }
  });
});
