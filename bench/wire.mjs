// As much of protobuf and of gRPC's framing as the load needs, written by hand so that the driver spends its time waiting.

/** An unsigned protobuf varint. */
export function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A length-delimited field. */
export function bytesField(number, bytes) {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** gRPC's prefix: uncompressed, and the length in four bytes. */
export function frame(message) {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  message.copy(framed, 5);
  return framed;
}

/** etcdserverpb.PutRequest: key = 1, value = 2. */
export const putRequest = (key, value) => frame(Buffer.concat([bytesField(1, key), bytesField(2, value)]));

/** etcdserverpb.RangeRequest of one key, linearizable because `serializable` (7) is not set. */
export const rangeRequest = (key) => frame(bytesField(1, key));

/** The keys in the order they are used: 16 bytes each. */
export const keysOf = (count) => Array.from({ length: count }, (_, at) => Buffer.from(`bench/${String(at).padStart(10, '0')}`));
