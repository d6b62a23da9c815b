import { describe, expect, it } from 'vitest';
import { bytesField, frame, keysOf, putRequest, rangeRequest, varint } from './wire.mjs';

const hex = (bytes) => bytes.toString('hex');

describe('the load’s own protobuf', () => {
  it.each([[0, '00'], [1, '01'], [127, '7f'], [128, '8001'], [300, 'ac02'], [2 ** 32, '8080808010']])('writes %d as the varint %s', (value, bytes) => {
    expect(hex(varint(value))).toBe(bytes);
  });

  it('writes a field as its number, its length and its bytes', () => {
    expect(hex(bytesField(2, Buffer.from('testing')))).toBe('120774657374696e67');
    expect(hex(bytesField(2, Buffer.alloc(200)).subarray(0, 3))).toBe('12c801');
  });

  it('frames a message by one flag byte and four of length', () => {
    expect(hex(frame(Buffer.alloc(258)).subarray(0, 5))).toBe('0000000102');
  });

  it('writes a put and a get as etcd reads them', () => {
    expect(hex(putRequest(Buffer.from('k'), Buffer.from('vw')))).toBe('00000000070a016b12027677');
    expect(hex(rangeRequest(Buffer.from('k')))).toBe('00000000030a016b');
  });

  it('names keys of 16 bytes, each once', () => {
    const keys = keysOf(1000).map(String);
    expect(new Set(keys).size).toBe(1000);
    expect(keys.every((key) => key.length === 16)).toBe(true);
  });
});
