// Who a data directory belongs to, and which other members have ever spoken to it. Both outlive the process.

import { fail } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import type { MemberId } from '../../core/raft/index.ts';
import { Reader, Writer } from '../../core/wire/index.ts';
import type { Disk } from '../ports.ts';
import { readSmallFile, writeSmallFile } from './small-file.ts';

const identityPath = 'identity';
const acquaintancesPath = 'acquaintances';
const version = 1;
/**
 * Members remembered; an id is used once, so these are all that a cluster ever had. Whoever reaches the port and knows the
 * cluster's id may introduce itself under any number of ids, and the file is written anew, and read, as a whole.
 */
export const acquaintancesMax = 4096;

export interface Identity {
  readonly cluster: number;
  readonly member: MemberId;
  readonly name: string;
  /** Drawn once when the directory is first used: the same id with another birth has lost its memory. */
  readonly birth: number;
  /** For as long as the id lives: a log without payloads does not become one with them. */
  readonly witness: boolean;
}

/** The directory's identity, undefined if it is new; refused if it is another's. */
export async function readIdentity(disk: Disk, wanted: Pick<Identity, 'cluster' | 'name'>): Promise<Identity | undefined> {
  const bytes = await readSmallFile(disk, identityPath, version);
  if (bytes === undefined) return undefined;
  const reader = new Reader(bytes);
  const stored = { cluster: reader.u53(), member: reader.u53(), birth: reader.u53(), name: reader.string() };
  const identity = { ...stored, witness: reader.remaining > 0 && reader.u8() === 1 };
  if (identity.cluster !== wanted.cluster) {
    fail('DATA_DIR_MISMATCH', {
      detail: `the data directory belongs to cluster ${formatId(identity.cluster)}, not ${formatId(wanted.cluster)}`,
    });
  }
  if (identity.name !== wanted.name) {
    fail('DATA_DIR_MISMATCH', { detail: `the data directory belongs to member "${identity.name}", not "${wanted.name}"` });
  }
  return identity;
}

export async function writeIdentity(disk: Disk, identity: Identity): Promise<void> {
  const writer = new Writer();
  writer.u53(identity.cluster).u53(identity.member).u53(identity.birth).string(identity.name);
  if (identity.witness) writer.u8(1);
  await writeSmallFile(disk, identityPath, version, writer.finish());
}

/**
 * The births of the members this one has heard from. Recorded durably before the first word of a member is acted
 * upon: whoever later returns with an empty directory learns from it that its votes and acknowledgements were used.
 */
export class Acquaintances {
  readonly #disk: Disk;
  readonly #births: Map<MemberId, number>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(disk: Disk, births: Map<MemberId, number>) {
    this.#disk = disk;
    this.#births = births;
  }

  static async open(disk: Disk): Promise<Acquaintances> {
    const bytes = await readSmallFile(disk, acquaintancesPath, version);
    const births = new Map<MemberId, number>();
    if (bytes !== undefined) {
      const reader = new Reader(bytes);
      for (let left = reader.u32(); left > 0; left--) births.set(reader.u53(), reader.u53());
    }
    return new Acquaintances(disk, births);
  }

  birthOf(member: MemberId): number | undefined {
    return this.#births.get(member);
  }

  /**
   * True once the birth is on record; false if another one is. Beyond the bound only expected ones are recorded, which are members
   * of the configuration: strangers who fill it must not keep the cluster from growing, or from replacing a member.
   */
  async meet(member: MemberId, birth: number, isExpected = false): Promise<boolean> {
    const known = this.#births.get(member);
    if (known !== undefined) {
      await this.#writing;
      return this.#births.get(member) === birth;
    }
    if (this.#births.size >= acquaintancesMax && !isExpected) {
      fail('OVERLOADED', { detail: `${acquaintancesMax} members are on record, and it is not one of the configuration's: strangers reach this port` });
    }
    this.#births.set(member, birth);
    const write = this.#writing.then(() => this.#write());
    this.#writing = write.catch(() => undefined);
    try {
      await write;
    } catch (error) {
      // Not on record: whoever comes next must not be told that it is.
      this.#births.delete(member);
      throw error;
    }
    return this.#births.get(member) === birth;
  }

  async #write(): Promise<void> {
    const writer = new Writer();
    writer.u32(this.#births.size);
    for (const [member, birth] of this.#births) writer.u53(member).u53(birth);
    await writeSmallFile(this.#disk, acquaintancesPath, version, writer.finish());
  }
}
