// A configuration as bytes: the payload of a configuration entry, and part of segment headers and snapshots.

import { Reader, Writer } from '../wire/index.ts';
import { fail } from '../errors.ts';
import type { Configuration, MemberId, MemberInfo } from './entry.ts';

const version = 1;
const membersMax = 1024;

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new Writer();
  writer.u8(version);
  for (const ids of [configuration.voters, configuration.outgoing, configuration.learners, configuration.witnesses]) {
    writer.u32(ids.length);
    for (const id of ids) writer.u53(id);
  }
  writer.u32(configuration.members.length);
  for (const member of configuration.members) {
    writer.u53(member.id);
    writer.string(member.name);
    writer.string(member.address);
  }
  const { joining = [], removed = [] } = configuration;
  // Behind what the first builds wrote, and only where there is something to say.
  if (joining.length > 0 || removed.length > 0) {
    for (const ids of [joining, removed]) {
      writer.u32(ids.length);
      for (const id of ids) writer.u53(id);
    }
  }
  return writer.finish();
}

export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new Reader(bytes);
  const found = reader.u8();
  if (found !== version) fail('UNSUPPORTED', { detail: `a configuration of version ${found}` });
  const count = (): number => {
    const n = reader.u32();
    if (n > membersMax) fail('BAD_REQUEST', { detail: `a configuration of ${n} members` });
    return n;
  };
  const ids = (): MemberId[] => Array.from({ length: count() }, () => reader.u53());
  const voters = ids();
  const outgoing = ids();
  const learners = ids();
  const witnesses = ids();
  const members: MemberInfo[] = Array.from({ length: count() }, () => ({ id: reader.u53(), name: reader.string(), address: reader.string() }));
  const configuration: Configuration = { voters, outgoing, learners, witnesses, members };
  if (reader.remaining === 0) return configuration;
  const [joining, removed] = [ids(), ids()];
  return { ...configuration, ...(joining.length > 0 ? { joining } : {}), ...(removed.length > 0 ? { removed } : {}) };
}
