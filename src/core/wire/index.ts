// What travels: checksums, frames and codecs.
export { crc32c } from './crc32c.ts';
export { combineCrc32c } from './crc32c-combine.ts';
export { Reader, Writer } from './codec.ts';
export { decodeFailure, encodeFailure } from './failure.ts';
export { FrameReader, encodeFrame, frameOverheadBytes } from './frame.ts';
export type { Frame } from './frame.ts';
export { HelloFeature, HelloReader, answerHello, checkAnswer, encodeHello, helloMagic, newHello, protocolHighest, protocolLowest } from './hello.ts';
export type { Hello, HelloStatus, Purpose } from './hello.ts';
