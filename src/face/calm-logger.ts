// A logger for what strangers can cause at will: of each message a few every while, then how many more there were.
// A flood on the port must not become a flood on the disk.

import type { Clock, LogLevel, Logger } from '../engine/ports.ts';

const windowMs = 10_000;
const linesMax = 5;
/** Messages are sentences of ours, not of strangers; this only bounds a mistake. */
const messagesMax = 64;

interface Said {
  since: number;
  lines: number;
  unsaid: number;
}

export function calmLogger(logger: Logger, clock: Clock): Logger {
  const said = new Map<string, Said>();
  return {
    log(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void {
      const now = clock.now();
      let row = said.get(message);
      if (row === undefined) {
        if (said.size >= messagesMax) return;
        row = { since: now, lines: 0, unsaid: 0 };
        said.set(message, row);
      }
      if (now - row.since >= windowMs) {
        if (row.unsaid > 0) logger.log(level, message, { andMore: row.unsaid, inMs: Math.round(now - row.since) });
        row.since = now;
        row.lines = 0;
        row.unsaid = 0;
      }
      if (row.lines++ < linesMax) logger.log(level, message, facts);
      else row.unsaid++;
    },
  };
}
