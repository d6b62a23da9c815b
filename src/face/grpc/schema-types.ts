// What a .proto file says, as tables.

export interface FileSchema {
  readonly name: string;
  readonly package: string;
  readonly dependencies: readonly string[];
  readonly messages: readonly MessageSchema[];
  readonly enums: readonly EnumSchema[];
  readonly services: readonly ServiceSchema[];
}

export interface MessageSchema {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
  readonly enums: readonly EnumSchema[];
}

export interface FieldSchema {
  readonly name: string;
  readonly number: number;
  /** A scalar's name, or a message's or enum's with its package and a dot before it. */
  readonly type: string;
  readonly kind?: 'message' | 'enum';
  readonly label?: 'repeated' | 'optional';
  readonly oneof?: string;
}

export interface EnumSchema {
  readonly name: string;
  readonly values: readonly { readonly name: string; readonly number: number }[];
}

export interface ServiceSchema {
  readonly name: string;
  readonly methods: readonly MethodSchema[];
}

export interface MethodSchema {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly inputStreams?: boolean;
  readonly outputStreams?: boolean;
}
