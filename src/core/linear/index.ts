// The proving ground: did these operations, overlapping as they did, behave as if each had happened at one instant
// between its call and its return? Pure: a value in, a value out. The face adds clocks, threads, files and pages.

export { Checker, type PartitionReport, partitionsOf, type Report, summarize, type Verdict } from './checker.ts';
export { FormatError } from './formats/format-error.ts';
export { jsonlEvent, jsonlHeader, jsonlOperation } from './formats/jsonl.ts';
export { type AnyOperation, type Format, formats, readHistory, readValue } from './formats/read.ts';
export { generateKv, type GenerateOptions, generateRegister } from './generate.ts';
export { type ClientId, type History, type HistoryEvent, type Operation, operationsOf } from './history.ts';
export { type AnyModel, illegal, type Illegal, type Model, type ModelRecipe } from './model.ts';
export { etcd, type EtcdInput, type EtcdModel, type EtcdOptions, type EtcdOutput, withExpiry } from './models/etcd.ts';
export { kv, type KvInput, kvMap, type KvMapModel, type KvModel, type KvOutput } from './models/kv.ts';
export { lock, type LockInput, type LockModel, type LockOutput, mutex, type MutexInput, type MutexModel } from './models/lock.ts';
export { log, type LogInput, type LogModel, type LogOutput } from './models/log.ts';
export { multiRegister, type MultiRegisterInput, type MultiRegisterModel, type MultiRegisterOutput } from './models/multi-register.ts';
export { queue, type QueueInput, type QueueModel, type QueueOutput } from './models/queue.ts';
export { casRegister, register, type RegisterInput, type RegisterModel, type RegisterOutput } from './models/register.ts';
export { type CheckedHistory } from './page/page-data.ts';
export { renderPage } from './page/page.ts';
export { describeValue, equalValues, type Value } from './value.ts';
export { isModelName, type ModelName, modelNames, modelOf, zoo, type ZooEntry } from './zoo.ts';
