// Server reflection: our .proto files, described to whoever asks (grpcurl, grpcui), from the codec's own tables.

import { messageType } from './codec.ts';
import type { Message } from './codec.ts';
import { offeredServices } from './methods.ts';
import { files } from './schema.ts';
import type { ServerReflectionRequest, ServerReflectionResponse } from './schema.ts';
import type { EnumSchema, FieldSchema, FileSchema, MessageSchema } from './schema-types.ts';
import { grpcCodes } from './status.ts';

const scalarTypes: Readonly<Record<string, number>> = { int64: 3, uint64: 4, int32: 5, bool: 8, string: 9, bytes: 12, uint32: 13 };
const label = { optional: 1, repeated: 3 };

/** How the file describes itself is ours to know alone. */
const isPublic = (file: FileSchema): boolean => file.services.length > 0 || file.package === 'mvccpb';

function describeEnum({ name, values }: EnumSchema): Message {
  return { name, value: values };
}

function describeField(field: FieldSchema, oneofs: readonly string[]): Message {
  const { name, number, kind, oneof } = field;
  return {
    name,
    number,
    label: field.label === 'repeated' ? label.repeated : label.optional,
    type: kind === 'message' ? 11 : kind === 'enum' ? 14 : scalarTypes[field.type],
    type_name: kind === undefined ? undefined : field.type,
    oneof_index: oneof === undefined ? undefined : oneofs.indexOf(oneof),
    json_name: name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  };
}

function describeMessage({ name, fields, enums }: MessageSchema): Message {
  const oneofs = [...new Set(fields.flatMap(({ oneof }) => (oneof === undefined ? [] : [oneof])))];
  return { name, field: fields.map((field) => describeField(field, oneofs)), enum_type: enums.map(describeEnum), oneof_decl: oneofs.map((oneof) => ({ name: oneof })) };
}

function describeFile(file: FileSchema): Uint8Array {
  return messageType('.thole.descriptor.FileDescriptorProto').encode({
    name: file.name,
    package: file.package,
    dependency: file.dependencies,
    message_type: file.messages.map(describeMessage),
    enum_type: file.enums.map(describeEnum),
    service: file.services.map(({ name, methods }) => ({
      name,
      method: methods.map(({ name, input, output, inputStreams = false, outputStreams = false }) => ({
        name, input_type: input, output_type: output, client_streaming: inputStreams, server_streaming: outputStreams,
      })),
    })),
    syntax: 'proto3',
  });
}

function definesSymbol(file: FileSchema, symbol: string): boolean {
  const names = [
    ...file.messages.flatMap(({ name, enums, fields }) => [name, ...enums.map((each) => `${name}.${each.name}`), ...fields.map((each) => `${name}.${each.name}`)]),
    ...file.enums.map(({ name }) => name),
    ...file.services.flatMap(({ name, methods }) => [name, ...methods.map((method) => `${name}.${method.name}`)]),
  ];
  return names.some((name) => `${file.package}.${name}` === symbol);
}

/** The file and what it imports, so that nobody has to ask again. */
function withImports(file: FileSchema): readonly FileSchema[] {
  const imported = file.dependencies.flatMap((name) => files.filter((each) => each.name === name).flatMap(withImports));
  return [...new Set([file, ...imported])];
}

export function reflect(request: ServerReflectionRequest): ServerReflectionResponse {
  const answer = { valid_host: request.host, original_request: request };
  if (request.list_services !== undefined) return { ...answer, list_services_response: { service: offeredServices.map((name) => ({ name })) } };
  const found = files.filter(isPublic).find((file) =>
    request.file_by_filename === undefined ? definesSymbol(file, request.file_containing_symbol ?? '') : file.name === request.file_by_filename,
  );
  if (found !== undefined) return { ...answer, file_descriptor_response: { file_descriptor_proto: withImports(found).map(describeFile) } };
  const asked = request.file_by_filename ?? request.file_containing_symbol;
  return { ...answer, error_response: { error_code: grpcCodes.NotFound, error_message: asked === undefined ? 'proto3 has no extensions' : `there is no ${asked} here` } };
}
