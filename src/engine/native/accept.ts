// The acceptor's side of a hello, for clients and peers alike: wait for it under a deadline, answer it, and hand the
// connection on, or say why not and close.

import { OperationError } from '../../core/errors.ts';
import { HelloReader, answerHello, encodeHello, newHello } from '../../core/wire/index.ts';
import type { Hello, Purpose } from '../../core/wire/index.ts';
import type { Clock, Connection, Logger } from '../ports.ts';

export interface AcceptOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cluster: number;
  readonly member: number;
  /** Bytes already read from the connection, to see what it speaks. */
  readonly firstBytes?: Uint8Array;
  /** How long a stranger may hold a connection without having said what it wants. @default 5000 */
  readonly helloDeadlineMs?: number;
  /** Whom this port lets in; others are told `unavailable`, and go elsewhere. @default everybody */
  readonly admits?: (purpose: Purpose) => boolean;
  /** Called once it is known what becomes of the connection: the hello has been answered, or it is gone. */
  readonly settled?: () => void;
}

export type Accepted = (connection: Connection, hello: Hello, rest: Uint8Array) => void;

/**
 * Calls `accepted` once, with the bytes that came after the hello, when the hello was answered with ok. It must
 * take over with `connection.handle` at once. Must be called in the turn the connection was handed over.
 */
export function acceptHello(connection: Connection, options: AcceptOptions, accepted: Accepted): void {
  const { clock, logger, cluster, member } = options;
  const reader = new HelloReader();
  let over = false;
  const cancelDeadline = clock.after(options.helloDeadlineMs ?? 5000, () => {
    end();
    connection.destroy();
  });
  const end = (): void => {
    if (!over) options.settled?.();
    over = true;
    cancelDeadline();
  };

  const data = (bytes: Uint8Array): void => {
    if (over) return;
    try {
      const arrived = reader.push(bytes);
      if (arrived === undefined) return;
      end();
      const said = answerHello(arrived.hello, cluster, member);
      const isAdmitted = options.admits === undefined || options.admits(arrived.hello.purpose);
      const answer: Hello = said.status === 'ok' && !isAdmitted ? { ...said, status: 'unavailable' } : said;
      connection.write(encodeHello(answer));
      if (answer.status === 'ok') return accepted(connection, arrived.hello, arrived.rest);
      logger.log('info', 'a connection was refused', { remote: connection.remote, status: answer.status });
      connection.close();
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      end();
      logger.log('info', 'a connection does not speak the protocol', { remote: connection.remote, error: error.message });
      // It said hello, and wants what only a later version has: it is told which versions there are.
      if (error.code === 'UNSUPPORTED') {
        connection.write(encodeHello({ ...newHello('client', cluster, member), status: 'unsupported' }));
        connection.close();
      } else connection.destroy();
    }
  };
  connection.handle({ data, closed: end, drained: () => undefined });
  if (options.firstBytes !== undefined && options.firstBytes.length > 0) data(options.firstBytes);
}
