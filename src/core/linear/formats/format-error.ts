// Input that is not what its format says, with the place where a person should look.

export class FormatError extends Error {
  override readonly name = 'FormatError';
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;

  constructor(problem: string, line: number, column: number) {
    super(`line ${line}, column ${column}: ${problem}`);
    this.line = line;
    this.column = column;
  }
}

/** Line and column of an offset, counted only when something is wrong. */
export function formatErrorAt(text: string, offset: number, problem: string): FormatError {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return new FormatError(problem, before.split('\n').length, offset - lineStart + 1);
}
