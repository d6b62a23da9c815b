// Structured logs, one JSON object a line, on stderr: stdout is for data.

import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { LogLevel, Logger } from '../engine/ports.ts';
import { LogLines } from './log-lines.ts';

const stderr = 2;

export function nodeLogger(level: LogLevel, base: Readonly<Record<string, unknown>> = {}, write: (bytes: Uint8Array) => number = (bytes) => writeSync(stderr, bytes)): Logger {
  // Not pino's own destination: that throws, in the midst of whoever logs, what the system says of a full disk.
  const lines = new LogLines(write);
  const logger = pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime }, lines);
  return {
    log(at, message, facts = {}) {
      const dropped = lines.takeDropped();
      if (dropped > 0) logger.warn({ dropped }, 'the log could not be written: lines are missing here');
      logger[at](facts, message);
    },
  };
}

export const silentLogger: Logger = { log: () => undefined };
