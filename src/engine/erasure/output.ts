// Files that appear only when they are complete: written under another name, synced, then renamed. Until the rename
// is durable the directory shows the old state, and after a crash at worst a `.partial` that nobody takes for a file.

import type { Disk, DiskFile } from '../ports.ts';

export class Output {
  readonly path: string;
  readonly file: DiskFile;
  readonly #disk: Disk;

  private constructor(disk: Disk, path: string, file: DiskFile) {
    this.#disk = disk;
    this.path = path;
    this.file = file;
  }

  static async open(disk: Disk, path: string): Promise<Output> {
    const file = await disk.open(`${path}.partial`, { create: 'may' });
    // What a crash left behind is begun anew.
    await file.truncate(0);
    return new Output(disk, path, file);
  }

  /** Makes all of them appear. Each is whole when it does; syncing comes before the first rename. */
  static async commit(disk: Disk, outputs: readonly Output[]): Promise<void> {
    for (const output of outputs) {
      await output.file.sync();
      await output.file.close();
    }
    for (const { path } of outputs) await disk.rename(`${path}.partial`, path);
    for (const directory of new Set(outputs.map(({ path }) => directoryOf(path)))) await disk.syncDirectory(directory);
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => {});
    await this.#disk.remove(`${this.path}.partial`).catch(() => {});
  }
}

/** Opens outputs, works, and commits them; or abandons them all and passes the failure on. */
export async function withOutputs<T>(
  disk: Disk,
  paths: readonly string[],
  work: (outputs: readonly Output[]) => Promise<{ readonly complete: boolean; readonly result: T }>,
): Promise<T> {
  const outputs: Output[] = [];
  let done = false;
  try {
    for (const path of paths) outputs.push(await Output.open(disk, path));
    const { complete, result } = await work(outputs);
    if (complete) await Output.commit(disk, outputs);
    done = complete;
    return result;
  } finally {
    if (!done) for (const output of outputs) await output.abandon();
  }
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '.' : path.slice(0, Math.max(1, slash));
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
