// Reads proto/*.proto and writes src/face/grpc/schema.ts: tables for the codec and reflection, types for the code.
// With --check it only says whether that file is what it would write. The subset of the language is what we use.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'src', 'face', 'grpc', 'schema.ts');
const scalars = { int32: 'number', uint32: 'number', int64: 'number | bigint', uint64: 'number | bigint', bool: 'boolean', string: 'string', bytes: 'Uint8Array' };

function parse(name) {
  const text = readFileSync(join(root, 'proto', name), 'utf8').replaceAll(/\/\/[^\n]*/g, '');
  const tokens = text.match(/"[^"]*"|[A-Za-z_][\w.]*|\d+|[{}()=;]/g);
  let at = 0;
  const next = () => tokens[at++];
  const take = (expected) => {
    const token = next();
    if (token !== expected) throw new Error(`${name}: "${expected}" expected where "${token}" is`);
  };
  const file = { name, package: '', dependencies: [], messages: [], enums: [], services: [] };
  const enumOf = () => {
    const result = { name: next(), values: [] };
    for (take('{'); tokens[at] !== '}'; take(';')) {
      const value = next();
      take('=');
      result.values.push({ name: value, number: Number(next()) });
    }
    take('}');
    return result;
  };
  const messageOf = () => {
    const message = { name: next(), fields: [], enums: [] };
    const fieldOf = (oneof) => {
      const label = ['repeated', 'optional'].includes(tokens[at]) ? next() : undefined;
      const [type, field] = [next(), next()];
      take('=');
      message.fields.push({ name: field, number: Number(next()), type, ...(label && { label }), ...(oneof && { oneof }) });
      take(';');
    };
    take('{');
    while (tokens[at] !== '}') {
      if (tokens[at] === 'enum') {
        next();
        message.enums.push(enumOf());
      } else if (tokens[at] === 'oneof') {
        next();
        const oneof = next();
        for (take('{'); tokens[at] !== '}'; ) fieldOf(oneof);
        take('}');
      } else fieldOf(undefined);
    }
    take('}');
    return message;
  };
  const serviceOf = () => {
    const service = { name: next(), methods: [] };
    const side = () => {
      take('(');
      const streams = tokens[at] === 'stream' && Boolean(next());
      const type = next();
      take(')');
      return [type, streams];
    };
    for (take('{'); tokens[at] !== '}'; take(';')) {
      take('rpc');
      const method = next();
      const [input, inputStreams] = side();
      take('returns');
      const [output, outputStreams] = side();
      service.methods.push({ name: method, input, output, ...(inputStreams && { inputStreams }), ...(outputStreams && { outputStreams }) });
    }
    take('}');
    return service;
  };
  while (at < tokens.length) {
    const word = next();
    if (word === 'syntax') at += 3;
    else if (word === 'package') {
      file.package = next();
      take(';');
    } else if (word === 'import') {
      file.dependencies.push(next().slice(1, -1));
      take(';');
    } else if (word === 'message') file.messages.push(messageOf());
    else if (word === 'enum') file.enums.push(enumOf());
    else if (word === 'service') file.services.push(serviceOf());
    else throw new Error(`${name}: "${word}" is not understood`);
  }
  return file;
}

const files = readdirSync(join(root, 'proto')).filter((name) => name.endsWith('.proto')).sort().map(parse);
// Every type by its full name: what it is, and what TypeScript calls it.
const types = new Map();
for (const file of files) {
  // Two versions of one service share their messages' names.
  const suffix = file.package.endsWith('v1alpha') ? 'Alpha' : '';
  for (const message of file.messages) {
    types.set(`.${file.package}.${message.name}`, { kind: 'message', type: message.name + suffix });
    for (const each of message.enums) types.set(`.${file.package}.${message.name}.${each.name}`, { kind: 'enum', type: 'number' });
  }
  for (const each of file.enums) types.set(`.${file.package}.${each.name}`, { kind: 'enum', type: 'number' });
}
const resolve = (file, scope, type) => {
  const found = [`.${file.package}.${scope}.${type}`, `.${file.package}.${type}`, `.${type}`].find((name) => types.has(name));
  if (found === undefined) throw new Error(`${file.name}: no type ${type}`);
  return found;
};
let declarations = '';
for (const file of files) {
  for (const message of file.messages) {
    const lines = message.fields.map((field) => {
      if (!(field.type in scalars)) {
        field.type = resolve(file, message.name, field.type);
        field.kind = types.get(field.type).kind;
      }
      const type = scalars[field.type] ?? types.get(field.type).type;
      if (field.label === 'repeated' && !['string', 'bytes'].includes(field.type) && field.kind !== 'message') throw new Error(`${file.name}: packed fields are not written yet`);
      return `  readonly ${field.name}?: ${field.label === 'repeated' ? `readonly ${type}[]` : type} | undefined;\n`;
    });
    const { type } = types.get(`.${file.package}.${message.name}`);
    declarations += `\n/** \`${file.package}.${message.name}\` */\n`;
    declarations += lines.length === 0 ? `export type ${type} = Readonly<Record<string, never>>;\n` : `export interface ${type} {\n${lines.join('')}}\n`;
  }
  for (const service of file.services) for (const method of service.methods) for (const side of ['input', 'output']) method[side] = resolve(file, '', method[side]);
}

const literal = (value, indent) => {
  const flat = flatLiteral(value);
  if (flat.length + indent.length < 150) return flat;
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((each) => literal(each, inner))
    : Object.entries(value).map(([key, each]) => `${key}: ${literal(each, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close}`;
};
function flatLiteral(value) {
  if (Array.isArray(value)) return `[${value.map(flatLiteral).join(', ')}]`;
  if (typeof value === 'object') return `{ ${Object.entries(value).map(([key, each]) => `${key}: ${flatLiteral(each)}`).join(', ')} }`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}
const text = `// Written by scripts/proto.mjs from proto/*.proto: change those, then run it again.
// A message is a plain object by the names of its fields; what is absent has its type's default (0, '', false, none).
// An int64 is a number where that is exact, else a bigint; an enum is its number.

import type { FileSchema } from './schema-types.ts';

export const files: readonly FileSchema[] = ${literal(files, '')};
${declarations}`;
if (process.argv.includes('--check')) {
  const current = readFileSync(target, 'utf8');
  if (current !== text) {
    console.error('src/face/grpc/schema.ts is not what proto/ says: run node scripts/proto.mjs');
    process.exit(1);
  }
} else writeFileSync(target, text);
