// Messages as JSON, the way etcd's gateway has them: bytes in base64, 64-bit integers as texts, enums by name; what
// has its default is left out, what is null is absent. Read by the message's own table, straight from the bytes: what
// no table knows is checked and skipped, and builds nothing. Both are bounded: in depth, and in how many values.

import type { Message, MessageType } from '../grpc/codec.ts';
import { files } from '../grpc/schema.ts';
import { GrpcError } from '../grpc/status.ts';

type Field = MessageType['fields'][number];

const depthMax = 100;
/** A turn of the loop reads no more: a request has a few hundred values at most, and one of many small ones costs more than it weighs. */
const valuesMax = 65_536;

const enums: ReadonlyMap<string, readonly { readonly name: string; readonly number: number }[]> = new Map(
  files.flatMap((file) => [
    ...file.enums.map(({ name, values }) => [`.${file.package}.${name}`, values] as const),
    ...file.messages.flatMap((message) => message.enums.map(({ name, values }) => [`.${file.package}.${message.name}.${name}`, values] as const)),
  ]),
);

/** By both of its names: the definition's, and JSON's own. */
const namesOf = new WeakMap<MessageType, ReadonlyMap<string, Field>>();
function fieldNamed(type: MessageType, name: string): Field | undefined {
  let names = namesOf.get(type);
  if (names === undefined) {
    names = new Map(type.fields.flatMap((field) => [[field.name, field] as const, [field.name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), field] as const]));
    namesOf.set(type, names);
  }
  return names.get(name);
}

function malformed(detail: string): never {
  throw new GrpcError('InvalidArgument', detail);
}

const [quote, comma, colon, backslash] = [0x22, 0x2c, 0x3a, 0x5c];
const [braceOpen, braceClose, bracketOpen, bracketClose] = [0x7b, 0x7d, 0x5b, 0x5d];
const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const literals: Readonly<Record<number, string>> = { 0x74: 'true', 0x66: 'false', 0x6e: 'null' };

class JsonInput {
  readonly #bytes: Buffer;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The next byte that is no space; NaN at the end. */
  peek(): number {
    const bytes = this.#bytes;
    for (; this.#at < bytes.length; this.#at++) {
      const byte = bytes[this.#at]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
    }
    return Number.NaN;
  }

  get isAtEnd(): boolean {
    return Number.isNaN(this.peek());
  }

  /** Whether it was the next one, which is then read. */
  accept(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.#at++;
    return true;
  }

  unexpected(where: string): never {
    const byte = this.peek();
    return malformed(Number.isNaN(byte) ? 'unexpected EOF' : `invalid character ${JSON.stringify(String.fromCharCode(byte))} ${where}`);
  }

  expect(byte: number, where: string): void {
    if (!this.accept(byte)) this.unexpected(where);
  }

  /** Counts a value that begins here. */
  begin(depth: number): number {
    if (depth > depthMax) malformed('nested too deep');
    if (++this.#values > valuesMax) malformed('too many values');
    return this.peek();
  }

  text(): string {
    this.expect(quote, 'looking for beginning of object key string');
    const from = this.#at;
    const bytes = this.#bytes;
    let end = bytes.indexOf(quote, from);
    // A quote behind an odd number of backslashes is a part of the text.
    const isEscaped = (at: number): boolean => {
      let before = at;
      while (before > from && bytes[before - 1] === backslash) before--;
      return (at - before) % 2 === 1;
    };
    while (end >= 0 && isEscaped(end)) end = bytes.indexOf(quote, end + 1);
    if (end < 0) malformed('unexpected EOF');
    this.#at = end + 1;
    try {
      return JSON.parse(`"${bytes.toString('utf8', from, end)}"`) as string;
    } catch {
      return malformed('invalid character in string');
    }
  }

  /** As it is written. */
  number(): string {
    const from = this.#at;
    const bytes = this.#bytes;
    while (this.#at < bytes.length && this.#at - from < 400 && /[-+.\deE]/.test(String.fromCharCode(bytes[this.#at]!))) this.#at++;
    const written = bytes.toString('latin1', from, this.#at);
    return numberForm.test(written) ? written : malformed(`invalid number ${JSON.stringify(written.slice(0, 40))}`);
  }

  literal(word: string): void {
    const end = this.#at + word.length;
    if (this.#bytes.toString('latin1', this.#at, end) !== word) malformed(`invalid character in literal ${word}`);
    this.#at = end;
  }

  /** Each element of what may be an object or a list; `element` reads it. */
  each(open: number, close: number, element: () => void): void {
    this.expect(open, 'looking for beginning of value');
    if (this.accept(close)) return;
    do element(); while (this.accept(comma));
    this.expect(close, close === braceClose ? 'after object key:value pair' : 'after array element');
  }

  key(): string {
    const name = this.text();
    this.expect(colon, 'after object key');
    return name;
  }

  /** Any value; answers nothing of it but what kind it was. */
  skip(depth: number): string {
    const first = this.begin(depth);
    if (first === quote) this.text();
    else if (first === braceOpen) this.each(braceOpen, braceClose, () => void (this.key(), this.skip(depth + 1)));
    else if (first === bracketOpen) this.each(bracketOpen, bracketClose, () => void this.skip(depth + 1));
    else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) this.number();
    else {
      const word = literals[first] ?? this.unexpected('looking for beginning of value');
      this.literal(word);
      return word === 'null' ? 'null' : 'bool';
    }
    return first === quote ? 'string' : first === braceOpen ? 'object' : first === bracketOpen ? 'array' : 'number';
  }

  isNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.literal('null');
    return true;
  }
}

/** Nothing at all is a message of defaults. */
export function readJson(type: MessageType, bytes: Uint8Array): Message {
  const input = new JsonInput(bytes);
  if (input.isAtEnd || input.isNull()) return {};
  const message = readMessage(input, type, 0);
  if (!input.isAtEnd) input.unexpected('after top-level value');
  return message;
}

function readMessage(input: JsonInput, type: MessageType, depth: number): Message {
  if (input.begin(depth) !== braceOpen) malformed(`json: cannot unmarshal ${input.skip(depth)} into ${type.name}`);
  const message: Record<string, unknown> = {};
  input.each(braceOpen, braceClose, () => {
    const field = fieldNamed(type, input.key());
    if (field === undefined) return void input.skip(depth + 1);
    if (input.isNull()) return;
    if (field.oneof !== undefined && type.fields.some((other) => other.oneof === field.oneof && other !== field && message[other.name] !== undefined)) {
      malformed(`json: more than one ${field.oneof} in ${type.name}`);
    }
    if (!field.isRepeated) message[field.name] = readValue(input, field, depth + 1);
    else {
      const list: unknown[] = [];
      if (input.peek() !== bracketOpen) malformed(`json: cannot unmarshal ${input.skip(depth)} into a list of ${type.name}.${field.name}`);
      input.each(bracketOpen, bracketClose, () => void list.push(readValue(input, field, depth + 1)));
      message[field.name] = list;
    }
  });
  return message;
}

function readValue(input: JsonInput, field: Field, depth: number): unknown {
  if (field.message !== undefined) return readMessage(input, field.message, depth);
  const first = input.begin(depth);
  const wrong = (): never => malformed(`json: cannot unmarshal ${input.skip(depth)} into ${field.name}`);
  switch (field.type) {
    case 'bytes':
      return first === quote ? fromBase64(input.text()) : wrong();
    case 'string':
      return first === quote ? input.text() : wrong();
    case 'bool':
      if (first !== 0x74 && first !== 0x66) return wrong();
      input.literal(literals[first]!);
      return first === 0x74;
    default: {
      const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39);
      if (first !== quote && !isNumber) return wrong();
      const written = isNumber ? input.number() : input.text().trim();
      const named = isNumber ? undefined : enums.get(field.type);
      if (named !== undefined) return named.find(({ name }) => name === written)?.number ?? malformed(`unknown value ${JSON.stringify(written)} for enum ${field.type.slice(1)}`);
      return toInteger(written, field.type);
    }
  }
}

const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int64: [-(1n << 63n), (1n << 63n) - 1n], uint64: [0n, (1n << 64n) - 1n], uint32: [0n, (1n << 32n) - 1n],
};
const int32: readonly [bigint, bigint] = [-(1n << 31n), (1n << 31n) - 1n];

/** No fraction and no exponent, as etcd: a revision that was rounded is another revision. */
function toInteger(written: string, type: string): number | bigint {
  const refused = (): never => malformed(`json: cannot unmarshal number ${written.slice(0, 40)} into ${type.replace(/^\./, '')}`);
  if (!/^-?(?:0|[1-9]\d{0,19})$/.test(written)) return refused();
  const value = BigInt(written);
  const [lowest, highest] = ranges[type] ?? int32;
  if (value < lowest || value > highest) return refused();
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Padded, in the standard alphabet; line ends may stand in it. */
function fromBase64(text: string): Uint8Array {
  const dense = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, '') : text;
  const wrong = dense.search(/[^A-Za-z\d+/]/);
  const end = wrong < 0 ? dense.length : wrong;
  if (dense.length % 4 !== 0 || !/^={0,2}$/.test(dense.slice(end))) malformed(`illegal base64 data at input byte ${end - (end % 4)}`);
  return new Uint8Array(Buffer.from(dense, 'base64'));
}

// ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** In pieces, each no longer than its longest value: what is large is never one text. */
export function* writeJson(type: MessageType, message: Message): Generator<string, void, void> {
  yield '{';
  let between = '';
  for (const field of type.fields) {
    const value = message[field.name];
    if (value === undefined) continue;
    if (field.isRepeated) {
      const list = value as readonly unknown[];
      if (list.length === 0) continue;
      yield `${between}"${field.name}":[`;
      for (let at = 0; at < list.length; at++) {
        if (at > 0) yield ',';
        yield* writeValue(field, list[at]);
      }
      yield ']';
    } else {
      if (!field.hasPresence && isDefault(value)) continue;
      yield `${between}"${field.name}":`;
      yield* writeValue(field, value);
    }
    between = ',';
  }
  yield '}';
}

function isDefault(value: unknown): boolean {
  return value === 0 || value === 0n || value === false || value === '' || (value instanceof Uint8Array && value.length === 0);
}

function* writeValue(field: Field, value: unknown): Generator<string, void, void> {
  if (field.message === undefined) yield scalar(field, value);
  else if (isFlat(field.message)) yield flat(field.message, value as Message);
  else yield* writeJson(field.message, value as Message);
}

function isFlat(type: MessageType): boolean {
  return type.fields.every((field) => field.message === undefined && !field.isRepeated);
}

/** Without a generator for each: of these there are many. */
function flat(type: MessageType, message: Message): string {
  let text = '{';
  for (const field of type.fields) {
    const value = message[field.name];
    if (value === undefined || (!field.hasPresence && isDefault(value))) continue;
    text += `${text === '{' ? '' : ','}"${field.name}":${scalar(field, value)}`;
  }
  return `${text}}`;
}

function scalar(field: Field, value: unknown): string {
  switch (field.type) {
    case 'bytes': {
      const bytes = value as Uint8Array;
      return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"`;
    }
    case 'string':
      return JSON.stringify(value);
    case 'int64':
    case 'uint64':
      return `"${String(value)}"`;
    default: {
      const name = enums.get(field.type)?.find(({ number }) => number === value)?.name;
      return name === undefined ? String(value) : `"${name}"`;
    }
  }
}

/** What a message occupies, about. */
export function weightOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length + 64;
  if (typeof value === 'string') return value.length + 32;
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + weightOf(each), 32);
  if (typeof value === 'object' && value !== null) {
    let sum = 64;
    for (const name in value) sum += weightOf((value as Message)[name]);
    return sum;
  }
  return 8;
}
