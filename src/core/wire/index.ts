// What travels: checksums, frames and codecs.
export { crc32c } from './crc32c.ts';
export { Reader, Writer } from './codec.ts';
