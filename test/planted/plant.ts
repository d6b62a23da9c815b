// Planting a bug: exact text for exact text, in the source of one build and nowhere else.

import type { ClaimName, FaultClass } from '../../src/sim/index.ts';

export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file; if the code moves on, the guard says that the bug has to move with it. */
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug {
  readonly name: string;
  /** What is wrong with the build that has it, as one would say it after having found it. */
  readonly does: string;
  /** The law or rule it breaks, and who stated it. */
  readonly breaks: string;
  /** The claims of the simulator that speak of this: found by another one it is not found. */
  readonly claims: readonly ClaimName[];
  /** Why these, where it does not go without saying. */
  readonly because?: string;
  /** Where it is hunted. @default all that the simulator draws */
  readonly world?: { readonly nodes: number; readonly nemesis: readonly FaultClass[] };
  readonly edits: readonly Edit[];
}

/** The file's text with the edits of this bug that are the file's. Throws if one does not apply exactly once. */
export function plant(bug: PlantedBug, file: string, text: string): string {
  let planted = text;
  for (const { file: of, find, replace } of bug.edits) {
    if (of !== file) continue;
    const pieces = planted.split(find);
    if (pieces.length !== 2) throw new Error(`${bug.name}: what it replaces is ${pieces.length - 1} times in ${file}\n${find}`);
    planted = pieces.join(replace);
  }
  return planted;
}
