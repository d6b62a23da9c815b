// EDN, the notation of Clojure's data (github.com/edn-format/edn), as far as histories use it: everything but the
// meaning of tags, whose value is read as if the tag were not there. Keywords become ":name" strings, vectors, lists
// and sets become arrays, maps with keys of any kind become records under the spelling of the key.

import type { Value } from '../value.ts';
import { type FormatError, formatErrorAt } from './format-error.ts';

export interface EdnForm {
  readonly value: Value;
  /** Where the form begins. */
  readonly offset: number;
}

const named: Readonly<Record<string, string>> = { newline: '\n', return: '\r', space: ' ', tab: '\t' };
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', '"': '"', '\\': '\\' };
const blank = /(?:[\s,]|;[^\n]*)*/y;
const bare = /[^\s,;"()[\]{}]+/y;
const plainString = /[^"\\]*/y;
const integer = /^[+-]?\d+N?$/;
const decimal = /^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M?$/;

/** One after another, the forms of a text, or of the part of it that lies between two offsets. */
export class EdnReader {
  readonly #text: string;
  readonly #end: number;
  #at: number;

  constructor(text: string, from = 0, end: number = text.length) {
    this.#text = text;
    this.#at = from;
    this.#end = end;
  }

  /** The next form; undefined at the end. */
  next(): EdnForm | undefined {
    this.#skipBlank();
    if (this.#at >= this.#end) return undefined;
    const offset = this.#at;
    return { value: this.#form(), offset };
  }

  /** At the opening bracket of a vector or list: steps inside, so that {@link nextInside} gives its forms one by one. */
  enter(): boolean {
    this.#skipBlank();
    const open = this.#text[this.#at];
    if (this.#at >= this.#end || (open !== '[' && open !== '(')) return false;
    this.#at++;
    return true;
  }

  /** The next form before the closing bracket, which it steps over when it gets there. */
  nextInside(): EdnForm | undefined {
    this.#skipBlank();
    if (this.#at >= this.#end) throw this.#error('the text ends inside a form', this.#end);
    const character = this.#text[this.#at]!;
    if (character !== ']' && character !== ')') return this.next();
    this.#at++;
    return undefined;
  }

  #form(): Value {
    const start = this.#at;
    const character = this.#text[start]!;
    switch (character) {
      case '[':
        return this.#items(']');
      case '(':
        return this.#items(')');
      case '{':
        return this.#map(start);
      case '"':
        return this.#string(start);
      case '#':
        return this.#dispatch(start);
      case '\\':
        return this.#character(start);
      case ']':
      case ')':
      case '}':
        throw this.#error(`unexpected ${character}`, start);
      default:
        return this.#atom(start);
    }
  }

  #items(close: string): Value[] {
    const items: Value[] = [];
    this.#at++;
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#end) throw this.#error(`the text ends where ${close} is missing`, this.#end);
      if (this.#text[this.#at] === close) break;
      items.push(this.#form());
    }
    this.#at++;
    return items;
  }

  #map(start: number): Value {
    const items = this.#items('}');
    if (items.length % 2 !== 0) throw this.#error('a map has a key without a value', start);
    const record: Record<string, Value> = {};
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      const name = typeof key === 'string' ? key : JSON.stringify(key);
      // Not by assignment: `record.__proto__ = …` would change what the record is.
      Object.defineProperty(record, name, { value: items[i + 1]!, enumerable: true, writable: true, configurable: true });
    }
    return record;
  }

  #string(start: number): string {
    let value = '';
    this.#at++;
    for (;;) {
      value += this.#match(plainString);
      const character = this.#text[this.#at];
      if (this.#at >= this.#end || character === undefined) throw this.#error('a string does not end', start);
      this.#at++;
      if (character === '"') return value;
      value += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? '';
    const known = escapes[letter];
    if (known !== undefined) return known;
    const code = this.#text.slice(this.#at, this.#at + 4);
    if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(code)) throw this.#error(`no such escape: \\${letter}`, this.#at - 2);
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  #character(start: number): string {
    this.#at++;
    // The first character stands for itself even where it would end a word: \( and \" are characters.
    const first = this.#text[this.#at++] ?? '';
    const name = first + this.#match(bare);
    if (name.length === 1) return name;
    if (/^u[0-9a-fA-F]{4}$/.test(name)) return String.fromCharCode(Number.parseInt(name.slice(1), 16));
    return named[name] ?? this.#fail(`no such character: \\${name}`, start);
  }

  /** `#{set}`, `#_ discarded`, `##Inf`, `#tag form`. */
  #dispatch(start: number): Value {
    this.#at++;
    const character = this.#text[this.#at];
    if (character === '{') return this.#items('}');
    if (character === '#') {
      this.#at++;
      return `##${this.#match(bare)}`;
    }
    if (character !== undefined && /[A-Za-z]/.test(character)) {
      this.#match(bare);
      this.#skipBlank();
      return this.#at < this.#end ? this.#form() : this.#fail('a tag has no value', start);
    }
    // A vector after the hash is how Clojure prints a few Java things. Their text is all that is left of them.
    return character === '[' ? this.#items(']') : this.#fail(`nothing begins with #${character ?? ''}`, start);
  }

  #atom(start: number): Value {
    const word = this.#match(bare);
    if (word === 'nil') return null;
    if (word === 'true' || word === 'false') return word === 'true';
    if (integer.test(word)) {
      const value = Number(word.replace('N', ''));
      // Beyond 2^53 digits would be lost, and two different values would look the same.
      return Number.isSafeInteger(value) ? value : word;
    }
    if (decimal.test(word)) return Number(word.replace('M', ''));
    return /^[+-]?\d/.test(word) && !/^[+-]?\d+\/\d+$/.test(word) ? this.#fail(`not a number: ${word}`, start) : word;
  }

  #skipBlank(): void {
    for (;;) {
      this.#match(blank);
      if (!this.#text.startsWith('#_', this.#at) || this.#at >= this.#end) return;
      const start = this.#at;
      this.#at += 2;
      if (this.next() === undefined) throw this.#error('#_ discards nothing', start);
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const matched = pattern.exec(this.#text)?.[0] ?? '';
    const inside = matched.slice(0, this.#end - this.#at);
    this.#at += inside.length;
    return inside;
  }

  #error(problem: string, offset: number): FormatError {
    return formatErrorAt(this.#text, offset, problem);
  }

  #fail(problem: string, offset: number): never {
    throw this.#error(problem, offset);
  }
}
