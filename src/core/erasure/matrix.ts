// Small matrices over GF(2⁸): a code is one, and losing shards is striking out its rows.

import { assert } from '../assert.ts';
import { divide, exponent, fieldSize, products } from './galois.ts';

export class Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row after row. Nobody writes to it after the constructor's caller. */
  readonly cells: Uint8Array;
  #key: string | undefined;

  constructor(rows: number, columns: number, cells: Uint8Array = new Uint8Array(rows * columns)) {
    assert(cells.length === rows * columns, 'a matrix has rows × columns cells');
    this.rows = rows;
    this.columns = columns;
    this.cells = cells;
  }

  static of(rows: readonly (readonly number[])[]): Matrix {
    return new Matrix(rows.length, rows[0]?.length ?? 0, Uint8Array.from(rows.flat()));
  }

  static identity(size: number): Matrix {
    const matrix = new Matrix(size, size);
    for (let i = 0; i < size; i++) matrix.cells[i * size + i] = 1;
    return matrix;
  }

  /** Cell (r, c) is rᶜ: any `columns` of its rows are independent, because a polynomial of degree < n has < n roots. */
  static vandermonde(rows: number, columns: number): Matrix {
    assert(rows <= fieldSize, 'there are 256 different points to evaluate at');
    const matrix = new Matrix(rows, columns);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) matrix.cells[r * columns + c] = exponent(r, c);
    return matrix;
  }

  at(row: number, column: number): number {
    return this.cells[row * this.columns + column]!;
  }

  row(row: number): Uint8Array {
    return this.cells.subarray(row * this.columns, (row + 1) * this.columns);
  }

  /** The rows named, in the order named. */
  pick(rows: readonly number[]): Matrix {
    const picked = new Matrix(rows.length, this.columns);
    for (const [to, from] of rows.entries()) picked.cells.set(this.row(from), to * this.columns);
    return picked;
  }

  times(right: Matrix): Matrix {
    assert(this.columns === right.rows, 'the left has as many columns as the right has rows');
    const product = new Matrix(this.rows, right.columns);
    for (let r = 0; r < this.rows; r++) {
      for (let inner = 0; inner < this.columns; inner++) {
        addScaledRow(product.row(r), right.row(inner), this.at(r, inner));
      }
    }
    return product;
  }

  /** The inverse by Gauss and Jordan, or undefined when the rows depend on one another. */
  invert(): Matrix | undefined {
    assert(this.rows === this.columns, 'only a square matrix has an inverse');
    const size = this.rows;
    const left = new Matrix(size, size, this.cells.slice());
    const right = Matrix.identity(size);
    for (let column = 0; column < size; column++) {
      let pivot = column;
      while (pivot < size && left.at(pivot, column) === 0) pivot++;
      if (pivot === size) return undefined;
      if (pivot !== column) {
        // Adding the pivot's row does what exchanging would: the cell on the diagonal is no longer 0.
        addScaledRow(left.row(column), left.row(pivot), 1);
        addScaledRow(right.row(column), right.row(pivot), 1);
      }
      const scale = divide(1, left.at(column, column));
      scaleRow(left.row(column), scale);
      scaleRow(right.row(column), scale);
      for (let r = 0; r < size; r++) {
        const factor = left.at(r, column);
        if (r === column || factor === 0) continue;
        addScaledRow(left.row(r), left.row(column), factor);
        addScaledRow(right.row(r), right.row(column), factor);
      }
    }
    return right;
  }

  /** Equal keys, equal matrices: what programs made from a matrix are cached by. */
  get key(): string {
    return (this.#key ??= this.#spell());
  }

  #spell(): string {
    let key = `${this.rows}x${this.columns}:`;
    for (const cell of this.cells) key += String.fromCharCode(cell);
    return key;
  }
}

function scaleRow(row: Uint8Array, factor: number): void {
  for (let i = 0; i < row.length; i++) row[i] = products[factor * fieldSize + row[i]!]!;
}

function addScaledRow(into: Uint8Array, row: Uint8Array, factor: number): void {
  if (factor === 0) return;
  for (let i = 0; i < into.length; i++) into[i]! ^= products[factor * fieldSize + row[i]!]!;
}

/**
 * The code of k data and m parity shards, (k + m) × k: Vandermonde times the inverse of its top square, so that
 * the top becomes the identity (data is stored as it is) while any k rows stay independent.
 */
export function codingMatrix(data: number, parity: number): Matrix {
  const vandermonde = Matrix.vandermonde(data + parity, data);
  const top = vandermonde.pick(Array.from({ length: data }, (_, i) => i)).invert();
  assert(top !== undefined, 'a square Vandermonde matrix of different points has an inverse');
  return vandermonde.times(top);
}
