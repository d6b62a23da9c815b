// What is said between a client and etcd, as far as a history records it.

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly create: number;
  readonly mod: number;
  /** '0': none. Leases are 64 bits wide, so they are compared as their decimal strings. */
  readonly lease: string;
}

export interface EtcdCompare {
  readonly key: string;
  readonly target: 'value' | 'version' | 'create' | 'mod' | 'lease';
  readonly op: '=' | '!=' | '<' | '>';
  readonly value: string | number;
}

export type EtcdOperation =
  | { readonly f: 'get'; readonly key: string; readonly end?: string; readonly prefix?: boolean }
  | { readonly f: 'put'; readonly key: string; readonly value: string; readonly lease?: string | number }
  | { readonly f: 'delete'; readonly key: string; readonly end?: string; readonly prefix?: boolean };

export type EtcdInput =
  | EtcdOperation
  | {
      readonly f: 'txn';
      readonly compare: readonly EtcdCompare[];
      readonly success: readonly EtcdOperation[];
      readonly failure?: readonly EtcdOperation[];
    }
  | { readonly f: 'grant'; readonly lease: string | number }
  | { readonly f: 'revoke'; readonly lease: string | number }
  /** Nobody calls it: `withExpiry` puts it into a history. */
  | { readonly f: 'expire'; readonly lease: string | number };

/** Every field may be left out: what was not recorded is not compared. */
export interface EtcdOutput {
  readonly revision?: number;
  readonly kvs?: readonly Partial<KeyValue>[];
  readonly count?: number;
  readonly deleted?: number;
  readonly prev?: Partial<KeyValue> | null;
  readonly succeeded?: boolean;
  readonly responses?: readonly EtcdOutput[];
  readonly lease?: string | number;
  /** A failure that etcd answered, such as 'lease not found'. A failure of the network is an unknown output instead. */
  readonly error?: string;
}
