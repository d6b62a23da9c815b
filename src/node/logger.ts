// Structured logs, one JSON object a line, on stderr: stdout is for data.

import { pino } from 'pino';
import type { LogLevel, Logger } from '../engine/ports.ts';

export function nodeLogger(level: LogLevel, base: Readonly<Record<string, unknown>> = {}): Logger {
  const logger = pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
  return {
    log(at, message, facts = {}) {
      logger[at](facts, message);
    },
  };
}

export const silentLogger: Logger = { log: () => undefined };
