// Protocol Buffers, by the tables of schema.ts. Reading checks every bound; what it hands out are views of the bytes
// read. Writing goes from the back to the front, so that a message's length is known when it is to be written.

import { fail } from '../../core/errors.ts';
import { files } from './schema.ts';
import type { FieldSchema } from './schema-types.ts';

/** A message: its fields by name, as schema.ts declares them. */
export type Message = Readonly<Record<string, unknown>>;

const depthMax = 64;
const two32 = 0x1_0000_0000;

function malformed(detail: string): never {
  return fail('PROTOCOL', { detail: `grpc: error unmarshalling request: ${detail}` });
}

class Input {
  readonly bytes: Uint8Array;
  at = 0;
  readonly end: number;
  /** Of the varint read last. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array, end: number = bytes.length, at = 0) {
    this.bytes = bytes;
    this.end = end;
    this.at = at;
  }

  /** Into `low` and `high`; answers `low`. */
  varint(): number {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) malformed('a number is cut off');
      const byte = this.bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return this.low;
      }
    }
    return malformed('a number of more than ten bytes');
  }

  long(signed: boolean): number | bigint {
    this.varint();
    const high = signed ? this.high | 0 : this.high;
    if (high < 0x20_0000 && high >= -0x20_0000) return high * two32 + this.low;
    return (BigInt(high) << 32n) | BigInt(this.low);
  }

  length(): number {
    const length = this.varint();
    if (this.high !== 0 || length > this.end - this.at) malformed('a field is cut off');
    return length;
  }

  skip(wire: number): void {
    switch (wire) {
      case 0:
        this.varint();
        return;
      case 1:
        this.at += 8;
        break;
      case 2:
        // Twice: the length is read before the place is.
        this.at = this.length() + this.at;
        break;
      case 5:
        this.at += 4;
        break;
      default:
        malformed(`a field of wire type ${wire}`);
    }
    if (this.at > this.end) malformed('a field is cut off');
  }
}

class Output {
  #bytes = new Uint8Array(4096);
  /** Where what is written begins. */
  #at = 4096;

  get length(): number {
    return this.#bytes.length - this.#at;
  }

  reset(): void {
    // One huge answer must not be kept for good.
    if (this.#bytes.length > 1 << 20) this.#bytes = new Uint8Array(4096);
    this.#at = this.#bytes.length;
  }

  take(): Uint8Array {
    return this.#bytes.slice(this.#at);
  }

  #room(count: number): number {
    if (count > this.#at) {
      const { length } = this;
      const grown = new Uint8Array(Math.max((length + count) * 2, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(this.#at), grown.length - length);
      this.#bytes = grown;
      this.#at = grown.length - length;
    }
    this.#at -= count;
    return this.#at;
  }

  byte(value: number): void {
    this.#bytes[this.#room(1)] = value;
  }

  u32BigEndian(value: number): void {
    const at = this.#room(4);
    new DataView(this.#bytes.buffer).setUint32(at, value);
  }

  varint(value: number): void {
    if (value < 0x80) return this.byte(value);
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    let at = this.#room(size);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[at++] = (rest % 0x80) | 0x80;
    this.#bytes[at] = rest;
  }

  /** Any integer, as 64 bits. */
  long(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) return this.varint(value);
    let rest = BigInt.asUintN(64, BigInt(value));
    const groups: number[] = [];
    for (; rest >= 0x80n; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
    groups.push(Number(rest));
    const at = this.#room(groups.length);
    this.#bytes.set(groups, at);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }
}

/** One for all: encoding is synchronous. */
const output = new Output();
const textDecoder = new TextDecoder('utf-8', { fatal: true });
const textEncoder = new TextEncoder();

interface Field extends FieldSchema {
  readonly tag: number;
  readonly isRepeated: boolean;
  /** Written even where it has its default. */
  readonly hasPresence: boolean;
  readonly message: MessageType | undefined;
}

export class MessageType {
  readonly name: string;
  readonly #schema: readonly FieldSchema[];
  #fields: readonly Field[] | undefined;
  #byNumber: readonly (Field | undefined)[] = [];

  constructor(name: string, fields: readonly FieldSchema[]) {
    this.name = name;
    this.#schema = fields;
  }

  /** When first used: messages may hold each other. */
  get fields(): readonly Field[] {
    if (this.#fields !== undefined) return this.#fields;
    const byNumber: (Field | undefined)[] = [];
    this.#fields = this.#schema.map((schema) => {
      const wire = schema.kind !== 'message' && schema.type !== 'string' && schema.type !== 'bytes' ? 0 : 2;
      const field: Field = {
        ...schema,
        tag: schema.number * 8 + wire,
        isRepeated: schema.label === 'repeated',
        hasPresence: schema.oneof !== undefined || schema.label === 'optional' || schema.kind === 'message',
        message: schema.kind === 'message' ? messageType(schema.type) : undefined,
      };
      byNumber[schema.number] = field;
      return field;
    });
    this.#byNumber = byNumber;
    return this.#fields;
  }

  decode(bytes: Uint8Array): Message {
    return this.#read(new Input(bytes), 0);
  }

  encode(message: Message): Uint8Array {
    output.reset();
    this.#write(message);
    return output.take();
  }

  /** With gRPC's prefix: not compressed, so long. */
  encodeFrame(message: Message): Uint8Array {
    output.reset();
    this.#write(message);
    output.u32BigEndian(output.length);
    output.byte(0);
    return output.take();
  }

  #read(input: Input, depth: number): Message {
    if (depth > depthMax) malformed('nested too deep');
    const message: Record<string, unknown> = {};
    if (this.#fields === undefined) void this.fields;
    while (input.at < input.end) {
      const tag = input.varint();
      const wire = tag & 7;
      const number = tag >>> 3;
      if (number === 0 || input.high !== 0) malformed('a field without a number');
      const field = this.#byNumber[number];
      // What is not known is skipped; also where a known number comes as something else.
      if (field === undefined || field.tag !== tag) {
        input.skip(wire);
        continue;
      }
      const value = readValue(input, field, message, depth);
      if (field.isRepeated) {
        const list = message[field.name] as unknown[] | undefined;
        if (list === undefined) message[field.name] = [value];
        else list.push(value);
        continue;
      }
      // The last of a oneof is the one.
      if (field.oneof !== undefined) for (const other of this.#fields!) if (other.oneof === field.oneof && other !== field) delete message[other.name];
      message[field.name] = value;
    }
    return message;
  }

  /** @internal */
  readIn(input: Input, length: number, depth: number): Message {
    const inner = new Input(input.bytes, input.at + length, input.at);
    const message = this.#read(inner, depth);
    input.at += length;
    return message;
  }

  #write(message: Message): void {
    const { fields } = this;
    for (let at = fields.length - 1; at >= 0; at--) {
      const field = fields[at]!;
      const value = message[field.name];
      if (value === undefined) continue;
      if (field.isRepeated) {
        const list = value as readonly unknown[];
        for (let each = list.length - 1; each >= 0; each--) this.#writeField(field, list[each]);
      } else if (field.hasPresence || !isDefault(value)) this.#writeField(field, value);
    }
  }

  #writeField(field: Field, value: unknown): void {
    if (field.message !== undefined) {
      const before = output.length;
      field.message.#write(value as Message);
      output.varint(output.length - before);
    } else if (field.type === 'bytes' || field.type === 'string') {
      const bytes = field.type === 'bytes' ? (value as Uint8Array) : textEncoder.encode(value as string);
      output.raw(bytes);
      output.varint(bytes.length);
    } else if (field.type === 'bool') output.byte(value === true ? 1 : 0);
    else output.long(value as number | bigint);
    output.varint(field.tag);
  }
}

function isDefault(value: unknown): boolean {
  return value === 0 || value === false || value === '' || value === 0n || (value instanceof Uint8Array && value.length === 0);
}

function readValue(input: Input, field: Field, message: Message, depth: number): unknown {
  switch (field.type) {
    case 'bytes': {
      const length = input.length();
      input.at += length;
      return input.bytes.subarray(input.at - length, input.at);
    }
    case 'string': {
      const length = input.length();
      input.at += length;
      try {
        return textDecoder.decode(input.bytes.subarray(input.at - length, input.at));
      } catch {
        return malformed('a string that is not UTF-8');
      }
    }
    case 'int64':
      return input.long(true);
    case 'uint64':
      return input.long(false);
    case 'bool':
      return (input.varint() | input.high) !== 0;
    case 'uint32':
      return input.varint();
    default: {
      if (field.message === undefined) return input.varint() | 0;
      const length = input.length();
      const read = field.message.readIn(input, length, depth + 1);
      const before = message[field.name] as Message | undefined;
      // A message that comes in parts is one.
      return before === undefined || field.isRepeated ? read : { ...before, ...read };
    }
  }
}

const registry: ReadonlyMap<string, MessageType> = new Map(
  files.flatMap((file) => file.messages.map(({ name, fields }) => [`.${file.package}.${name}`, new MessageType(`${file.package}.${name}`, fields)] as const)),
);

/** By its full name with a dot before it, as the tables have it. */
export function messageType(name: string): MessageType {
  return registry.get(name) ?? fail('INTERNAL', { detail: `there is no message ${name}` });
}
