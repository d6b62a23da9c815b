// The clients of a run, and what they saw: real native clients that write through sessions and read at every
// consistency, one call at a time each, until they are told to stop. Every written value is unique.

import { text, utf8 } from '../core/bytes.ts';
import { OperationError } from '../core/errors.ts';
import { nextBelow, seedRandom } from '../core/random.ts';
import type { RandomState } from '../core/random.ts';
import { crc32c } from '../core/wire/index.ts';
import type { Client } from '../engine/client/index.ts';
import { BrokenClaim } from './judge/claim.ts';
import type { Coverage } from './coverage.ts';
import type { RegisterInput, RegisterOutput } from './register-model.ts';
import type { World } from './world.ts';

export interface Call {
  readonly client: string;
  readonly input: RegisterInput;
  readonly consistency: 'linearizable' | 'lease' | 'bounded' | 'local';
  readonly maxAgeMs: number | undefined;
  readonly minRevision: number | undefined;
  readonly call: number;
  readonly end: number;
  return: number;
  /** `failed`: it certainly did not happen. `unknown`: it may have, and may still. */
  outcome: 'pending' | 'ok' | 'failed' | 'unknown';
  output: RegisterOutput | undefined;
  revision: number;
  code: string;
}

interface Answer {
  readonly revision: number;
  readonly output: RegisterOutput;
}

interface Actor {
  readonly name: string;
  readonly client: Client;
  readonly random: RandomState;
  /** The newest it has seen. */
  revision: number;
  current: Call | undefined;
}

export interface WorkloadOptions {
  readonly seed: number;
  readonly clients: number;
  readonly thinkMs: number;
  readonly timeoutMs: number;
  /** The members have leases to read by. */
  readonly leases: boolean;
}

/** A call may outlive its time by what a wheel and an answer take. */
const graceMs = 2000;
const paddingMax = 3000;
const registers = ['r0', 'r1', 'r2', 'r3'];
const logs = ['log0', 'log1'];
const pair = ['pair/a', 'pair/b'] as const;

export class Workload {
  readonly calls: Call[] = [];
  readonly #world: World;
  readonly #coverage: Coverage;
  readonly #options: WorkloadOptions;
  readonly #clients: Actor[] = [];
  #next = 0;
  #stopped = false;

  constructor(world: World, coverage: Coverage, options: WorkloadOptions) {
    this.#world = world;
    this.#coverage = coverage;
    this.#options = options;
  }

  start(): void {
    for (let at = 0; at < this.#options.clients; at++) {
      const name = `c${at + 1}`;
      const client = this.#world.connect(name, this.#options.timeoutMs);
      const one: Actor = { name, client, random: seedRandom(this.#options.seed * 64 + at + 1), revision: 0, current: undefined };
      this.#clients.push(one);
      this.#later(one);
    }
  }

  /** After this nothing new is asked for. */
  stop(): void {
    this.#stopped = true;
  }

  get isIdle(): boolean {
    return this.#clients.every(({ current }) => current === undefined);
  }

  /** Every client's newest completed write, to see that they go on. */
  get completed(): number {
    return this.calls.filter(({ outcome }) => outcome === 'ok').length;
  }

  completedSince(time: number): ReadonlySet<string> {
    return new Set(this.calls.filter((call) => call.call >= time && call.outcome === 'ok' && call.input.f !== 'get').map(({ client }) => client));
  }

  check(): void {
    const now = this.#world.clock.now();
    for (const { current } of this.#clients) {
      if (current !== undefined && now > current.end + graceMs) {
        throw new BrokenClaim('settles', `${current.input.f} of ${current.client}, begun at ${current.call.toFixed(1)}, should have ended at ${current.end.toFixed(1)}: it waits for something that virtual time does not bring`);
      }
    }
  }

  #later(one: Actor): void {
    if (this.#stopped) return;
    this.#world.clock.after(nextBelow(one.random, this.#options.thinkMs * 2), () => {
      if (!this.#stopped) this.#ask(one);
    });
  }

  #ask(one: Actor): void {
    const { random, client } = one;
    const below = (bound: number): number => nextBelow(random, bound);
    const token = `${one.name}.${this.#next++};`;
    const dice = below(100);
    // Now and then more than a sector: only a write that spans some can be torn.
    const value = below(8) === 0 ? token + 'x'.repeat(below(paddingMax)) : token;
    const key = registers[below(registers.length)]!;
    if (dice < 30) {
      const log = logs[below(logs.length)]!;
      return this.#run(one, { f: 'append', key: log, value: token }, () => client.kv.append(log, token).then(({ revision, length }) => ({ revision, output: { length } })));
    }
    if (dice < 45) return this.#run(one, { f: 'put', key, value }, () => client.kv.put(key, value).then(({ revision }) => ({ revision, output: {} })));
    if (dice < 50) return this.#run(one, { f: 'delete', key }, () => client.kv.delete(key).then(({ revision, deleted }) => ({ revision, output: { deleted } })));
    if (dice < 58) {
      const from = this.#lastSeen(key);
      return this.#run(one, { f: 'cas', key, from, value }, () =>
        client.kv
          .txn({ compare: [{ key, target: 'value', result: 'equal', value: from }], success: [{ type: 'put', key, value }], failure: [{ type: 'range', key }] })
          .then(({ revision, succeeded }) => {
            if (!succeeded) this.#coverage.mark('a comparison failed');
            return { revision, output: { swapped: succeeded } };
          }),
      );
    }
    if (dice < 64) {
      return this.#run(one, { f: 'put', key: 'pair', value }, () =>
        client.kv.txn({ success: pair.map((half) => ({ type: 'put', key: half, value })) }).then(({ revision }) => ({ revision, output: {} })),
      );
    }
    if (dice < 70) return this.#run(one, { f: 'get', key: 'pair' }, () => this.#readPair(client));
    if (dice < 72 && one.revision > 100) {
      const revision = one.revision - 50;
      return this.#run(one, { f: 'compact', key: '', revision }, () => client.kv.compact(revision).then((result) => ({ revision: result.revision, output: {} })));
    }
    const name = below(3) === 0 ? logs[below(logs.length)]! : key;
    const mood = below(10);
    const bounds =
      mood < 3 && this.#options.leases ? { consistency: 'lease' as const }
      : mood < 5 ? { consistency: 'linearizable' as const }
      : mood < 7 ? { consistency: 'local' as const }
      : mood < 9 ? { consistency: 'bounded' as const, minRevision: one.revision }
      : { consistency: 'bounded' as const, maxAgeMs: 1000 + below(3000) };
    if (bounds.consistency === 'bounded') this.#coverage.mark('a bounded read');
    if (bounds.consistency === 'lease') this.#coverage.mark('a read by lease');
    this.#run(one, { f: 'get', key: name }, () => client.kv.get(name, bounds).then(({ revision, kv }) => ({ revision, output: { value: kv === undefined ? null : text(kv.value) } })), bounds);
  }

  async #readPair(client: Client): Promise<Answer> {
    const { revision, responses } = await client.kv.txn({ success: pair.map((half) => ({ type: 'range', key: half })) });
    const values = responses.map((response) => (response.type === 'range' && response.kvs[0] !== undefined ? text(response.kvs[0].value) : null));
    if (values[0] !== values[1]) throw new BrokenClaim('atomic', `one half is ${values[0]}, the other ${values[1]}, at revision ${revision}`);
    return { revision, output: { value: values[0]! } };
  }

  #run(
    one: Actor,
    input: RegisterInput,
    ask: () => Promise<Answer>,
    bounds: { readonly consistency: Call['consistency']; readonly maxAgeMs?: number; readonly minRevision?: number } = { consistency: 'linearizable' },
  ): void {
    const now = this.#world.clock.now();
    const call: Call = {
      client: one.name, input, consistency: bounds.consistency, maxAgeMs: bounds.maxAgeMs, minRevision: bounds.minRevision,
      call: now, end: now + this.#options.timeoutMs, return: Infinity, outcome: 'pending', output: undefined, revision: 0, code: '',
    };
    this.calls.push(call);
    one.current = call;
    this.#world.trace.event(now, one.name, `ask ${input.f} ${input.key}`, 0, input);
    ask().then(
      ({ revision, output }) => {
        Object.assign(call, { outcome: 'ok', output, revision });
        one.revision = Math.max(one.revision, revision);
        this.#over(one, call, crc32c(utf8(JSON.stringify(output)), revision));
      },
      (error: unknown) => {
        if (!(error instanceof OperationError)) {
          this.broken ??= error;
          return;
        }
        // A read has no outcome but its answer.
        call.outcome = error.retry === 'safe' || input.f === 'get' ? 'failed' : 'unknown';
        call.code = error.code;
        this.#coverage.mark(call.outcome === 'failed' ? 'a write that was refused' : 'a write of unknown outcome');
        this.#over(one, call, 0);
      },
    );
  }

  /** What went wrong inside a promise. */
  broken: unknown;

  #over(one: Actor, call: Call, digest: number): void {
    call.return = this.#world.clock.now();
    one.current = undefined;
    this.#world.trace.event(call.return, one.name, `${call.outcome} ${call.input.f} ${call.code}`, digest, call.output);
    this.#later(one);
  }

  #lastSeen(key: string): string {
    const last = this.calls.findLast(({ input, outcome, output }) => input.key === key && outcome === 'ok' && (input.f === 'put' || (input.f === 'get' && typeof output?.value === 'string')));
    return (last?.input.f === 'put' ? last.input.value : last?.output?.value) ?? 'nothing';
  }
}
