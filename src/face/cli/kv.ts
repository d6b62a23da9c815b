// The verbs of keys: put, get, del, txn, compaction. Words and shapes are etcdctl's.

import { Argument, Command, Option } from 'commander';
import { OperationError } from '../../core/errors.ts';
import type { SortTarget } from '../../core/kv/index.ts';
import { clientCommand, fields, guarded, json, outputOf, print, whole, withClient } from './client.ts';
import type { ClientFlags } from './client.ts';
import { jsonKv, kvFields, kvTable, printFields, printKvs, printTxn } from './render.ts';
import { parseTxn } from './txn-syntax.ts';

const valueBytesMax = 2 << 20;

async function stdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > valueBytesMax) throw new OperationError({ code: 'TOO_LARGE', detail: 'stdin holds more than a request may' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function putCommand(): Command {
  return clientCommand('put <key> [value]', 'store a value; without one it is read from stdin')
    .option('--prev-kv', 'also print what was there')
    .option('--ignore-value', 'keep the value the key has')
    .action(async (key: string, value: string | undefined, flags: ClientFlags & { prevKv?: boolean; ignoreValue?: boolean }) => {
      await withClient(flags, async (client) => {
        if (flags.ignoreValue === true && value !== undefined) throw new OperationError({ code: 'BAD_REQUEST', detail: 'with --ignore-value the key keeps its own: give none' });
        const bytes = flags.ignoreValue === true ? '' : (value ?? (await stdin()));
        const { revision, prevKv } = await client.kv.put(key, bytes, { prevKv: flags.prevKv, ignoreValue: flags.ignoreValue });
        if (outputOf(flags) === 'json') return print(json({ header: { revision }, ...(prevKv === undefined ? {} : { prev_kv: jsonKv(prevKv) }) }));
        if (outputOf(flags) === 'fields') return printFields(revision, prevKv === undefined ? [] : [prevKv]);
        print('OK');
        if (prevKv !== undefined) printKvs([prevKv]);
      });
    });
}

interface GetFlags extends ClientFlags {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
  readonly rev: number;
  readonly limit: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly printValueOnly?: boolean;
  readonly sortBy?: string;
  readonly order?: 'ASCEND' | 'DESCEND';
  readonly consistency: 'l' | 's' | 'lease';
}

const sortTargets: Readonly<Record<string, SortTarget>> = { KEY: 'key', VERSION: 'version', CREATE: 'create', MODIFY: 'mod', VALUE: 'value' };

function getCommand(): Command {
  return clientCommand('get <key> [rangeEnd]', 'print a key, or a range of keys')
    .option('--prefix', 'all keys that begin with it')
    .option('--from-key', 'all keys from it on')
    .option('--rev <N>', 'as of this revision', whole, 0)
    .option('--limit <N>', 'at most so many', whole, 0)
    .option('--keys-only', 'without values')
    .option('--count-only', 'only how many')
    .option('--print-value-only', 'without keys')
    .addOption(new Option('--sort-by <WHAT>').choices(Object.keys(sortTargets)))
    .addOption(new Option('--order <WAY>').choices(['ASCEND', 'DESCEND']))
    .addOption(new Option('--consistency <LEVEL>', 'l: linearizable, lease: by the leader’s lease if it has one, s: whatever the member has').choices(['l', 's', 'lease']).default('l'))
    .action(async (key: string, rangeEnd: string | undefined, flags: GetFlags) => {
      await withClient(flags, async (client) => {
        const sort = flags.sortBy === undefined && flags.order === undefined
          ? undefined
          : { target: sortTargets[flags.sortBy ?? 'KEY']!, order: flags.order === 'DESCEND' ? 'descend' : 'ascend' } as const;
        const { revision, kvs, more, count } = await client.kv.range(key, {
          prefix: flags.prefix, fromKey: flags.fromKey, rangeEnd, revision: flags.rev, limit: flags.limit, sort,
          keysOnly: flags.keysOnly, countOnly: flags.countOnly, consistency: { l: 'linearizable', lease: 'lease', s: 'local' }[flags.consistency] as 'linearizable' | 'lease' | 'local',
        });
        switch (outputOf(flags)) {
          case 'json':
            return print(json({ header: { revision }, ...(kvs.length > 0 ? { kvs: kvs.map(jsonKv) } : {}), ...(more ? { more } : {}), count }));
          case 'fields':
            printFields(revision, kvs);
            return print(`"More" : ${more}\n"Count" : ${count}`);
          case 'table':
            return print(kvTable(kvs));
          case 'simple':
            if (flags.countOnly === true) return print(String(count));
            return printKvs(kvs, flags.printValueOnly === true ? 'values' : 'both');
        }
      });
    });
}

function delCommand(): Command {
  return clientCommand('del <key> [rangeEnd]', 'delete a key, or a range of keys')
    .option('--prefix', 'all keys that begin with it')
    .option('--from-key', 'all keys from it on')
    .option('--prev-kv', 'also print what was deleted')
    .action(async (key: string, rangeEnd: string | undefined, flags: ClientFlags & { prefix?: boolean; fromKey?: boolean; prevKv?: boolean }) => {
      await withClient(flags, async (client) => {
        const { revision, deleted, prevKvs } = await client.kv.delete(key, { prefix: flags.prefix, fromKey: flags.fromKey, rangeEnd, prevKv: flags.prevKv });
        if (outputOf(flags) === 'json') {
          return print(json({ header: { revision }, deleted, ...(prevKvs.length > 0 ? { prev_kvs: prevKvs.map(jsonKv) } : {}) }));
        }
        if (outputOf(flags) === 'fields') return print([fields({ Revision: revision, Deleted: deleted }), ...prevKvs.map(kvFields)].join('\n'));
        print(String(deleted));
        printKvs(prevKvs);
      });
    });
}

function txnCommand(): Command {
  return clientCommand('txn', 'read comparisons and operations from stdin, carry them out as one')
    .option('-i, --interactive', 'say what is expected')
    .action(async (flags: ClientFlags & { interactive?: boolean }) => {
      await guarded(async () => {
        if (flags.interactive === true) process.stderr.write('compares, a blank line, success requests, a blank line, failure requests, end of input:\n');
        const request = parseTxn((await stdin()).toString('utf8'));
        await withClient(flags, async (client) => {
          const { revision, succeeded, responses } = await client.kv.txn(request as Parameters<typeof client.kv.txn>[0]);
          printTxn(outputOf(flags), revision, succeeded, responses);
        });
      });
    });
}

function compactionCommand(): Command {
  return clientCommand('compaction', 'forget what was overwritten or deleted up to a revision')
    .alias('compact')
    .addArgument(new Argument('<revision>').argParser(whole))
    .option('--physical', 'accepted for etcdctl’s sake: removal is always complete when this returns')
    .action(async (number: number, flags: ClientFlags) => {
      await withClient(flags, async (client) => {
        const { revision } = await client.kv.compact(number);
        if (outputOf(flags) === 'json') return print(json({ header: { revision } }));
        print(outputOf(flags) === 'fields' ? fields({ Revision: revision }) : `compacted revision ${number}`);
      });
    });
}

export function kvCommands(): readonly Command[] {
  return [putCommand(), getCommand(), delCommand(), txnCommand(), compactionCommand()];
}
